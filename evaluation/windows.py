"""The parts of a run that every measure is reported for."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from driftline.evaluation.run_folder import RunFolder
from driftline.sim.types import Bools

AFTER_CHANGE = 10
"""Visits after a change of interest that count as "just after"."""
PARTS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """A named part of the judged visits."""

    name: str
    holds: Callable[[pl.DataFrame], Bools]
    """Which rows of a frame with `time`, `since_change` and `group` belong to it."""
    days: tuple[float, float] | None = None
    """First and last day, where it is a stretch of days."""


def windows(run: RunFolder) -> tuple[Window, ...]:
    """Every window of a run.

    `all`: the whole judged period. `day:a-b`: its thirds, a <= time < b, cut at whole days (the last one
    includes b). `after_change:10`: each user's ten visits after a change of interest. `group:<name>`: the
    visits of one group of users.
    """
    just_after = pl.col("since_change") < AFTER_CHANGE
    return (
        Window("all", lambda frame: _mask(frame, pl.lit(True)), run.judged),
        *_thirds(*run.judged),
        Window(f"after_change:{AFTER_CHANGE}", lambda frame: _mask(frame, just_after)),
        *(_group(number, name) for number, name in enumerate(run.groups)),
    )


def _thirds(start: float, end: float) -> list[Window]:
    edges = [round(start + (end - start) * part / PARTS) for part in range(PARTS + 1)]
    parts = [(a, b) for a, b in pairwise(edges) if a < b]
    return [_days(a, b, last=b == edges[-1], first=a == edges[0]) for a, b in parts]


def _days(a: int, b: int, last: bool, first: bool) -> Window:
    """The outer edges are open, so that a horizon of 59.5 days loses nothing."""
    low = pl.lit(True) if first else pl.col("time") >= a
    high = pl.lit(True) if last else pl.col("time") < b
    return Window(f"day:{a}-{b}", lambda frame: _mask(frame, low & high), (a, b))


def _group(number: int, name: str) -> Window:
    return Window(f"group:{name}", lambda frame: _mask(frame, pl.col("group") == number))


def _mask(frame: pl.DataFrame, condition: pl.Expr) -> Bools:
    holds = frame.select(holds=condition.fill_null(False) & pl.col("time").is_not_null())
    return holds["holds"].to_numpy()
