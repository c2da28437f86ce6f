"""Rows of a long table (one per slate position, or per step of a trajectory) put into tables of their own, checked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.evaluation.arrays import TOLERANCE, Cells, numbers
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def cascade_pscore(log_p_cascade: ArrayLike) -> Floats:
    """Cumulative cascade propensities [n, L] from conditional log-probabilities [n, L].

    driftline's `Slates.log_p_cascade[:, k]` is log p(item k | items above it); `pscore_cascade[:, k]` is the
    probability of the items at positions 0 to k, as in Open Bandit Pipeline. Its last column is `pscore`.

    Examples:
        >>> cascade_pscore(np.log([[0.5, 0.5], [1.0, 0.2]])).round(4).tolist()
        [[0.5, 0.25], [1.0, 0.2]]
    """
    return np.exp(np.cumsum(np.asarray(log_p_cascade, dtype=np.float64), axis=1))


SLATES = Cells("slate", "position")


def falling(name: str, array: Floats, cells: Cells = SLATES) -> Floats:
    """Cascade propensities are cumulative: they never rise from one position to the next."""
    rises = np.argwhere(array[:, 1:] > array[:, :-1] * (1.0 + TOLERANCE))
    if len(rises):
        row, k = rises[0]
        bound = "it is the probability of all items down to this one, so it never rises (conditional ones: multiply up)"
        raise InputError(f"{cells.place(name, (row, k + 1))} is {array[row, k + 1]:g}; {bound}")
    return array


def reward_table(reward: ArrayLike) -> Floats:
    """Rewards per position [n, L], L at least 1."""
    array = numbers("reward", reward, cells=SLATES)
    if array.ndim != 2 or array.shape[1] == 0:
        raise InputError(f"reward has shape {array.shape}; must have one value a slate and position [n, L]")
    return array


def slate_reward(reward: ArrayLike) -> Floats:
    """Rewards per slate [n]; per position [n, L] they are added up."""
    array = numbers("reward", reward, cells=SLATES)
    if array.ndim not in (1, 2):
        raise InputError(f"reward has shape {array.shape}; must be [n] or [n, L]")
    return array if array.ndim == 1 else np.asarray(array.sum(axis=1))


def items_shown(name: str, values: ArrayLike, items: int | None = None) -> Int64s:
    """The item at each position [n, L], 0 to items - 1 where it is known how many there are."""
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise InputError(f"{name} is {array.dtype} of shape {array.shape}; must be whole numbers [n, L]")
    outside = np.argwhere((array < 0) | (array >= (np.inf if items is None else items)))
    if len(outside):
        cell = outside[0]
        raise InputError(f"{SLATES.place(name, cell)} is {array[tuple(cell)]}; must be at least 0 and below {items}")
    return array.astype(np.int64)


DENSE = 8
"""Integer ids are looked up in a table when it needs at most this many cells per row, else sorted."""
LARGEST = 1 << 30
"""More cells than this (ids x places) are refused: a single wrong position would ask for the whole memory."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where each (id, place) lies in the long table."""

    ids: NDArray[Any]
    """Distinct ids, ascending [n]."""
    rows: Int64s
    """Row of each id's place k [n, L]; -1 where the id has ended before."""
    length: Int64s
    """How many places each id has [n]."""

    def table(self, name: str, column: ArrayLike, after: float | None = None) -> NDArray[Any]:
        """A column [rows] as [n, L]; `after` stands where an id has ended, or anything where that is not given."""
        array, rows = np.asarray(column), int(self.length.sum())
        if array.shape != (rows,):
            raise InputError(f"{name} has shape {array.shape}; must have one value a row ({rows},)")
        table = np.asarray(array[self.rows])
        return table if after is None else np.where(self.rows < 0, after, table)


def place(ids: ArrayLike, places: ArrayLike, *, id_name: str, place_name: str, ragged: bool) -> Placement:
    """Find every (id, place), in time linear in the rows for dense integer ids; the rows' order does not matter.

    ids, places: [rows]; places are integers that count from 0 within each id, each exactly once. `ragged`: ids may
    have different numbers of places. `InputError` names the id and place that is duplicated, missing or negative.
    """
    at = _whole(places, place_name)
    every = np.asarray(ids)
    if every.shape != at.shape or at.ndim != 1:
        raise InputError(f"{id_name} and {place_name} need one value per row, got shapes {every.shape} and {at.shape}")
    if not len(at):
        return Placement(every, np.empty((0, 0), np.int64), np.empty(0, np.int64))
    if at.min() < 0:
        row = int(np.argmin(at))
        raise InputError(f"{id_name} {every[row]} has {place_name} {at[row]}; it must be at least 0")
    distinct, code = _codes(every, id_name)
    width = int(at.max()) + 1
    if len(distinct) * width > LARGEST:
        row = int(np.argmax(at))
        raise InputError(
            f"{id_name} {every[row]} has {place_name} {at[row]}: with {len(distinct)} {id_name} values that is a table "
            f"of {len(distinct) * width} cells, at most {LARGEST} are held"
        )
    slot = code * width + at
    found = np.full(len(distinct) * width, -1, np.int64)
    number = np.arange(len(at))
    found[slot] = number
    lost = found[slot] != number
    if lost.any():
        row = int(np.argmax(lost))
        raise InputError(f"{id_name} {every[row]} has {place_name} {at[row]} more than once (row {row})")
    rows: Int64s = found.reshape(-1, width)
    length = np.bincount(code, minlength=len(distinct))
    _refuse_gaps(distinct, rows, length, id_name, place_name, ragged)
    return Placement(distinct, rows, length)


def _refuse_gaps(ids: NDArray[Any], rows: Int64s, length: Int64s, id_name: str, place_name: str, ragged: bool) -> None:
    width = rows.shape[1]
    if (length == width).all():
        return
    expected = np.arange(width) < length[:, None] if ragged else np.ones(rows.shape, np.bool_)
    gap = expected & (rows < 0)
    if gap.any():
        which, k = (int(x) for x in np.argwhere(gap)[0])
        bound = f"{place_name} counts from 0 to {int(length[which]) - 1 if ragged else width - 1}"
        raise InputError(f"{id_name} {ids[which]} has no {place_name} {k}; {bound}, each once")


def _codes(ids: NDArray[Any], id_name: str) -> tuple[NDArray[Any], Int64s]:
    """Distinct ids, ascending, and each row's number among them."""
    if ids.dtype.kind == "f":
        raise InputError(f"{id_name} must be integers or text, got {ids.dtype}")
    if ids.dtype.kind in "iu":
        low, high = int(ids.min()), int(ids.max())
        if high - low < DENSE * len(ids):
            offset = ids.astype(np.int64) - low
            seen = np.bincount(offset, minlength=high - low + 1) > 0
            distinct = np.flatnonzero(seen) + low
            if len(distinct) == len(seen):
                return distinct, offset
            return distinct, (np.cumsum(seen) - 1)[offset]
    distinct, code = np.unique(ids, return_inverse=True)
    return distinct, code.astype(np.int64)


def _whole(values: ArrayLike, name: str) -> Int64s:
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.floor(array)).all():
        return array.astype(np.int64)
    raise InputError(f"{name} must be whole numbers from 0, got {_first_odd(array)}")


def _first_odd(array: NDArray[Any]) -> str:
    if array.dtype.kind != "f" or not array.size:
        return str(array.dtype)
    row = int(np.argmax(~(np.isfinite(array) & (array == np.floor(array)))))
    return f"{array.ravel()[row]} in row {row}"
