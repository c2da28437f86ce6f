"""A few users told at length.

A few users whose story the report tells.

What a user read and wrote around one visit, as a table of texts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.tracking import Beliefs, beliefs, jensen_shannon, softmax
from driftline.sim.types import NONE, BehaviorKind, Bools, Floats

SIDE = 5
"""Visits on either side of a change that are compared."""


@dataclass(frozen=True, slots=True)
class Witness:
    """One user of one seed."""

    label: str
    user: int
    visit: int
    """The visit around which the story turns: the first after a change, else the middle one."""
    time: float
    """Its day."""
    changes: tuple[float, ...]
    """Days of the first visits after every change of this user's interest."""


def witnesses(run: RunFolder, agent: str, seed: int, most: int = 3) -> tuple[Witness, ...]:
    """The probed users whose true interest moved most, with at least five visits on both sides.

    Where interests jump: across a jump. Where nobody's jumps: between the first and the last fifth of a
    user's visits. "Moved" is the divergence of the mean true preference over the probe items.
    """
    known = beliefs(run, agent, seed)
    changed = _change_points(run, agent, seed, known)
    starts = np.flatnonzero(np.diff(known.user, prepend=known.user[:1] - 1))
    truth = softmax(known.utility) if len(known.user) else known.utility
    found = [
        _turn(truth, changed, int(a), int(b))
        for a, b in zip(starts, [*starts[1:], len(known.user)], strict=True)
        if b - a >= 2 * SIDE
    ]
    if changed.any():
        found = [turn for turn in found if changed[turn[1]]]
    found.sort(key=lambda turn: -turn[0])
    chosen = []
    for k, (_, row) in enumerate(found[:most]):
        own = known.user == known.user[row]
        days = tuple(float(day) for day in known.time[own & changed])
        chosen.append(
            Witness(
                f"User {'ABCDEFGH'[k]}",
                int(known.user[row]),
                int(known.visit[row]),
                float(known.time[row]),
                days,
            )
        )
    return tuple(chosen)


def _turn(truth: Floats, changed: Bools, start: int, end: int) -> tuple[float, int]:
    """How far one user's interest moved, and at which row: the widest jump, else the middle."""
    jumps = [row for row in range(start + SIDE, end - SIDE + 1) if changed[row]]
    if not jumps:
        part = max((end - start) // 5, 1)
        return _moved(truth, slice(start, start + part), slice(end - part, end)), (start + end) // 2
    return max((_moved(truth, slice(row - SIDE, row), slice(row, row + SIDE)), row) for row in jumps)


def _moved(truth: Floats, before: slice, after: slice) -> float:
    pair = truth[before].mean(axis=0, keepdims=True), truth[after].mean(axis=0, keepdims=True)
    return float(jensen_shannon(*pair)[0])


def _change_points(run: RunFolder, agent: str, seed: int, known: Beliefs) -> Bools:
    """Whether each probed visit is the first after a change of interest."""
    probed = pl.LazyFrame({"user": known.user, "visit": known.visit})
    marks = run.truth(agent, seed).select("user", "visit", "change_point")
    joined = probed.join(marks, on=["user", "visit"], how="left", maintain_order="left").collect()
    return joined["change_point"].to_numpy()


BEFORE, AFTER = 4, 6


@dataclass(frozen=True, slots=True)
class Moment:
    """One visit as a line of the table."""

    day: float
    since: int
    """Visits since the witness's own turning point."""
    read: str
    """Title of what was taken, or empty."""
    wrote: str
    """Comment and queries until the next visit, or empty."""
    rating: str


def reading(run: RunFolder, agent: str, seed: int, witness: Witness) -> tuple[Moment, ...]:
    """Four visits before the witness's turning point and seven from it on."""
    visits = run.log(agent, seed).filter(pl.col("user") == witness.user).sort("visit").collect()
    around = visits.with_row_index("row").filter(
        pl.col("visit").is_between(witness.visit - BEFORE, witness.visit + AFTER)
    )
    behaviors = run.behaviors(agent, seed).filter(pl.col("user") == witness.user).sort("time").collect()
    titles = dict(run.items(seed).select("item", "text").collect().iter_rows())
    texts = _texts(run, seed, [*titles.values(), *behaviors["about"], *behaviors["expressed"]])
    times = visits["time"].to_list()
    moments = []
    for row in around.iter_rows(named=True):
        end = times[row["row"] + 1] if row["row"] + 1 < len(times) else float("inf")
        later = behaviors.filter((pl.col("time") >= row["time"]) & (pl.col("time") < end))
        moments.append(_moment(row, later, titles, texts, witness))
    return tuple(moments)


def _moment(
    row: dict[str, Any],
    later: pl.DataFrame,
    titles: dict[int, int],
    texts: dict[int, str],
    witness: Witness,
) -> Moment:
    taken = row["items"][row["choice"]] if row["choice"] < len(row["items"]) else NONE
    wrote = [_written(behavior, texts) for behavior in later.iter_rows(named=True)]
    rating = row.get("rating")
    return Moment(
        day=row["time"],
        since=row["visit"] - witness.visit,
        read=texts.get(titles.get(taken, NONE), f"item {taken}") if taken != NONE else "",
        wrote="; ".join(part for part in wrote if part),
        rating=f"{rating:.0f} of 5" if rating is not None and rating == rating else "",
    )


def _written(behavior: dict[str, Any], texts: dict[int, str]) -> str:
    if behavior["kind"] == BehaviorKind.SEARCH:
        return f"searched for “{texts.get(behavior['about'], '')}”"
    if behavior["kind"] == BehaviorKind.PURCHASE:
        return f"bought “{texts.get(behavior['about'], '')}”"
    comment = texts.get(behavior["expressed"], "")
    return f"“{comment}”" if comment else ""


def _texts(run: RunFolder, seed: int, codes: list[int]) -> dict[int, str]:
    wanted = pl.Series("code", sorted(set(codes)), dtype=pl.Int32).to_frame().lazy()
    found = run.segments(seed).select(pl.col("code").cast(pl.Int32), "text").join(wanted, on="code", how="semi")
    return dict(found.collect().iter_rows())
