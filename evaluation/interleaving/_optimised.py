"""Optimised interleaving: the slates whose clicks tell most, subject to random clicks telling nothing."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.interleaving._slates import Interleaved, Outcome, clicked, coins, rankings
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats, Int64s

Credit = Literal["inverse", "linear"]
LONGEST = 10
"""Longest slate: the number of slates doubles with each place."""


@dataclass(frozen=True, slots=True)
class SlateDistribution:
    """A distribution over slates for one pair of rankings."""

    items: Int64s
    """The slates that respect both rankings [m, L]."""
    credit: Floats
    """What a click on each place is worth to B [m, L]; below 0: to A."""
    probability: Floats
    """[m]."""
    sensitivity: Floats
    """How surely one click tells a winner, in bits [m]."""


def optimised_distribution(
    a: ArrayLike, b: ArrayLike, *, length: int | None = None, credit: Credit = "inverse"
) -> SlateDistribution:
    """The unbiased distribution over slates that is most sensitive (Radlinski & Craswell 2013).

    Allowed are slates each of whose places holds the highest unseen item of A or of B. A click on item d is worth
    1 / rank_B - 1 / rank_A to B (`inverse`) or rank_A - rank_B (`linear`); a missing item ranks one below the last.
    Constraints: at every place the expected worth is 0, so any clicks that depend on the place only favour
    nobody. Objective: expected sensitivity, of a slate (1 - w_T) H(w_B / (w_A + w_B)) bits, w_A, w_B, w_T being
    the chances that A wins, B wins, neither, if one click falls on place i with probability proportional to
    1 / i. A linear programme (HiGHS); a, b: one ranking each [width]. `InputError`: slates longer than ten.

    Example:
        >>> from driftline.evaluation.interleaving import optimised_distribution
        >>> distribution = optimised_distribution([1, 2, 3], [2, 3, 1], length=2)
        >>> round(float(distribution.probability.sum()), 6)
        1.0
    """
    from scipy.optimize import linprog

    if credit not in ("inverse", "linear"):
        raise InputError(f"credit is {credit!r}; {hint(str(credit), ('inverse', 'linear'))}")
    first, second, places = rankings(np.asarray(a)[None, :], np.asarray(b)[None, :], length)
    if places > LONGEST:
        raise InputError(f"length is {places}; optimised interleaving lists all slates and takes at most {LONGEST}")
    slates = _allowed(first[0].tolist(), second[0].tolist(), places)
    worth = _worth(slates, second[0], credit) - _worth(slates, first[0], credit)
    gain = _sensitivity(worth)
    rows = np.vstack([np.ones(len(slates)), worth.T])
    target = np.concatenate([[1.0], np.zeros(places)])
    found = linprog(-gain, A_eq=rows, b_eq=target, bounds=(0.0, 1.0), method="highs")
    if not found.success:
        raise InputError(f"no unbiased distribution over the {len(slates)} slates exists under the {credit} credit")
    probability = np.maximum(np.asarray(found.x), 0.0)
    return SlateDistribution(slates, worth, probability / probability.sum(), gain)


def optimised(
    a: ArrayLike,
    b: ArrayLike,
    *,
    length: int | None = None,
    credit: Credit = "inverse",
    seed: int = 0,
    user: ArrayLike | None = None,
    visit: ArrayLike | None = None,
) -> tuple[Interleaved, Floats]:
    """One slate per impression from each pair's optimised distribution, and each place's worth to B [n, L].

    Rankings [n, width]; equal pairs are solved once. Drawn by one uniform keyed by (seed, user, visit). Judge
    clicks with `optimised_outcome`. `share_b` is NaN: credit does not depend on who gave an item.

    Example:
        >>> from driftline.evaluation.interleaving import optimised
        >>> slates, worth = optimised([[1, 2, 3]], [[2, 3, 1]], length=2)
        >>> slates.items.shape, worth.shape
        ((1, 2), (1, 2))
    """
    first, second, places = rankings(a, b, length)
    pairs, code = np.unique(np.concatenate([first, second], axis=1), axis=0, return_inverse=True)
    uniform = coins(seed, len(first), 1, user, visit)[:, 0]
    items, worth = np.empty((len(first), places), np.int64), np.empty((len(first), places))
    log_p = np.empty(len(first))
    for number, pair in enumerate(pairs):
        width = first.shape[1]
        # padding is dropped: one ranking may be shorter than its neighbours
        one, other = pair[:width], pair[width:]
        distribution = optimised_distribution(one[one >= 0], other[other >= 0], length=places, credit=credit)
        rows = np.flatnonzero(code.ravel() == number)
        steps = np.cumsum(distribution.probability)
        chosen = np.searchsorted(steps, uniform[rows] * steps[-1], side="right")
        items[rows], worth[rows] = distribution.items[chosen], distribution.credit[chosen]
        log_p[rows] = np.log(distribution.probability[chosen])
    return Interleaved(items, first, second, np.full(items.shape, np.nan), log_p), worth


def optimised_outcome(slates: Interleaved, worth: ArrayLike, clicks: ArrayLike) -> Outcome:
    """Summed worth of the clicked places: above 0 to B, below 0 to A; clicks [n, L] bool.

    Example:
        >>> from driftline.evaluation.interleaving import optimised_outcome
        >>> from driftline.evaluation.interleaving import optimised
        >>> slates, worth = optimised([[1, 2, 3]], [[2, 3, 1]], length=2)
        >>> optimised_outcome(slates, worth, [[False, False]]).win.tolist()
        [0.0]
    """
    taken, value = clicked(slates, clicks), np.asarray(worth, dtype=np.float64)
    if value.shape != taken.shape:
        raise InputError(f"worth has shape {value.shape}, the slates {taken.shape}")
    credit_a = np.where(taken, np.maximum(-value, 0.0), 0.0).sum(axis=1)
    credit_b = np.where(taken, np.maximum(value, 0.0), 0.0).sum(axis=1)
    return Outcome(credit_a, credit_b, np.sign(credit_b - credit_a))


def _allowed(a: list[int], b: list[int], places: int) -> Int64s:
    """Every slate whose places hold the highest unseen item of A or of B, in lexical order of the choices."""
    slates: list[list[int]] = [[]]
    for _ in range(places):
        longer = []
        for slate in slates:
            tops = [next(item for item in ranking if item not in slate) for ranking in (a, b)]
            longer += [[*slate, item] for item in dict.fromkeys(tops)]
        slates = longer
    return np.array(slates, dtype=np.int64)


def _worth(slates: Int64s, ranking: Int64s, credit: Credit) -> Floats:
    rank = {int(item): place + 1.0 for place, item in enumerate(ranking)}
    ranks = np.array([[rank.get(int(item), len(ranking) + 1.0) for item in slate] for slate in slates])
    return 1.0 / ranks if credit == "inverse" else -ranks


def _sensitivity(worth: Floats) -> Floats:
    weight = 1.0 / np.arange(1.0, worth.shape[1] + 1)
    weight /= weight.sum()
    wins = np.stack([(worth < 0) @ weight, (worth > 0) @ weight], axis=1)
    decided = wins.sum(axis=1)
    share = np.divide(wins, decided[:, None], out=np.zeros_like(wins), where=decided[:, None] > 0)
    logs = np.log2(share, out=np.zeros_like(share), where=share > 0)
    return np.asarray(-decided * (share * logs).sum(axis=1) + 0.0)
