"""Visits of a few users, for policies to make slates of."""

import numpy as np

from driftline.sim.types import Int64s, Items, Observation, empty_behaviors


def seen_by(n: int, candidates: Int64s, first_user: int = 1000) -> Observation:
    ints, floats = np.empty(0, np.int32), np.empty(0)
    none = Items(ints, ints, np.empty(0, np.int8), np.empty(0, np.float32), floats, ints)
    return Observation(
        user=np.arange(first_user, first_user + n),
        visit=(np.arange(n) % 7).astype(np.int32),
        time=np.zeros(n),
        behaviors=empty_behaviors(),
        candidates=candidates.astype(np.int32),
        arrived=none,
        tick=0,
    )


def place(length: int, n: int) -> Int64s:
    return np.zeros((n, length), np.int64)
