"""A user's own logs: `driftline ope` and `driftline ab`, from a file and a mapping of its columns to a verdict.

`log_file.py` (file, columns, cells), `verdict.py` (checks, numbers, warnings, page). Decisions: `ope.py`, `roles.py`,
`single.py`, `slates.py`, `wide.py`, `of_run.py` (the log of a run). Experiments: `ab.py`, `comparisons.py`.
"""
