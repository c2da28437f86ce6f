"""Team-draft interleaving: captains pick in turns, a coin before each pair of picks."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.interleaving.outcome import Outcome, clicked
from driftline.evaluation.interleaving.slates import Interleaved, coins, rankings
from driftline.sim.kernel import kernel
from driftline.sim.types import Bools, Floats, Int64s


def team_draft(
    a: ArrayLike,
    b: ArrayLike,
    *,
    length: int | None = None,
    seed: int = 0,
    user: ArrayLike | None = None,
    visit: ArrayLike | None = None,
) -> Interleaved:
    """Let rankings A and B [n, width] pick in turns: in each pair of places a fair coin says who picks first.

    Each adds its highest item not yet picked (Radlinski, Kurup & Joachims 2008, algorithm 2). Coins are keyed by
    (seed, user, visit, pair). `share_b` is 1 where B picked, else 0. At every place each ranking picks with
    probability 1/2, so clicks that depend on the place only credit both alike on average.
    """
    first, second, places = rankings(a, b, length)
    pairs = (places + 1) // 2
    a_first = coins(seed, len(first), pairs, user, visit) < 0.5
    items, by_b, log_p = _draft(first, second, a_first, places)
    return Interleaved(items, first, second, by_b, log_p)


def team_draft_outcome(slates: Interleaved, clicks: ArrayLike) -> Outcome:
    """Each ranking is credited with the clicks on the items it picked; clicks [n, L] bool."""
    taken = clicked(slates, clicks)
    credit_b = (taken * slates.share_b).sum(axis=1)
    credit_a = (taken * (1.0 - slates.share_b)).sum(axis=1)
    return Outcome(credit_a, credit_b, np.sign(credit_b - credit_a))


@kernel
def _next(ranking: Int64s, start: int, shown: Int64s, filled: int) -> int:
    """Place of the highest item not yet shown, from `start` on."""
    for at in range(start, ranking.size):
        seen = False
        for j in range(filled):
            seen = seen or shown[j] == ranking[at]
        if not seen:
            return at
    return int(ranking.size)


@kernel
def _draft(a: Int64s, b: Int64s, a_first: Bools, places: int) -> tuple[Int64s, Floats, Floats]:
    n = a.shape[0]
    items, by_b, log_p = np.empty((n, places), np.int64), np.zeros((n, places)), np.zeros(n)
    for i in range(n):
        at_a, at_b, alike = 0, 0, True
        for place in range(places):
            # the second pick of a pair is the other captain's
            a_picks = a_first[i, place // 2] == (place % 2 == 0)
            at_a = _next(a[i], at_a, items[i], place)
            at_b = _next(b[i], at_b, items[i], place)
            items[i, place] = a[i, at_a] if a_picks else b[i, at_b]
            by_b[i, place] = 0.0 if a_picks else 1.0
            alike = a[i, at_a] == b[i, at_b] and (alike or place % 2 == 0)
            # a pair's coin shows in the items unless both captains wanted the same twice
            if not alike and (place % 2 == 1 or place == places - 1):
                log_p[i] += np.log(0.5)
    return items, by_b, log_p
