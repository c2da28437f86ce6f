"""Intra-list diversity: how different are the items of one list from each other?"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import PerUser, one_of, over_users
from driftline.evaluation.ranking.ranked_lists import item_values, ranked_lists
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int64s

Distance = Literal["cosine", "euclidean", "jaccard"]
KINDS = ("cosine", "euclidean", "jaccard")


def intra_list_diversity(
    ranked: ArrayLike, features: ArrayLike, *, k: int | None = None, distance: Distance = "cosine"
) -> PerUser:
    """Mean distance over the unordered pairs of a list's first k items (Smyth & McClave 2001).

    features [items, d], row = item id. Distances: `cosine` 1 - a.b / (|a| |b|), in [0, 2]; `euclidean`;
    `jaccard` 1 - sum min(a, b) / sum max(a, b) for features of at least 0 (sets, if they are 0 and 1). Lists
    of fewer than two items have no pair: NaN, left out of the mean. `InputError`: a listed item without
    features where the distance needs them (all 0, under cosine and jaccard), negative ones under jaccard.
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
