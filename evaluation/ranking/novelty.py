"""Novelty: how little known are the listed items?"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import PerUser, over_users
from driftline.evaluation.ranking.ranked_lists import empty_lists, item_values, list_mean, ranked_lists
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def self_information(ranked: ArrayLike, *, interactions: ArrayLike, k: int | None = None) -> PerUser:
    """Mean surprise of a list's items in bits: how unlikely is each under what was consumed before?

    Mean over the filled places of - log2(c_i / sum c), c = earlier interactions of each item [items], row =
    item id (Vargas & Castells 2011, item novelty by popularity). An item nobody consumed would be infinitely
    new; it counts as consumed once, with a warning. Empty lists: NaN.
    """
    lists, places = ranked_lists(ranked, k)
    count = _counts("interactions", interactions, lists)
    surprise, warnings = _surprise(lists, count, float(count.sum()))
    return over_users(list_mean(surprise, lists), f"self_information@{places}", warnings)


def miuf(ranked: ArrayLike, *, consumers: ArrayLike, users: int, k: int | None = None) -> PerUser:
    """Mean inverse user frequency of a list's items, in bits.

    Mean over the filled places of - log2(n_i / users), n_i = how many distinct users consumed item i before
    [items], row = item id, of `users` in all (Zhou et al. 2010, who call it self-information). An item nobody
    consumed counts as consumed by one user, with a warning. Empty lists: NaN.
    """
    lists, places = ranked_lists(ranked, k)
    count = _counts("consumers", consumers, lists)
    if count.size and count.max() > users:
        item = int(count.argmax())
        raise InputError(f"item {item} has {count[item]:g} consumers of {users} users; count every user once")
    surprise, warnings = _surprise(lists, count, float(users))
    return over_users(list_mean(surprise, lists), f"miuf@{places}", warnings)


def _counts(name: str, given: ArrayLike, lists: Int64s) -> Floats:
    count = item_values(name, given, lists).astype(np.float64)
    if (count < 0).any():
        item = int(np.flatnonzero(count < 0)[0])
        raise InputError(f"{name} of item {item} is {count[item]:g}; at least 0")
    if not count.any():
        raise InputError(f"{name} are 0 for every item; novelty needs a history")
    return count


def _surprise(lists: Int64s, count: Floats, total: float) -> tuple[Floats, list[str]]:
    filled = lists >= 0
    own = np.where(filled, count[lists], 1.0)
    cold = int((own == 0).sum())
    told = [f"{cold} of {int(filled.sum())} places hold items nobody consumed; they count as consumed once"]
    return -np.log2(np.where(own > 0, own, 1.0) / total), (told if cold else []) + empty_lists(lists)
