"""A few users told at length: whose interest moved most, and what they read and wrote around that visit."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.timeline import Moment, moments_around
from driftline.evaluation.run.tracking import Beliefs, beliefs, jensen_shannon, softmax
from driftline.sim.types import Bools, Floats

SIDE = 5
"""Visits on either side of a change that are compared."""
BEFORE, AFTER = 4, 6
"""Visits before and after the turning point that are told."""


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
        label = f"User {'ABCDEFGH'[k]}"
        chosen.append(Witness(label, int(known.user[row]), int(known.visit[row]), float(known.time[row]), days))
    return tuple(chosen)


def story(run: RunFolder, agent: str, seed: int, witness: Witness) -> tuple[Moment, ...]:
    """Four visits before the witness's turning point and seven from it on."""
    return moments_around(run, agent, seed, witness.user, witness.visit, BEFORE, AFTER)


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
