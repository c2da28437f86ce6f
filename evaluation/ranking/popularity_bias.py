"""Popularity bias: how popular is what is listed, and does the long tail get its places?"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import PerUser, over_users
from driftline.evaluation.ranking.ranked_lists import empty_lists, item_values, list_mean, ranked_lists
from driftline.sim.errors import InputError
from driftline.sim.types import Bools


def arp(ranked: ArrayLike, *, interactions: ArrayLike, k: int | None = None) -> PerUser:
    """Average recommendation popularity: mean earlier interactions of a list's items.

    ARP = mean over users of mean over the filled places of c_i (Yin et al. 2012; Abdollahpouri, Burke &
    Mobasher 2019), c [items], row = item id. Divide c by its sum for shares. Empty lists: NaN.
    """
    lists, places = ranked_lists(ranked, k)
    count = item_values("interactions", interactions, lists).astype(np.float64)
    return over_users(list_mean(count[lists], lists), f"arp@{places}", empty_lists(lists))


def aplt(ranked: ArrayLike, *, tail: ArrayLike, k: int | None = None) -> PerUser:
    """Average percentage of long-tail items: the share of a list's items that are in the long tail, in [0, 1].

    Mean over users of |long tail and list| / filled places (Abdollahpouri, Burke & Mobasher 2019). tail [items]
    bool, row = item id; `long_tail` makes one. Empty lists: NaN.
    """
    lists, places = ranked_lists(ranked, k)
    members = np.asarray(tail)
    if members.dtype != np.bool_:
        raise InputError(f"tail has type {members.dtype}; it must be true or false, one row per item id")
    members = item_values("tail", members, lists)
    return over_users(list_mean(members[lists].astype(np.float64), lists), f"aplt@{places}", empty_lists(lists))


def long_tail(interactions: ArrayLike, head_share: float = 0.8) -> Bools:
    """Which items are in the long tail [items].

    The head is the smallest set of most popular items that takes at least `head_share` of all interactions;
    the tail is the rest. An item as popular as the least popular one of the head belongs to the head, so
    membership does not depend on ids. `InputError`: no interactions, a share outside (0, 1).
    """
    count = np.asarray(interactions, dtype=np.float64)
    if not 0.0 < head_share < 1.0:
        raise InputError(f"head_share is {head_share}; it must lie between 0 and 1")
    if count.ndim != 1 or not np.isfinite(count).all() or (count < 0).any() or not count.any():
        raise InputError("interactions must be one finite number of at least 0 per item, and not all 0")
    ordered = -np.sort(-count)
    # sums of whole numbers are exact; the tolerance is for shares
    enough = int(np.searchsorted(np.cumsum(ordered), head_share * count.sum() * (1.0 - 1e-12)))
    return np.asarray(count < ordered[enough])
