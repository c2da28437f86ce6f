"""Serendipity: relevant items that nobody would have expected."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.ranking.per_user import PerUser, over_users
from driftline.evaluation.ranking.ranked_lists import empty_lists, id_array, item_values, list_mean, ranked_lists
from driftline.evaluation.ranking.relevance import Relevant, matched
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Int64s


def unexpectedness(ranked: ArrayLike, expected: ArrayLike, *, k: int | None = None) -> PerUser:
    """Share of a list's items that a primitive recommender would not have shown (Murakami, Mori & Orihara 2008).

    expected: that recommender's items for each user [n, m], or one list for all [m] (usually the most popular
    ones); -1 as padding. Divided by the filled places; empty lists: NaN.
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


def _expected(lists: Int64s, expected: ArrayLike, k: int | None) -> Bools:
    given = np.asarray(expected)
    if given.ndim == 1:
        return np.isin(lists, id_array("expected", given[None, :]))
    return matched(lists, given, k).hit
