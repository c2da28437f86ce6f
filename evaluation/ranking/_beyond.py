"""Lists beyond accuracy: novelty, popularity, serendipity, diversity."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import one_of
from driftline.evaluation.ranking._lists import (
    PerUser,
    empty_lists,
    id_array,
    item_values,
    list_mean,
    over_users,
    ranked_lists,
)
from driftline.evaluation.ranking._relevance import Relevant, matched
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Bools, Floats, Int64s

Distance = Literal["cosine", "euclidean", "jaccard"]
KINDS: tuple[Distance, ...] = get_args(Distance)


def self_information(ranked: ArrayLike, *, interactions: ArrayLike, k: int | None = None) -> PerUser:
    """Mean surprise of a list's items in bits: how unlikely is each under what was consumed before?

    Mean over the filled places of - log2(c_i / sum c), c = earlier interactions of each item [items], row =
    item id (Vargas & Castells 2011, item novelty by popularity). An item nobody consumed would be infinitely
    new; it counts as consumed once, with a warning. Empty lists: NaN.

    Example:
        >>> from driftline.evaluation.ranking import self_information
        >>> self_information([[0, 1], [1, 2]], interactions=[8, 4, 4]).values.tolist()
        [1.5, 2.0]
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

    Example:
        >>> from driftline.evaluation.ranking import miuf
        >>> miuf([[0, 1], [1, 2]], consumers=[4, 2, 1], users=4).values.tolist()
        [0.5, 1.5]
    """
    lists, places = ranked_lists(ranked, k)
    count = _counts("consumers", consumers, lists)
    if count.size and count.max() > users:
        item = int(count.argmax())
        raise InputError(f"item {item} has {count[item]:g} consumers of {users} users; count every user once")
    surprise, warnings = _surprise(lists, count, float(users))
    return over_users(list_mean(surprise, lists), f"miuf@{places}", warnings)


def arp(ranked: ArrayLike, *, interactions: ArrayLike, k: int | None = None) -> PerUser:
    """Average recommendation popularity: mean earlier interactions of a list's items.

    ARP = mean over users of mean over the filled places of c_i (Yin et al. 2012; Abdollahpouri, Burke &
    Mobasher 2019), c [items], row = item id. Divide c by its sum for shares. Empty lists: NaN.

    Example:
        >>> from driftline.evaluation.ranking import arp
        >>> arp([[0, 1], [1, 2]], interactions=[8, 4, 4]).values.tolist()
        [6.0, 4.0]
    """
    lists, places = ranked_lists(ranked, k)
    count = item_values("interactions", interactions, lists).astype(np.float64)
    return over_users(list_mean(count[lists], lists), f"arp@{places}", empty_lists(lists))


def aplt(ranked: ArrayLike, *, tail: ArrayLike, k: int | None = None) -> PerUser:
    """Average percentage of long-tail items: the share of a list's items that are in the long tail, in [0, 1].

    Mean over users of |long tail and list| / filled places (Abdollahpouri, Burke & Mobasher 2019). tail [items]
    bool, row = item id; `long_tail` makes one. Empty lists: NaN.

    Example:
        >>> from driftline.evaluation.ranking import aplt
        >>> import numpy as np
        >>> aplt([[0, 1], [1, 2]], tail=np.array([False, False, True])).values.tolist()
        [0.0, 0.5]
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

    Example:
        >>> from driftline.evaluation.ranking import long_tail
        >>> long_tail([80, 10, 5, 5]).tolist()
        [False, True, True, True]
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


def unexpectedness(ranked: ArrayLike, expected: ArrayLike, *, k: int | None = None) -> PerUser:
    """Share of a list's items that a primitive recommender would not have shown (Murakami, Mori & Orihara 2008).

    expected: that recommender's items for each user [n, m], or one list for all [m] (usually the most popular
    ones); -1 as padding. Divided by the filled places; empty lists: NaN.

    Example:
        >>> from driftline.evaluation.ranking import unexpectedness
        >>> unexpectedness([[0, 1], [1, 2]], [0, 1]).values.tolist()
        [0.0, 0.5]
    """
    lists, places = ranked_lists(ranked, k)
    values = list_mean(np.where(_expected(lists, expected, k), 0.0, 1.0), lists)
    return over_users(values, f"unexpectedness@{places}", empty_lists(lists))


def serendipity(
    ranked: ArrayLike,
    relevant: Relevant,
    expected: ArrayLike,
    *,
    k: int | None = None,
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
) -> PerUser:
    """Share of a list's items that are relevant and unexpected (Ge, Delgado-Battenfeld & Jannach 2010).

    |{items of the list: relevant and not expected}| / filled places; relevant means a grade above 0. expected
    as in `unexpectedness`, relevant as in `matched`. Users without relevant items have 0 (nothing pleased
    them); empty lists: NaN.

    Example:
        >>> from driftline.evaluation.ranking import serendipity
        >>> serendipity([[0, 1], [1, 2]], [[1], [2]], [0, 1]).values.tolist()
        [0.0, 0.5]
    """
    known = matched(ranked, relevant, k, grades, users)
    values = list_mean(np.where(known.hit & ~_expected(known.ranked, expected, k), 1.0, 0.0), known.ranked)
    return over_users(values, f"serendipity@{known.k}", (*known.warnings, *empty_lists(known.ranked)))


