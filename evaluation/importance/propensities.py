"""Propensities and rewards of slates, checked before any work: which slate, which position, which value."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

ROUNDING = 1e-9
"""How far a sum of probabilities may exceed 1, or a cascade rise, by rounding alone."""


def cascade_pscore(log_p_cascade: ArrayLike) -> Floats:
    """Cumulative cascade propensities [n, L] from conditional log-probabilities [n, L].

    driftline's `Slates.log_p_cascade[:, k]` is log p(item k | items above it); `pscore_cascade[:, k]` is the
    probability of the items at positions 0 to k, as in Open Bandit Pipeline. Its last column is `pscore`.
    """
    return np.exp(np.cumsum(np.asarray(log_p_cascade, dtype=np.float64), axis=1))


@dataclass(frozen=True, slots=True)
class Named:
    """How to speak of a row and a column of an array in an error message."""

    row: str = "slate"
    column: str = "position"
    ids: NDArray[Any] | None = None
    """What the rows are called; None: by their number."""

    def at(self, index: Int64s) -> str:
        """`slate 7, position 2`."""
        row = index[0] if self.ids is None else self.ids[index[0]]
        return f"{self.row} {row}" + (f", {self.column} {index[1]}" if len(index) > 1 else "")


SLATES = Named()


def numbers(name: str, values: ArrayLike, shape: tuple[int, ...] | None = None, named: Named = SLATES) -> Floats:
    """A float array of the shape asked for, without NaN or infinity."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as wrong:
        raise InputError(f"{name} must be numbers: {wrong}") from None
    if shape is not None and array.shape != shape:
        raise InputError(f"{name} has shape {array.shape}, expected {shape}")
    # a sum is finite only if all are, and costs a fifth of isfinite().all()
    if not np.isfinite(array.sum()) and not np.isfinite(array).all():
        _refuse(name, array, ~np.isfinite(array), "must be a finite number", named)
    return array


def logged(name: str, values: ArrayLike, shape: tuple[int, ...] | None = None, named: Named = SLATES) -> Floats:
    """Propensities of what was logged: above 0, at most 1."""
    array = numbers(name, values, shape, named)
    if array.size and not (array.min() > 0.0 and array.max() <= 1.0 + ROUNDING):
        bad = ~((array > 0.0) & (array <= 1.0 + ROUNDING))
        _refuse(name, array, bad, "a logged propensity lies above 0 and is at most 1", named)
    return array


def target(name: str, values: ArrayLike, shape: tuple[int, ...] | None = None, named: Named = SLATES) -> Floats:
    """Propensities of the target policy: at least 0, at most 1."""
    array = numbers(name, values, shape, named)
    if array.size and not (array.min() >= 0.0 and array.max() <= 1.0 + ROUNDING):
        bad = ~((array >= 0.0) & (array <= 1.0 + ROUNDING))
        _refuse(name, array, bad, "a target propensity lies between 0 and 1", named)
    return array


def falling(name: str, array: Floats, named: Named = SLATES) -> Floats:
    """Cascade propensities are cumulative: they never rise from one position to the next."""
    rises = array[:, 1:] > array[:, :-1] * (1.0 + ROUNDING)
    if rises.any():
        bad = np.zeros(array.shape, np.bool_)
        bad[:, 1:] = rises
        bound = "it is the probability of all items down to this one, so it never rises (conditional ones: multiply up)"
        _refuse(name, array, bad, bound, named)
    return array


def reward_table(reward: ArrayLike) -> Floats:
    """Rewards per position [n, L], L at least 1."""
    array = numbers("reward", reward)
    if array.ndim != 2 or array.shape[1] == 0:
        raise InputError(f"reward has shape {array.shape}, expected one value per slate and position [n, L]")
    return array


def slate_reward(reward: ArrayLike) -> Floats:
    """Rewards per slate [n]; per position [n, L] they are added up."""
    array = numbers("reward", reward)
    if array.ndim not in (1, 2):
        raise InputError(f"reward has shape {array.shape}, expected [n] or [n, L]")
    return array if array.ndim == 1 else np.asarray(array.sum(axis=1))


def _refuse(name: str, array: Floats, bad: NDArray[np.bool_], bound: str, named: Named) -> None:
    index = np.argwhere(bad)[0]
    place = named.at(index) if array.ndim else "the value"
    raise InputError(f"{name} of {place} is {float(array[tuple(index)])!r}; {bound}")
