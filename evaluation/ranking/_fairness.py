"""Fairness of lists: users' interests in their proportions, groups of items and of users alike."""

from dataclasses import dataclass, replace
from math import nan, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import one_of
from driftline.evaluation.estimate import LEVEL, Estimate, t_interval, t_quantile
from driftline.evaluation.ranking._lists import (
    PerUser,
    empty_lists,
    id_array,
    item_values,
    over_users,
    ranked_lists,
)
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

Divergence = Literal["kl", "js"]
ALPHA = 0.01
"""Share of the interest that is mixed into what is shown, so that no logarithm is infinite (Steck 2018)."""


@dataclass(frozen=True, slots=True)
class GroupGap:
    """A number per group and how far the groups are apart."""

    group: Int64s
    """The groups' labels, ascending [G]."""
    value: tuple[Estimate, ...]
    """One per group, in that order."""
    gap: Estimate
    """Largest minus smallest value; at least 0."""
    ratio: float
    """Smallest over largest value: 1 is equal, NaN where the largest is not above 0."""


def miscalibration(
    ranked: ArrayLike,
    topics: ArrayLike,
    interest: ArrayLike,
    *,
    k: int | None = None,
    divergence: Divergence = "kl",
    alpha: float = ALPHA,
    rank_weights: ArrayLike | None = None,
) -> PerUser:
    """Divergence of what a list shows from what its user is interested in, in nats; 0 is calibrated.

    p = interest [n, G], rows sum to 1 (`topic_share` makes it of a history); q(g) = sum_r w_r topics(i_r, g) /
    sum_r w_r over the filled places. `kl`: sum_g p log(p / q'), q' = (1 - alpha) q + alpha p (Steck
    2018); at most log(1 / alpha). `js`: Jensen-Shannon divergence of p and q, which needs no alpha; at most
    log 2 (Lin 1991). topics [items, G], row = item id, rows sum to 1. rank_weights [k]: default 1 each.
    Empty lists and interests of NaN (no history): NaN, left out of the mean. 0 log 0 = 0.

    Example:
        >>> from driftline.evaluation.ranking import miscalibration
        >>> found = miscalibration([[0, 1], [0, 0 + 2]], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]])
        >>> found.values.round(3).tolist()
        [0.0, 1.959]
    """
    one_of("divergence", divergence, get_args(Divergence))
    if not 0.0 < alpha < 1.0:
        raise InputError(f"alpha is {alpha}; it must lie between 0 and 1 (Steck takes .01)")
    lists, places = ranked_lists(ranked, k)
    mixture = _shares("topics", item_values("topics", topics, lists, 2))
    given = np.atleast_2d(np.asarray(interest, dtype=np.float64))
    unknown: Bools = np.asarray(np.isnan(given).all(axis=1))
    # any distribution will do where there is none: the row is NaN in the end
    wanted = _shares("interest", np.where(unknown[:, None], 1.0 / given.shape[1], given))
    if wanted.shape != (len(lists), mixture.shape[1]):
        raise InputError(f"interest has shape {wanted.shape}, expected {(len(lists), mixture.shape[1])}")
    shown = _mixed(lists, mixture, _rank_weights(rank_weights, lists.shape[1]))
    if divergence == "kl":
        values = _kl(wanted, (1.0 - alpha) * shown + alpha * wanted)
    else:
        middle = (wanted + shown) / 2.0
        values = (_kl(wanted, middle) + _kl(shown, middle)) / 2.0
    values[(lists < 0).all(axis=1) | unknown] = np.nan
    told = [f"{unknown.sum()} of {len(lists)} users have no known interest and are left out"] if unknown.any() else []
    return over_users(values, f"miscalibration@{places}, {divergence}", [*empty_lists(lists), *told])