def rank_serendipity(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    interactions: ArrayLike,
    k: int | None = None,
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
) -> PerUser:
    """Relevant items, weighted by how much higher they stand in the list than in popularity.

    Mean over the filled places of max(p_r - q_i, 0) 1[relevant], p_r = (N + 1 - r) / N for rank r, q_i =
    (N + 1 - s_i) / N for popularity rank s_i, N items in all (RecTools' definition). Equally popular items share
    a rank and the next rank follows without a gap (dense ranks); an item nobody consumed has q = 0.
    interactions [items], row = item id. Users without relevant items have 0; empty lists: NaN.

    Example:
        >>> from driftline.evaluation.ranking import rank_serendipity
        >>> rank_serendipity([[0, 1], [2, 1]], [[0], [2]], interactions=[8, 4, 2]).values.round(3).tolist()
        [0.0, 0.333]
    """
    known = matched(ranked, relevant, k, grades, users)
    count = item_values("interactions", interactions, known.ranked).astype(np.float64)
    if (count < 0).any():
        raise InputError(f"interactions of item {int(np.flatnonzero(count < 0)[0])} are negative")
    n = len(count)
    distinct = np.unique(count)
    place = len(distinct) - np.searchsorted(distinct, count)
    anybody = np.where(count > 0, (n + 1 - place) / n, 0.0)
    here = (n + 1 - np.arange(1.0, known.ranked.shape[1] + 1)) / n
    gain = np.where(known.hit, np.maximum(here - anybody[known.ranked], 0.0), 0.0)
    warnings = (*known.warnings, *empty_lists(known.ranked))
    return over_users(list_mean(gain, known.ranked), f"rank_serendipity@{known.k}", warnings)


def intra_list_diversity(
    ranked: ArrayLike, features: ArrayLike, *, k: int | None = None, distance: Distance = "cosine"
) -> PerUser:
    """Mean distance over the unordered pairs of a list's first k items (Smyth & McClave 2001).

    features [items, d], row = item id. Distances: `cosine` 1 - a.b / (|a| |b|), in [0, 2]; `euclidean`;
    `jaccard` 1 - sum min(a, b) / sum max(a, b) for features of at least 0 (sets, if they are 0 and 1). Lists
    of fewer than two items have no pair: NaN, left out of the mean. `InputError`: a listed item without
    features where the distance needs them (all 0, under cosine and jaccard), negative ones under jaccard.

    Example:
        >>> from driftline.evaluation.ranking import intra_list_diversity
        >>> intra_list_diversity([[0, 1], [0, 2]], [[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]]).values.tolist()
        [1.0, 0.0]
    """
    one_of("distance", distance, KINDS)
    lists, places = ranked_lists(ranked, k)
    vectors = np.ascontiguousarray(item_values("features", features, lists, 2), dtype=np.float64)
    if distance != "euclidean":
        shown = np.unique(lists[lists >= 0])
        bare = ~(vectors[shown] != 0).any(axis=1)
        if bare.any():
            raise InputError(f"item {shown[bare][0]} has only zeros as features; its {distance} distance is undefined")
    if distance == "jaccard" and (vectors < 0).any():
        raise InputError("features hold a negative number; jaccard needs at least 0")
    if distance == "cosine":
        norm = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
        vectors = np.divide(vectors, norm, out=np.zeros_like(vectors), where=norm > 0)
    values = _mean_distance(lists, vectors, KINDS.index(distance))
    short = int(np.isnan(values).sum())
    warnings = [f"{short} of {len(lists)} users have fewer than two items and no diversity"] if short else []
    return over_users(values, f"intra_list_diversity@{places}, {distance}", warnings)


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


def _expected(lists: Int64s, expected: ArrayLike, k: int | None) -> Bools:
    given = np.asarray(expected)
    if given.ndim == 1:
        return np.isin(lists, id_array("expected", given[None, :]))
    return matched(lists, given, k).hit


@kernel
def _mean_distance(lists: Int64s, vectors: Floats, kind: int) -> Floats:
    out = np.empty(lists.shape[0])
    for i in range(lists.shape[0]):
        total, pairs = 0.0, 0
        for j in range(lists.shape[1]):
            if lists[i, j] < 0:
                break
            for other in range(j):
                total += _distance(vectors[lists[i, j]], vectors[lists[i, other]], kind)
                pairs += 1
        out[i] = total / pairs if pairs else np.nan
    return out


@kernel
def _distance(a: Floats, b: Floats, kind: int) -> float:
    first, second = 0.0, 0.0
    for d in range(a.size):
        if kind == 0:
            first += a[d] * b[d]
        elif kind == 1:
            first += (a[d] - b[d]) ** 2
        else:
            first += min(a[d], b[d])
            second += max(a[d], b[d])
    if kind == 0:
        return 1.0 - first
    return float(np.sqrt(first)) if kind == 1 else 1.0 - first / second
