"""Calibration in Steck's sense: does a list show a user's interests in their proportions?"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import PerUser, one_of, over_users
from driftline.evaluation.ranking.ranked_lists import empty_lists, id_array, item_values, ranked_lists
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

Divergence = Literal["kl", "js"]
ALPHA = 0.01


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
    """
    one_of("divergence", divergence, ("kl", "js"))
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
    """
    history = id_array("items", items)
    mixture = _shares("topics", item_values("topics", topics, history, 2))
    w = np.ones(history.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != history.shape or not np.isfinite(w).all() or (w < 0).any():
        raise InputError(f"weights must be finite, at least 0, and of the items' shape {history.shape}")
    return _mixed(history, mixture, w)


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
