"""Arrays that a caller hands over, checked before any work: an error names the cell, its value and the bound."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.sim.errors import InputError, hint
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int64s

TOLERANCE = 1e-9
"""How far a probability may lie above 1, or a sum of probabilities off its bound: the last bits of a sum."""
SUM_TOLERANCE = 1e-5
"""How far a distribution may sum to something else than 1: the last bits of single precision."""
SMALLEST = float(np.nextafter(0.0, 1.0))
"""The smallest number above 0."""


@dataclass(frozen=True, slots=True)
class Cells:
    """How errors call a cell: `reward[7, 2]`, or `reward of slate 7, position 2` where rows have a name."""

    row: str = ""
    column: str = ""
    ids: NDArray[Any] | None = None
    """What the rows are called [n]; None: by their number."""

    def place(self, name: str, index: Sequence[int]) -> str:
        """One cell of the array of that name."""
        if not self.row:
            return f"{name}[{', '.join(str(each) for each in index)}]"
        row = index[0] if self.ids is None else self.ids[index[0]]
        return f"{name} of {self.row} {row}" + (f", {self.column} {index[1]}" if len(index) > 1 else "")


CELLS = Cells()


def numbers(
    name: str,
    values: ArrayLike,
    shape: tuple[int, ...] | None = None,
    low: float = -inf,
    high: float = inf,
    *,
    bound: str | None = None,
    cells: Cells = CELLS,
) -> Floats:
    """Finite float64 of any shape, or of the one asked for, within [low, high]; `bound` says the range in words."""
    given = _array(name, values)
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: must be numbers, got {given.dtype}") from None
    array = array if array.ndim > 1 else np.ascontiguousarray(array)
    if shape is not None and array.shape != shape:
        if array.ndim == len(shape) == 1:
            raise InputError(f"{name} has {len(array)} rows; must have {shape[0]}")
        raise InputError(f"{name} has shape {array.shape}; must have {shape}")
    if _first_outside(array.ravel(order="K"), low, high) >= 0:
        index = np.argwhere(~((array >= low) & (array <= high) & np.isfinite(array)))[0]
        what = bound if bound and np.isfinite(array[tuple(index)]) else _allowed(low, high)
        raise InputError(f"{cells.place(name, index.tolist())} is {array[tuple(index)]:g}; {what}")
    return array


def vector(name: str, values: ArrayLike, n: int | None = None, low: float = -inf, high: float = inf) -> Floats:
    """One number a row, finite float64 [n] within [low, high], at least one; `n`: how many there must be."""
    return numbers(name, one_a_row(name, values, n), None, low, high)


def matrix(name: str, values: ArrayLike, rows: int | None = None, width: int | str = "d") -> Floats:
    """Finite float64 [rows, width], of any number of rows where that is not given, of any width where it is a word."""
    array = numbers(name, values)
    wrong = array.ndim != 2 or (rows is not None and len(array) != rows)
    if wrong or (isinstance(width, int) and array.shape[1] != width):
        raise InputError(f"{name} has shape {array.shape}; must be [{'n' if rows is None else rows}, {width}]")
    return array


def columns(name: str, values: ArrayLike, n: int) -> Floats:
    """At least one column of numbers, finite float64 [n, k]; a single one may come as [n]."""
    array = numbers(name, values)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(f"{name} has shape {array.shape}; must have one row a unit and at least one column")
    if len(array) != n:
        raise InputError(f"{name} has {len(array)} rows; must have {n}")
    return array


def probabilities(
    name: str, values: ArrayLike, shape: tuple[int, ...] | None = None, *, cells: Cells = CELLS
) -> Floats:
    """Probabilities in [0, 1]."""
    return numbers(name, values, shape, 0.0, 1.0 + TOLERANCE, bound="must be between 0 and 1", cells=cells)


def propensities(name: str, values: ArrayLike, shape: tuple[int, ...] | None = None, *, cells: Cells = CELLS) -> Floats:
    """Probabilities of what was logged, in (0, 1]: what was logged cannot have had probability 0."""
    bound = "must be above 0 and at most 1, since it was logged"
    return numbers(name, values, shape, SMALLEST, 1.0 + TOLERANCE, bound=bound, cells=cells)


def distributions(
    name: str, values: ArrayLike, rows: int | None = None, width: int | str = "actions", *, first: int = 0
) -> Floats:
    """Rows of probabilities that sum to 1 within 1e-5 [rows, width]; `first`: what the first row is called."""
    array = matrix(name, values, rows, width)
    total = array.sum(axis=1)
    off = np.flatnonzero((array < 0).any(axis=1) | (np.abs(total - 1.0) > SUM_TOLERANCE))
    if off.size:
        at = off[0]
        raise InputError(f"{name}[{first + at}] sums to {total[at]:g}; must be at least 0 each and sum to 1")
    return array


def whole_numbers(name: str, values: ArrayLike, n: int | None = None, below: int | None = None) -> Int64s:
    """One whole number a row, int64 [n], in [0, below) where `below` is given."""
    array = _array(name, values)
    if array.dtype.kind not in "iub":
        raise InputError(f"{name}: must be whole numbers, got {array.dtype}")
    array = np.ascontiguousarray(one_a_row(name, array, n), dtype=np.int64)
    if below is not None:
        outside = np.flatnonzero((array < 0) | (array >= below))
        if outside.size:
            raise InputError(f"{name}[{outside[0]}] is {array[outside[0]]}; must be at least 0 and below {below}")
    return array


def coded(name: str, labels: ArrayLike, n: int | None = None) -> tuple[Int64s, int]:
    """Labels (users, clusters, strata; numbers or texts) as numbers 0..k - 1 in sorted order [n], and k."""
    array = one_a_row(name, labels, n)
    if array.dtype.kind == "f":
        numbers(name, array)
    try:
        distinct, places = np.unique(array, return_inverse=True)
    except TypeError as problem:
        raise InputError(f"{name} mixes kinds of labels: {problem}") from None
    return places.astype(np.int64, copy=False), len(distinct)


def one_a_row(name: str, values: ArrayLike, n: int | None = None) -> NDArray[Any]:
    """One value a row, of any type [n], at least one; `n`: how many there must be."""
    array = _array(name, values)
    if array.ndim != 1:
        raise InputError(f"{name} has shape {array.shape}; must have one value a row")
    if not len(array):
        raise InputError(f"{name} is empty; at least one row is needed")
    if n is not None and len(array) != n:
        raise InputError(f"{name} has {len(array)} rows; must have {n}")
    return array


def one_of(name: str, value: str, legal: Iterable[str]) -> None:
    """A name must be one of these."""
    legal = tuple(legal)
    if value not in legal:
        raise InputError(f"{name} is {value!r}; {hint(value, legal)}")


def between_0_and_1(name: str, value: float) -> None:
    """A number strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise InputError(f"{name} is {value:g}; must be above 0 and below 1")


@kernel
def _first_outside(values: Floats, low: float, high: float) -> int:
    """Place of the first value that is not in [low, high] or not finite; -1 where all are."""
    for i in range(values.size):
        if not (low <= values[i] <= high and np.isfinite(values[i])):
            return i
    return -1


def _array(name: str, values: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{name}: rows are of different lengths; all must be alike") from None


def _allowed(low: float, high: float) -> str:
    if low == -inf and high == inf:
        return "must be finite"
    return f"must be at least {low:g}" if high == inf else f"must be between {low:g} and {high:g}"