def topic_share(items: ArrayLike, topics: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Weighted topic shares of each user's items [n, G] (Steck 2018); NaN rows where a user has none.

    items [n, m] padded with -1; repeats count. topics [items, G], row = item id, rows sum to 1. weights [n, m]
    (recency, say): default 1 each.

    Example:
        >>> from driftline.evaluation.ranking import topic_share
        >>> topic_share([[0, 0, 1], [1, -1, -1]], [[1.0, 0.0], [0.0, 1.0]]).round(3).tolist()
        [[0.667, 0.333], [0.0, 1.0]]
    """
    history = id_array("items", items)
    mixture = _shares("topics", item_values("topics", topics, history, 2))
    w = np.ones(history.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != history.shape or not np.isfinite(w).all() or (w < 0).any():
        raise InputError(f"weights must be finite, at least 0, and of the items' shape {history.shape}")
    return _mixed(history, mixture, w)


def exposure_gap(
    ranked: ArrayLike,
    group: ArrayLike,
    *,
    k: int | None = None,
    merit: ArrayLike | None = None,
    attention: Literal["log", "uniform"] = "log",
) -> GroupGap:
    """Attention per item (or per unit of merit) that each group of items gets in an average list.

    Exposure_g = mean over users of sum_r v_r 1[group of the item at r = g], divided by the number of items in
    g (demographic parity) or, with `merit` [items] of at least 0, by the group's summed merit (disparate
    treatment): Singh & Joachims 2018. v_r = 1 / log2(r + 1) (`log`) or 1 (`uniform`). group
    [items] int, row = item id, the whole catalogue. Users are the units of the intervals (Student's t; the gap's
    is paired).

    Example:
        >>> from driftline.evaluation.ranking import exposure_gap
        >>> found = exposure_gap([[0, 1], [0, 2]], [1, 1, 2])
        >>> [round(each.value, 3) for each in found.value]
        [0.658, 0.315]
    """
    one_of("attention", attention, ("log", "uniform"))
    lists, places = ranked_lists(ranked, k)
    labels, code = _labels("group", item_values("group", group, lists))
    size = np.bincount(code, _merit(merit, len(code)), minlength=len(labels)).astype(np.float64)
    if (size == 0).any():
        raise InputError(f"group {labels[size == 0][0]} has no merit; exposure per merit is undefined")
    ranks = np.arange(2.0, lists.shape[1] + 2)
    v = 1.0 / np.log2(ranks) if attention == "log" else np.ones(len(ranks))
    own = np.where(lists >= 0, code[lists], -1)
    got = np.stack([(np.where(own == g, v, 0.0)).sum(axis=1) / size[g] for g in range(len(labels))])
    each = [t_interval(row) for row in got]
    high, low = _ends(each)
    gap = t_interval(got[high] - got[low])
    return _gap(labels, each, gap, f"exposure@{places} per {'item' if merit is None else 'merit'}")


def utility_gap(values: ArrayLike, group: ArrayLike) -> GroupGap:
    """Mean of a per-user metric in each group of users, and how far the groups are apart.

    gap = largest - smallest group mean (for two groups the absolute difference of Li et al. 2021;
    Ekstrand et al. 2018 compare the same means). values [n]: such as `ndcg(...).values`; NaN users are left
    out. group [n] int. Intervals: Student's t over a group's users; the gap's by Welch.

    Example:
        >>> from driftline.evaluation.ranking import utility_gap
        >>> found = utility_gap([0.5, 0.7, 0.1, 0.3], [1, 1, 2, 2])
        >>> round(found.gap.value, 3)
        0.4
    """
    value, labels_of = np.asarray(values, dtype=np.float64), np.asarray(group)
    if value.ndim != 1 or labels_of.shape != value.shape:
        raise InputError(f"values and group need one entry per user, got {value.shape} and {labels_of.shape}")
    labels, code = _labels("group", labels_of)
    members = [value[(code == g) & ~np.isnan(value)] for g in range(len(labels))]
    for label, own in zip(labels, members, strict=True):
        if not len(own):
            raise InputError(f"group {label} has no user with a value")
    each = [t_interval(own) for own in members]
    high, low = _ends(each)
    return _gap(labels, each, _welch(members[high], members[low]), "utility")


def _mixed(lists: Int64s, mixture: Floats, weights: Floats) -> Floats:
    w = np.where(lists >= 0, weights, 0.0)
    total = np.zeros((len(lists), mixture.shape[1]))
    # place by place: [n, G] at a time, never [n, k, G]
    for place in range(lists.shape[1]):
        total += w[:, place, None] * mixture[lists[:, place]]
    below = w.sum(axis=1, keepdims=True)
    out = np.full_like(total, np.nan)
    np.divide(total, below, out=out, where=below > 0)
    return out


def _kl(p: Floats, q: Floats) -> Floats:
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log(ratio)).sum(axis=1))


def _rank_weights(given: ArrayLike | None, width: int) -> Floats:
    w = np.ones(width) if given is None else np.asarray(given, dtype=np.float64)
    if w.ndim != 1 or len(w) < width or not np.isfinite(w).all() or (w <= 0).any():
        raise InputError(f"rank_weights must be at least {width} finite numbers above 0, best place first")
    return np.asarray(w[:width])


def _shares(name: str, given: Floats) -> Floats:
    shares = given.astype(np.float64)
    if shares.ndim != 2 or not np.isfinite(shares).all() or (shares < 0).any():
        raise InputError(f"{name} must be two-dimensional, finite and at least 0")
    wrong = np.abs(shares.sum(axis=1) - 1.0) > 1e-6
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"{name} of row {row} sum to {shares[row].sum():.6g}; they must sum to 1")
    return shares


def _welch(a: Floats, b: Floats) -> Estimate:
    """Mean of a less mean of b with Welch's interval (Welch 1947)."""
    n, difference = len(a) + len(b), float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return Estimate(difference, nan, nan, nan, n)
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    error = sqrt(va + vb)
    if error == 0.0:
        return Estimate(difference, 0.0, difference, difference, n)
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    reach = t_quantile(0.5 + LEVEL / 2, freedom) * error
    return Estimate(difference, error, difference - reach, difference + reach, n)


