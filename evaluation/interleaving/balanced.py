"""Balanced interleaving: the rankings take turns, one coin decides who begins."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.interleaving.outcome import Outcome, clicked
from driftline.evaluation.interleaving.slates import Interleaved, coins, rankings
from driftline.sim.kernel import kernel
from driftline.sim.types import Bools, Floats, Int64s


def balanced(
    a: ArrayLike,
    b: ArrayLike,
    *,
    length: int | None = None,
    seed: int = 0,
    user: ArrayLike | None = None,
    visit: ArrayLike | None = None,
) -> Interleaved:
    """Merge rankings A and B [n, width] so that every prefix holds the tops of both, to within one item.

    The ranking whose next item stands higher goes on, the beginner where both stand equal; an item already shown
    is passed over (Joachims 2002; Radlinski, Kurup & Joachims 2008, algorithm 1). One fair coin, keyed by (seed,
    user, visit). `share_b` is NaN: credit does not depend on who gave an item. Judge clicks with
    `balanced_outcome`; they can favour a ranking under random clicks, so prefer `team_draft`.
    """
    first, second, places = rankings(a, b, length)
    begins = coins(seed, len(first), 1, user, visit)[:, 0] < 0.5
    items, other = _merge(first, second, begins, places), _merge(first, second, ~begins, places)
    same = (items == other).all(axis=1)
    return Interleaved(items, first, second, np.full(items.shape, np.nan), np.where(same, 0.0, np.log(0.5)))


def balanced_outcome(slates: Interleaved, clicks: ArrayLike) -> Outcome:
    """Credit of balanced interleaving.

    With m the lowest clicked item, j = min(rank of m in A, rank of m in B): each ranking is credited with the
    clicked items among its first j (Joachims 2002). clicks [n, L] bool. No clicks, no credit.
    """
    taken = clicked(slates, clicks)
    credit_a, credit_b = _credits(slates.items, slates.a, slates.b, taken)
    return Outcome(credit_a, credit_b, np.sign(credit_b - credit_a))


@kernel
def _merge(a: Int64s, b: Int64s, a_begins: Bools, places: int) -> Int64s:
    out = np.empty((a.shape[0], places), np.int64)
    for i in range(a.shape[0]):
        at_a, at_b, filled = 0, 0, 0
        while filled < places:
            if at_a < at_b or (at_a == at_b and a_begins[i]):
                item = a[i, at_a]
                at_a += 1
            else:
                item = b[i, at_b]
                at_b += 1
            seen = False
            for j in range(filled):
                seen = seen or out[i, j] == item
            if not seen:
                out[i, filled] = item
                filled += 1
    return out


@kernel
def _rank(ranking: Int64s, item: int) -> int:
    """Place of an item from 0; the width where it is missing."""
    for j in range(ranking.size):
        if ranking[j] == item:
            return j
    return int(ranking.size)


@kernel
def _credits(items: Int64s, a: Int64s, b: Int64s, taken: Bools) -> tuple[Floats, Floats]:
    credit_a, credit_b = np.zeros(items.shape[0]), np.zeros(items.shape[0])
    for i in range(items.shape[0]):
        lowest = -1
        for j in range(items.shape[1]):
            if taken[i, j]:
                lowest = j
        if lowest < 0:
            continue
        deep = min(_rank(a[i], items[i, lowest]), _rank(b[i], items[i, lowest]))
        for j in range(lowest + 1):
            if taken[i, j]:
                credit_a[i] += _rank(a[i], items[i, j]) <= deep
                credit_b[i] += _rank(b[i], items[i, j]) <= deep
    return credit_a, credit_b
