"""How much of what users liked is listed, and how high up: nDCG, MRR, MAP, precision, recall, hit rate.

What is relevant to whom comes as a padded array or as a long frame, and is matched to the ranked lists first.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from driftline.evaluation.ranking._lists import (
    Empty,
    PerUser,
    check_distinct,
    emptied,
    id_array,
    one_of,
    over_users,
    ranked_lists,
)
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Bools, Floats, Int64s

Relevant = ArrayLike | pl.DataFrame
"""Item ids [n, m] padded with -1 (anywhere), or a frame `user, item[, grade]` with one row per pair."""


@dataclass(frozen=True, slots=True)
class Matched:
    """Ranked lists with the grade of every place."""

    ranked: Int64s
    """[n, min(k, width)]."""
    k: int
    grade: Floats
    """Grade of the item at each place, 0 for what is not relevant and for padding; as `ranked`."""
    ideal: Floats
    """All grades of each user, best first, 0 after the last one [n, m]."""
    warnings: tuple[str, ...]

    @property
    def hit(self) -> Bools:
        """Whether a relevant item (grade above 0) stands at each place."""
        return self.grade > 0

    @property
    def relevant(self) -> Int64s:
        """How many relevant items each user has [n]."""
        return np.asarray((self.ideal > 0).sum(axis=1))


def matched(
    ranked: ArrayLike,
    relevant: Relevant,
    k: int | None = None,
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
) -> Matched:
    """Look the items of each list up among that user's relevant items.

    ranked [n, width]: see `ranked_lists`. relevant: item ids [n, m] with -1 as padding, with `grades` [n, m]
    (default: all 1), or a Polars frame of `user`, `item` and, if items differ in worth, `grade`; then `users`
    [n] names the user of each list (default: 0 to n - 1). A grade of 0 means judged and not relevant.
    `InputError`: a pair twice, a negative or not finite grade, another number of rows.
    """
    lists, places = ranked_lists(ranked, k)
    worth: ArrayLike | None
    if isinstance(relevant, pl.DataFrame):
        if grades is not None:
            raise InputError("grades belong to an array of relevant items; a frame has them in its column 'grade'")
        items, worth, warnings = _from_frame(relevant, len(lists), users)
    else:
        if users is not None:
            raise InputError("users belong to a frame of relevant items; rows of an array are in the lists' order")
        items, worth, warnings = id_array("relevant", relevant), grades, ()
    if len(items) != len(lists):
        raise InputError(f"relevant has {len(items)} rows for {len(lists)} lists")
    check_distinct("relevant", items)
    worth = _checked_grades(items, worth)
    order = np.argsort(items, axis=1, kind="stable")
    grade = _look_up(lists, np.take_along_axis(items, order, axis=1), np.take_along_axis(worth, order, axis=1))
    return Matched(lists, places, grade, -np.sort(-worth, axis=1), warnings)


def _checked_grades(items: Int64s, grades: ArrayLike | None) -> Floats:
    worth = np.ones(items.shape) if grades is None else np.asarray(grades, dtype=np.float64)
    if worth.shape != items.shape:
        raise InputError(f"grades have shape {worth.shape}, the relevant items {items.shape}")
    worth = np.where(items >= 0, worth, 0.0)
    if not np.isfinite(worth).all() or (worth < 0).any():
        row, place = np.argwhere(~np.isfinite(worth) | (worth < 0))[0]
        raise InputError(f"the grade of item {items[row, place]} in row {row} is {worth[row, place]}; at least 0")
    return worth


def _from_frame(frame: pl.DataFrame, n: int, users: ArrayLike | None) -> tuple[Int64s, Floats | None, tuple[str, ...]]:
    """A long frame as padded arrays in the order of the lists."""
    for column in ("user", "item"):
        if column not in frame.columns:
            raise InputError(f"the frame of relevant items lacks the column {column!r}; it has {frame.columns}")
    who = np.arange(n) if users is None else np.asarray(users)
    if who.shape != (n,):
        raise InputError(f"users has shape {who.shape} for {n} lists")
    order = np.argsort(who, kind="stable")
    ordered = who[order]
    if (ordered[1:] == ordered[:-1]).any():
        again = ordered[1:][ordered[1:] == ordered[:-1]][0]
        raise InputError(f"user {again} has more than one list; a user's relevant items cannot be told apart")
    asked = frame["user"].to_numpy()
    at = np.searchsorted(ordered, asked)
    known = (at < n) & (ordered[np.minimum(at, max(n - 1, 0))] == asked) if n else np.zeros(len(asked), bool)
    row = order[at[known]] if n else at[known]
    by_row = np.argsort(row, kind="stable")
    row = row[by_row]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    shape = (n, int(place.max()) + 1 if len(place) else 0)
    items = np.full(shape, -1, np.int64)
    items[row, place] = id_array("item", frame["item"].to_numpy()[known][:, None])[by_row, 0]
    grades = None
    if "grade" in frame.columns:
        grades = np.zeros(shape)
        grades[row, place] = frame["grade"].to_numpy()[known][by_row]
    without = len(np.unique(asked[~known]))
    told = (f"{without} users with relevant items have no list and are not counted",) if without else ()
    return items, grades, told


@kernel
def _look_up(lists: Int64s, items: Int64s, grades: Floats) -> Floats:
    """Grade of each listed item, by bisection in that row's items (sorted, padding first)."""
    out = np.zeros(lists.shape)
    width = items.shape[1]
    for i in range(lists.shape[0]):
        for j in range(lists.shape[1]):
            wanted = lists[i, j]
            if wanted < 0:
                continue
            low, high = 0, width
            while low < high:
                middle = (low + high) // 2
                if items[i, middle] < wanted:
                    low = middle + 1
                else:
                    high = middle
            if low < width and items[i, low] == wanted:
                out[i, j] = grades[i, low]
    return out