def _gap(labels: Int64s, each: list[Estimate], gap: Estimate, method: str) -> GroupGap:
    warnings = [f"group {label} has one user and no interval" for label, e in zip(labels, each, strict=True) if e.n < 2]
    if len(labels) > 2 or gap.low < 0.0:
        warnings.append(
            "the gap is the largest of several differences: too large on average where groups hardly differ"
        )
    high, low = _ends(each)
    top = each[high].value
    named = replace(gap, method=f"{method}: gap of groups {labels[high]} and {labels[low]}", warnings=tuple(warnings))
    return GroupGap(labels, tuple(each), named, each[low].value / top if top > 0 else nan)


def _ends(each: list[Estimate]) -> tuple[int, int]:
    """Places of the largest and the smallest value, the first of equals."""
    values = [e.value for e in each]
    return int(np.argmax(values)), int(np.argmin(values))


def _labels(name: str, given: ArrayLike) -> tuple[Int64s, Int64s]:
    labels = np.asarray(given)
    if labels.dtype.kind not in "iub":
        raise InputError(f"{name} has type {labels.dtype}; groups must be whole numbers")
    found, code = np.unique(labels.astype(np.int64), return_inverse=True)
    if len(found) < 2:
        raise InputError(f"{name} holds {len(found)} group; a gap needs two")
    return found, code


def _merit(merit: ArrayLike | None, items: int) -> Floats:
    worth = np.ones(items) if merit is None else np.asarray(merit, dtype=np.float64)
    if worth.shape != (items,) or not np.isfinite(worth).all() or (worth < 0).any():
        raise InputError(f"merit must be one finite number of at least 0 for each of the {items} items")
    return worth
