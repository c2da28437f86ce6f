"""What is relevant to whom, matched to the places of ranked lists."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from driftline.evaluation.ranking._lists import check_distinct, id_array, ranked_lists
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
