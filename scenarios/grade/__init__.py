"""Grades for methods: how far each estimator and each experiment is from a truth that only a simulator knows.

`api.py` (`driftline.grade`), `replication.py` (one world), `off_policy.py` and `experiments.py` (the verdicts of every
method in it), `rows.py` (verdicts summed up), `findings.py` (what they come to, in sentences), `page.py` (heat map).
"""
