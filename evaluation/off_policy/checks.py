"""What a log must look like before anything is computed from it; every error names the row and the bound."""

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.sim.errors import InputError, hint
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int64s

TOLERANCE = 1e-9
"""How far above 1 a probability may lie: the last bits of a sum."""


@kernel
def _first_outside(values: Floats, low: float, high: float) -> int:
    """Place of the first value that is not in [low, high] or not finite; -1 where all are."""
    for i in range(values.size):
        if not (low <= values[i] <= high and np.isfinite(values[i])):
            return i
    return -1


def vector(name: str, values: ArrayLike, n: int | None = None, low: float = -inf, high: float = inf) -> Floats:
    """One number a round, float64 [n], finite and within [low, high]."""
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: must be numbers, got {np.asarray(values).dtype}") from None
    _shape(name, array.shape, np.ndim(values), n)
    at = _first_outside(array, low, high)
    if at >= 0:
        raise InputError(f"{name}[{at}] is {array[at]:g}; {_allowed(low, high)}")
    return array


def probabilities(name: str, values: ArrayLike, n: int | None = None) -> Floats:
    """Probabilities in [0, 1], float64 [n]."""
    return vector(name, values, n, 0.0, 1.0 + TOLERANCE)


def propensities(name: str, values: ArrayLike, n: int | None = None) -> Floats:
    """Probabilities of what was logged, in (0, 1], float64 [n]: what was logged cannot have had probability 0."""
    array = probabilities(name, values, n)
    at = _first_outside(array, np.nextafter(0.0, 1.0), inf)
    if at >= 0:
        raise InputError(f"{name}[{at}] is 0; a logged action's propensity must be above 0 and at most 1")
    return array


def whole_numbers(name: str, values: ArrayLike, n: int | None = None, below: int | None = None) -> Int64s:
    """One whole number a round, int64 [n], in [0, below) where `below` is given."""
    array = np.asarray(values)
    if array.dtype.kind not in "iub":
        raise InputError(f"{name}: must be whole numbers, got {array.dtype}")
    _shape(name, array.shape, array.ndim, n)
    array = np.ascontiguousarray(array, dtype=np.int64)
    if below is not None:
        outside = np.flatnonzero((array < 0) | (array >= below))
        if outside.size:
            raise InputError(f"{name}[{outside[0]}] is {array[outside[0]]}; must be at least 0 and below {below}")
    return array


def one_of(name: str, value: str, legal: Sequence[str]) -> None:
    """A name must be one of these."""
    if value not in legal:
        raise InputError(f"{name} is {value!r}; {hint(value, legal)}")


def no_repeats(slate: Int64s, position: Int64s) -> None:
    """No slate may hold two rounds at one position."""
    order = np.lexsort((position, slate))
    again = (np.diff(slate[order]) == 0) & (np.diff(position[order]) == 0)
    if again.any():
        at = int(np.flatnonzero(again)[0])
        first, second = sorted((int(order[at]), int(order[at + 1])))
        raise InputError(
            f"position[{second}] is {position[second]} in slate {slate[second]}, as is position[{first}]; "
            "a slate has at most one round at a position"
        )


def _shape(name: str, shape: tuple[int, ...], dimensions: int, n: int | None) -> None:
    if dimensions != 1:
        raise InputError(f"{name} has shape {shape}; must have one number a round")
    if shape[0] == 0:
        raise InputError(f"{name} is empty; at least one round is needed")
    if n is not None and shape[0] != n:
        raise InputError(f"{name} has {shape[0]} rows; reward has {n}")


def _allowed(low: float, high: float) -> str:
    if low == -inf and high == inf:
        return "must be finite"
    return f"must be at least {low:g}" if high == inf else f"must be between {low:g} and {high:g}"


def share(name: str, value: float) -> None:
    """A number strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise InputError(f"{name} is {value:g}; must be above 0 and below 1")


Codes = NDArray[np.int64]


def codes(values: Int64s) -> tuple[Codes, int]:
    """Which distinct value each row holds, numbered from 0 in ascending order, and how many there are."""
    distinct, places = np.unique(values, return_inverse=True)
    return places.astype(np.int64, copy=False), len(distinct)
