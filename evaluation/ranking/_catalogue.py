"""The catalogue as all lists together use it: coverage, Gini index, entropy."""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import LEVEL, Estimate, t_quantile
from driftline.evaluation.ranking._lists import ranked_lists
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def coverage(ranked: ArrayLike, catalogue: ArrayLike | int, *, k: int | None = None) -> Estimate:
    """Share of the catalogue's items that stand in at least one list, in [0, 1].

    |union of the lists| / |catalogue| (Ge, Delgado-Battenfeld & Jannach 2010). catalogue: number of items (ids
    from 0) or their ids. It grows with the number of users: compare at equal numbers only. Interval: jackknife
    over users.

    Example:
        >>> from driftline.evaluation.ranking import coverage
        >>> coverage([[0, 1], [1, 2]], 4).value
        0.75
    """
    known = listed(ranked, catalogue, k)
    items = len(known.count)
    value = float((known.count > 0).sum() / items)
    alone = (known.ranked >= 0) & (known.count[known.ranked] == 1)
    return jackknifed(value, value - alone.sum(axis=1) / items, "coverage")


def gini(ranked: ArrayLike, catalogue: ArrayLike | int, *, k: int | None = None) -> Estimate:
    """Inequality of how often items are listed: 0 (all alike) to 1 - 1 / items (one item takes all).

    G = sum_i (2 i - n - 1) c_(i) / (n sum_i c_i), counts c ascending over all n items of the catalogue, those
    never listed included (Gini 1912; Fleder & Hosanagar 2009 for recommendations). Not scaled by n / (n - 1). NaN
    where nothing is listed. Interval: jackknife over users.

    Example:
        >>> from driftline.evaluation.ranking import gini
        >>> gini([[0, 1], [0, 2]], 4).value
        0.375
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


def shannon_entropy(
    ranked: ArrayLike, catalogue: ArrayLike | int, *, k: int | None = None, base: float = 2.0
) -> Estimate:
    """Entropy of the distribution of all filled places over items, in bits (base 2) unless told otherwise.

    H = - sum_i p_i log p_i, p_i = places of item i / all filled places, 0 log 0 = 0 (Shannon 1948). From 0 to
    log(items). Not divided by anything. With few users it is too low. NaN where nothing is listed. Interval:
    jackknife over users.

    Example:
        >>> from driftline.evaluation.ranking import shannon_entropy
        >>> shannon_entropy([[0, 1], [0, 1]], 4).value
        1.0
    """
    if not base > 1.0:
        raise InputError(f"base is {base}; it must be above 1 (2 for bits, e for nats)")
    known = listed(ranked, catalogue, k)
    total = float(known.count.sum())
    if total == 0:
        return jackknifed(nan, np.full(len(known.ranked), nan), "shannon_entropy", ("nothing is listed",))
    scale = np.log(base)
    summed = float(_x_log_x(known.count.astype(np.float64)).sum())
    own = np.where(known.ranked >= 0, known.count[known.ranked], 0).astype(np.float64)
    left = summed - (_x_log_x(own) - _x_log_x(np.maximum(own - 1, 0))).sum(axis=1)
    rest = total - (known.ranked >= 0).sum(axis=1)
    without = np.where(rest > 0, np.log(np.maximum(rest, 1)) - left / np.maximum(rest, 1), nan)
    return jackknifed((np.log(total) - summed / total) / scale, without / scale, "shannon_entropy")


def gini_index(count: Floats) -> float:
    """The number alone, of counts [items] in any order; NaN where they are all 0."""
    total, n = float(count.sum()), len(count)
    return _rank_weighted(np.sort(count)) / (n * total) if total > 0 else nan


def distribution_entropy(p: Floats, base: float = 2.0) -> Floats:
    """Entropy of each row of a distribution [n, K] -> [n]; 0 log 0 = 0; NaN rows stay NaN."""
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    return np.asarray(-(p * logs).sum(axis=1) / np.log(base) + 0.0)


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


def _x_log_x(x: Floats) -> Floats:
    return x * np.log(np.maximum(x, 1.0))


@dataclass(frozen=True, slots=True)
class Listed:
    """Lists in which items are numbered 0 to items - 1, and how often each item is listed."""

    ranked: Int64s
    """[n, places], -1 as padding."""
    count: Int64s
    """[items]; 0 for items that nobody was shown."""


def listed(ranked: ArrayLike, catalogue: ArrayLike | int, k: int | None = None) -> Listed:
    """Count listed items. catalogue: the number of items (ids 0 to items - 1), or the ids that may be listed.

    `InputError`: an empty catalogue, an id twice in it, a listed item that is not in it.
    """
    lists, _ = ranked_lists(ranked, k)
    ids = np.arange(catalogue) if isinstance(catalogue, int) else np.sort(np.asarray(catalogue))
    if ids.ndim != 1 or len(ids) == 0:
        raise InputError("the catalogue is empty; it must be a number of items or their ids")
    if (ids[1:] == ids[:-1]).any():
        raise InputError(f"the catalogue holds item {ids[1:][ids[1:] == ids[:-1]][0]} more than once")
    at = np.searchsorted(ids, lists)
    unknown = (lists >= 0) & (ids[np.minimum(at, len(ids) - 1)] != lists)
    if unknown.any():
        raise InputError(f"item {lists[unknown][0]} is listed but not in the catalogue of {len(ids)} items")
    places = np.where(lists >= 0, at, -1)
    return Listed(places, np.bincount(places[places >= 0], minlength=len(ids)))


def jackknifed(value: float, without: Floats, method: str, warnings: tuple[str, ...] = ()) -> Estimate:
    """A number computed from all users together, with the interval of the delete-one-user jackknife.

    without [n]: the number without each user. std_error = sqrt((n - 1) / n sum (without - mean)^2), on average
    not too small (Efron & Stein 1981); Student's t with n - 1 degrees of freedom. The number is that of n
    users: it says how much it would vary over such samples, not what more users would show.
    """
    n, value = len(without), float(value)
    if n < 2 or not np.isfinite(without).all():
        return Estimate(value, nan, nan, nan, n, f"{method} (jackknife over users)", warnings)
    error = sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    reach = t_quantile(0.5 + LEVEL / 2, n - 1) * error
    return Estimate(value, error, value - reach, value + reach, n, f"{method} (jackknife over users)", warnings)
