"""Interleaved slates, and the two rankings they were made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.ranked_lists import check_distinct, check_gaps, id_array
from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

INTERLEAVING = 2201
"""Stream of interleaving's keyed numbers."""


@dataclass(frozen=True, slots=True)
class Interleaved:
    """One slate per impression, made of a ranking A and a ranking B."""

    items: Int64s
    """What is shown [n, L]."""
    a: Int64s
    """Ranking A, best first, -1 as padding [n, width]."""
    b: Int64s
    """Ranking B."""
    share_b: Floats
    """Probability that B gave the item at each place, given the slate [n, L]: 0 or 1 where the method knows."""
    log_p: Floats
    """Log-probability of the slate under the method's randomness [n]."""


def rankings(a: ArrayLike, b: ArrayLike, length: int | None) -> tuple[Int64s, Int64s, int]:
    """Checked rankings [n, width] and the slate length (default: the shorter width).

    `InputError`: an item twice in a ranking, padding before an item, a ranking with fewer than `length` items
    (from two rankings of at least L items a slate of L can always be filled, whatever they share).
    """
    lists = []
    for name, given in (("a", a), ("b", b)):
        ids = id_array(name, given)
        check_gaps(name, ids)
        check_distinct(name, ids)
        lists.append(ids)
    first, second = lists
    if len(first) != len(second):
        raise InputError(f"a has {len(first)} rankings and b has {len(second)}")
    places = min(first.shape[1], second.shape[1]) if length is None else length
    if places < 1:
        raise InputError(f"length is {places}; it must be at least 1")
    for name, ids in (("a", first), ("b", second)):
        have = (ids >= 0).sum(axis=1)
        if len(have) and have.min() < places:
            row = int(have.argmin())
            raise InputError(f"{name} row {row} has {have[row]} items; slates of {places} need as many in each ranking")
    return first, second, int(places)


def coins(seed: int, n: int, slots: int, user: ArrayLike | None, visit: ArrayLike | None) -> Floats:
    """Uniforms [n, slots] keyed by (seed, user, visit, slot); without users the row number takes their place."""
    who = np.arange(n) if user is None else np.asarray(user)
    when = np.zeros(n, np.int64) if visit is None else np.asarray(visit)
    for name, key in (("user", who), ("visit", when)):
        if key.shape != (n,) or key.dtype.kind not in "iu":
            raise InputError(f"{name} must be {n} whole numbers, one per impression, got {key.dtype} {key.shape}")
    # a pseudonym takes two words of the counter, so the slot stands in the stream
    streams = [(slot << 16) + INTERLEAVING for slot in range(slots)]
    return np.stack([keyed.uniforms(seed, stream, who, who >> 32, when) for stream in streams], axis=1)
