"""Ranked lists [users, k], best first, padded with -1; and one value per user with the mean over users."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.evaluation.arrays import one_of
from driftline.evaluation.estimate import Estimate, t_interval
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class PerUser:
    """A metric of every user and its mean over users."""

    values: Floats
    """[n], in the order of the lists; NaN where the metric is undefined for that user."""
    mean: Estimate
    """Mean over the users with a value, every user alike; Student's t interval over users, `n` of them."""


def top_k(scores: ArrayLike, k: int, exclude: ArrayLike | None = None) -> Int64s:
    """The k best items of each row [n, k], best first; item id = column of `scores` [n, items].

    Ties go to the smaller id, whatever k is. `exclude` [n, items] bool: never listed (items already
    consumed). Rows with fewer items than k are padded with -1. `InputError`: a score that is NaN.

    Example:
        >>> from driftline.evaluation.ranking import top_k
        >>> top_k([[0.1, 0.9, 0.5]], 2).tolist()
        [[1, 2]]
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2:
        raise InputError(f"scores have shape {values.shape}; it must be [users, items]")
    if k < 1:
        raise InputError(f"k is {k}; it must be at least 1")
    if np.isnan(values).any():
        row, item = np.argwhere(np.isnan(values))[0]
        raise InputError(f"the score of item {item} in row {row} is NaN")
    barred = np.zeros(values.shape, bool) if exclude is None else np.asarray(exclude, dtype=bool)
    if barred.shape != values.shape:
        raise InputError(f"exclude has shape {barred.shape}, the scores {values.shape}")
    # lexsort's last key leads: barred items last even where a score is -inf, ties stay in the order of ids
    order = np.lexsort((-values, barred), axis=1)[:, :k]
    listed = np.where(np.take_along_axis(barred, order, axis=1), -1, order).astype(np.int64)
    return np.pad(listed, ((0, 0), (0, k - listed.shape[1])), constant_values=-1)


def ranked_lists(ranked: ArrayLike, k: int | None = None) -> tuple[Int64s, int]:
    """The first k places of each list [n, min(k, width)], and k.

    ranked: item ids [n, width], best first, -1 after the last one. k: None means the width; a k beyond the
    width is legal, the missing places count as not filled. `InputError`: an item twice in a list (within the
    whole list, not only the first k), a gap before a later item, ids that are not whole numbers, k < 1.
    """
    lists = id_array("ranked", ranked)
    places = lists.shape[1] if k is None else k
    if places < 1 or places != int(places):
        raise InputError(f"k is {places}; it must be a whole number of at least 1")
    check_gaps("ranked", lists)
    check_distinct("ranked", lists)
    return np.ascontiguousarray(lists[:, :places]), int(places)


def id_array(name: str, given: ArrayLike) -> Int64s:
    """Item ids as int64 [n, m]; InputError unless two-dimensional whole numbers from -1."""
    lists: NDArray[Any] = np.asarray(given)
    if lists.ndim != 2:
        raise InputError(f"{name} has shape {lists.shape}; it must be [users, items], padded with -1")
    if lists.size and lists.dtype.kind not in "iu":
        raise InputError(f"{name} has type {lists.dtype}; item ids must be whole numbers")
    if lists.size and int(lists.min()) < -1:
        raise InputError(f"{name} holds the item {int(lists.min())}; ids start at 0, and -1 pads")
    return np.ascontiguousarray(lists, dtype=np.int64)


def check_gaps(name: str, lists: Int64s) -> None:
    """InputError where an item stands after padding: its rank would be in doubt."""
    wrong = (lists[:, :-1] < 0) & (lists[:, 1:] >= 0)
    if wrong.any():
        row = int(np.flatnonzero(wrong.any(axis=1))[0])
        raise InputError(f"{name} row {row} has an item after a -1; padding may only stand at the end")


def check_distinct(name: str, lists: Int64s) -> None:
    """InputError where a row holds an item twice."""
    ordered = np.sort(lists, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        row = int(np.flatnonzero(twice.any(axis=1))[0])
        item = int(ordered[row, 1:][twice[row]][0])
        raise InputError(f"{name} row {row} holds item {item} more than once; items of a list must be distinct")


def item_values(name: str, given: ArrayLike, lists: Int64s, dimensions: int = 1) -> NDArray[Any]:
    """Something per item, row = item id; InputError where a listed item has no row or a number is not finite."""
    values = np.asarray(given)
    if values.dtype.kind not in "biuf":
        raise InputError(f"{name} has type {values.dtype}; it must hold numbers, one row per item id")
    if values.ndim != dimensions:
        raise InputError(f"{name} has {values.ndim} dimensions, it must have {dimensions}: one row per item id")
    if not len(values):
        raise InputError(f"{name} is empty; it needs one row per item id")
    largest = int(lists.max()) if lists.size else -1
    if largest >= len(values):
        raise InputError(f"item {largest} is listed but {name} has rows for items 0 to {len(values) - 1} only")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
        raise InputError(f"{name} of item {row} is not finite")
    return values


def list_mean(values: Floats, lists: Int64s) -> Floats:
    """Mean over the filled places of each list [n]; NaN for an empty list."""
    filled = lists >= 0
    count = filled.sum(axis=1)
    total = np.where(filled, values, 0.0).sum(axis=1)
    out = np.full(len(lists), np.nan)
    np.divide(total, count, out=out, where=count > 0)
    return out


def empty_lists(lists: Int64s) -> list[str]:
    """A warning where users have empty lists, on which a mean over the list does not exist."""
    count = int((lists < 0).all(axis=1).sum())
    return [f"{count} of {len(lists)} users have an empty list and are left out of the mean"] if count else []


def over_users(values: Floats, method: str, warnings: Sequence[str] = ()) -> PerUser:
    """Per-user values with their mean; NaN users are left out of it. Students' t, variance divisor n - 1."""
    values = np.asarray(values, dtype=np.float64)
    found = t_interval(values[~np.isnan(values)])
    return PerUser(values, replace(found, method=f"{method} (t over users)", warnings=tuple(warnings)))


Empty = Literal["skip", "zero"]
"""Users without relevant items: left out of the mean (`skip`, NaN per user), or counted as 0 (`zero`)."""


def emptied(values: Floats, has_relevant: Bools, empty: Empty) -> tuple[Floats, list[str]]:
    """Apply the convention for users without relevant items, and say how many there were."""
    one_of("empty", empty, get_args(Empty))
    count = int((~has_relevant).sum())
    if not count:
        return values, []
    done = "count as 0" if empty == "zero" else "are left out of the mean"
    return (
        np.where(has_relevant, values, 0.0 if empty == "zero" else np.nan),
        [f"{count} of {len(values)} users have no relevant item and {done}"],
    )