Gain = Literal["linear", "exponential"]


def ndcg(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    gain: Gain = "linear",
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """How near each list comes to the best order of all that was relevant, in [0, 1].

    DCG@k = sum_{r <= k} g(grade_r) / log2(r + 1), nDCG = DCG / DCG of the user's min(k, relevant) best grades.
    `linear`: g(x) = x (Jarvelin & Kekalainen 2002, with log2(r + 1) in place of their undiscounted head);
    `exponential`: g(x) = 2^x - 1 (Burges et al. 2005). With grades of 0 and 1 they agree. The base of the
    logarithm cancels. Unfilled places gain nothing, the ideal still has k. Order is the list's: there are no
    ties to break. Inputs as in `matched`; users without relevant items as `empty` says.

    Example:
        >>> from driftline.evaluation.ranking import ndcg
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = ndcg(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.387, 0.0], 0.193)
    """
    one_of("gain", gain, ("linear", "exponential"))
    known = matched(ranked, relevant, k, grades, users)
    reached = _dcg(known.grade, known.k, gain)
    best = _dcg(known.ideal, known.k, gain)
    if not np.isfinite(best).all():
        raise InputError(f"a grade of {known.ideal.max():g} is too large for the exponential gain")
    values = np.divide(reached, best, out=np.zeros_like(best), where=best > 0)
    values, warnings = emptied(values, known.relevant > 0, empty)
    return over_users(values, f"ndcg@{known.k}, {gain} gain", (*known.warnings, *warnings))


def _dcg(grade: Floats, k: int, gain: Gain) -> Floats:
    top = grade[:, :k]
    with np.errstate(over="ignore"):
        gains = np.expm1(top * np.log(2.0)) if gain == "exponential" else top
    return np.asarray((gains / np.log2(np.arange(2.0, top.shape[1] + 2))).sum(axis=1))


def mrr(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """1 / rank of the first relevant item (grade above 0) within the first k places, 0 if there is none.

    Voorhees 1999 (TREC-8 question answering). Inputs as in `matched`; users without relevant items as `empty`
    says.

    Example:
        >>> from driftline.evaluation.ranking import mrr
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = mrr(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.5, 0.0], 0.25)
    """
    known = matched(ranked, relevant, k, grades, users)
    ranks = np.arange(1.0, known.hit.shape[1] + 1)
    values = np.where(known.hit, 1.0 / ranks, 0.0).max(axis=1, initial=0.0)
    values, warnings = emptied(values, known.relevant > 0, empty)
    return over_users(values, f"mrr@{known.k}", (*known.warnings, *warnings))


def hit_rate(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """1 for a user with a relevant item (grade above 0) in the first k places, else 0; the mean is a share.

    HR@k = 1[any hit in the first k] (Deshpande & Karypis 2004, who have one relevant item per user). Inputs as
    in `matched`; users without relevant items as `empty` says.

    Example:
        >>> from driftline.evaluation.ranking import hit_rate
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = hit_rate(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([1.0, 0.0], 0.5)
    """
    known = matched(ranked, relevant, k, grades, users)
    values, warnings = emptied(np.asarray(known.hit.any(axis=1), dtype=np.float64), known.relevant > 0, empty)
    return over_users(values, f"hit_rate@{known.k}", (*known.warnings, *warnings))


def precision(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    divisor: Literal["k", "list"] = "k",
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """Relevant items (grade above 0) among the first k, as a share.

    P@k = hits / k, also where the list is shorter (`divisor="k"`, Manning, Raghavan & Schutze 2008, 8.4), or
    hits / filled places (`"list"`; an empty list has 0). Inputs as in `matched`; users without relevant items
    as `empty` says.

    Example:
        >>> from driftline.evaluation.ranking import precision
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = precision(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.5, 0.0], 0.25)
    """
    one_of("divisor", divisor, ("k", "list"))
    known = matched(ranked, relevant, k, grades, users)
    filled = (known.ranked >= 0).sum(axis=1)
    below = np.maximum(filled, 1) if divisor == "list" else np.full(len(filled), known.k)
    values, warnings = emptied(known.hit.sum(axis=1) / below, known.relevant > 0, empty)
    return over_users(values, f"precision@{known.k}, divided by {divisor}", (*known.warnings, *warnings))


Divisor = Literal["relevant", "min_k"]


def mean_average_precision(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    divisor: Divisor = "relevant",
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """Precision at the places of the hits, averaged per user.

    AP@k = sum_{r <= k} precision@r 1[hit at r] / divisor. `relevant`: the number of relevant items (TREC;
    Buckley & Voorhees 2000); with more relevant items than k it cannot reach 1. `min_k`: min(k, relevant)
    (Kaggle's MAP@k), which can. Relevant means a grade above 0. Inputs as in `matched`; users without
    relevant items as `empty` says.

    Example:
        >>> from driftline.evaluation.ranking import mean_average_precision
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = mean_average_precision(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.25, 0.0], 0.125)
    """
    one_of("divisor", divisor, ("relevant", "min_k"))
    known = matched(ranked, relevant, k, grades, users)
    precision = np.cumsum(known.hit, axis=1) / np.arange(1.0, known.hit.shape[1] + 1)
    total = np.where(known.hit, precision, 0.0).sum(axis=1)
    below = known.relevant if divisor == "relevant" else np.minimum(known.relevant, known.k)
    values = np.divide(total, below, out=np.zeros(len(total)), where=below > 0)
    values, warnings = emptied(values, known.relevant > 0, empty)
    return over_users(values, f"map@{known.k}, divided by {divisor}", (*known.warnings, *warnings))


def recall(
    ranked: ArrayLike,
    relevant: Relevant,
    *,
    k: int | None = None,
    divisor: Divisor = "relevant",
    grades: ArrayLike | None = None,
    users: ArrayLike | None = None,
    empty: Empty = "skip",
) -> PerUser:
    """Relevant items (grade above 0) among the first k, as a share of all relevant ones.

    R@k = hits / relevant (Manning, Raghavan & Schutze 2008, 8.3), or hits / min(k, relevant) with
    `divisor="min_k"`, which can reach 1 however many are relevant. Inputs as in `matched`; users without
    relevant items as `empty` says.

    Example:
        >>> from driftline.evaluation.ranking import recall
        >>> ranked, relevant = [[3, 1, 2], [4, 5, 6]], [[1, 2], [6, -1]]
        >>> found = recall(ranked, relevant, k=2)
        >>> found.values.round(3).tolist(), round(found.mean.value, 3)
        ([0.5, 0.0], 0.25)
    """
    one_of("divisor", divisor, ("relevant", "min_k"))
    known = matched(ranked, relevant, k, grades, users)
    below = known.relevant if divisor == "relevant" else np.minimum(known.relevant, known.k)
    values = np.divide(known.hit.sum(axis=1), below, out=np.zeros(len(below)), where=below > 0)
    values, warnings = emptied(values, known.relevant > 0, empty)
    return over_users(values, f"recall@{known.k}, divided by {divisor}", (*known.warnings, *warnings))
