"""Gini index: how unequally are the places shared among the items?"""

from math import nan

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.ranking.catalogue import jackknifed, listed
from driftline.sim.types import Floats, Int64s


def gini(ranked: ArrayLike, catalogue: ArrayLike | int, *, k: int | None = None) -> Estimate:
    """Inequality of how often items are listed: 0 (all alike) to 1 - 1 / items (one item takes all).

    G = sum_i (2 i - n - 1) c_(i) / (n sum_i c_i), counts c ascending over all n items of the catalogue, those
    never listed included (Gini 1912; Fleder & Hosanagar 2009 for recommendations). Not scaled by n / (n - 1). NaN
    where nothing is listed. Interval: jackknife over users.
    """
    known = listed(ranked, catalogue, k)
    count, n, total = np.sort(known.count), len(known.count), int(known.count.sum())
    if total == 0:
        return jackknifed(nan, np.full(len(known.ranked), nan), "gini", ("nothing is listed",))
    weighted = _rank_weighted(count.astype(np.float64))
    taken = (known.ranked >= 0).sum(axis=1)
    rest = np.maximum(total - taken, 1)
    without = np.where(total > taken, (weighted - _lost(known.ranked, known.count, count)) / (n * rest), nan)
    return jackknifed(weighted / (n * total), without, "gini")


def gini_index(count: Floats) -> float:
    """The number alone, of counts [items] in any order; NaN where they are all 0."""
    total, n = float(count.sum()), len(count)
    return _rank_weighted(np.sort(count)) / (n * total) if total > 0 else nan


def _rank_weighted(ordered: Floats) -> float:
    n = len(ordered)
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum())


def _lost(lists: Int64s, counts: Int64s, ordered: Int64s) -> Floats:
    """How much less the weighted sum is without each user [n].

    An item that loses one of its c places moves to the first rank among the items with c; a second item with
    the same c, to the rank after. Those ranks' weights are lost.
    """
    filled = lists >= 0
    own = np.sort(np.where(filled, counts[lists], 0), axis=1)
    new = np.ones(own.shape, bool)
    new[:, 1:] = own[:, 1:] != own[:, :-1]
    column = np.arange(own.shape[1])
    nth = column - np.maximum.accumulate(np.where(new, column, 0), axis=1)
    rank = np.searchsorted(ordered, own, side="left") + 1 + nth
    return np.asarray(np.where(own > 0, 2.0 * rank - len(ordered) - 1, 0.0).sum(axis=1))
