"""A grading as a command starts it: options as text, live progress, rows for a table."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from driftline.scenarios.grade import api as grade_api
from driftline.scenarios.live_progress import live_progress
from driftline.scenarios.seed_range import seed_range
from driftline.sim.config.resolve import from_texts

SHOWN = ("bias", "rmse", "coverage", "width", "rejected", "warned")


def live_grade(
    scenario: str, seeds: str, settings: Sequence[str], out: Path | None, jobs: int
) -> tuple[grade_api.Grading, list[dict[str, object]]]:
    """`driftline.grade` with a progress display on a terminal, and its grades as table rows."""
    numbers = seed_range(seeds)
    with live_progress(("replication",), len(numbers)) as progress:
        found = grade_api.grade(scenario, numbers, from_texts(settings), out, jobs, progress)
    rows: list[dict[str, object]] = []
    for row in found.grades.iter_rows(named=True):
        cells = {name: row[name] if row[name] is not None and isfinite(row[name]) else None for name in SHOWN}
        rows.append({"method": row["method"], "of": row["target"], "on": row["policy"], **cells})
    return found, rows
