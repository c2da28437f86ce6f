"""What a policy answered, checked: the probability of each logged action, and of every action where it says so."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from driftline.scenarios.own_log.cells import codes
from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

ROUNDING = 1e-9
SUM_TOLERANCE = 1e-5
"""How far a row's probabilities may sum to something else than 1; 32-bit softmaxes are about 1e-6 off."""
CONTRACT = "one probability a row [n], a matrix [n, actions], or a frame with a column for each action"


@dataclass(frozen=True, slots=True)
class Target:
    """The target policy on the log; arrays are [n] or [n, A], rows as in the file."""

    at_action: Floats
    """Probability of the logged action."""
    matrix: Floats | None = None
    """Probability of every action, rows sum to 1; null where only the logged action's was given."""
    action: Int64s | None = None
    """The logged action's column of the matrix."""
    unsupported: Floats | None = None
    """Probability of actions that the log never holds."""


def target(name: str, answer: Any, log: Table, action: pl.Series | None) -> Target:
    """The policy's answer, checked. name: of the policy. action: the logged action's label [n], where there is one.

    Raises:
        InputError: another shape, NaN, a probability outside [0, 1], a row that does not sum to 1, a logged action
            without a column; the first row is named.
    """
    if isinstance(answer, pl.DataFrame):
        return _of_columns(name, answer, log, action)
    array = _numbers(name, answer)
    n = len(log)
    if array.ndim == 2 and array.shape[1] == 1 and array.shape[0] == n:
        array = array[:, 0]
    if array.shape == (n,):
        _check_range(name, array[:, None], log, None)
        return Target(np.minimum(array, 1.0))
    if array.ndim != 2 or len(array) != n:
        raise InputError(f"policy {name!r} returned shape {array.shape} for {n:,} rows; must be {CONTRACT}")
    if action is None:
        raise InputError(
            f"policy {name!r} returned a matrix {array.shape}; to know each row's action, state --columns action=COLUMN"
        )
    places, labels = _places(name, action, array.shape[1])
    return _of_matrix(name, array, log, places, labels)


def _numbers(name: str, answer: Any) -> Floats:
    try:
        values = answer.to_numpy() if isinstance(answer, pl.Series) else answer
        if values is None:
            raise TypeError
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"policy {name!r} returned {type(answer).__name__}; must be {CONTRACT}") from None


def _of_columns(name: str, answer: pl.DataFrame, log: Table, action: pl.Series | None) -> Target:
    """A frame: each column is named after its action, so actions that were never logged may be among them."""
    if answer.height != len(log):
        raise InputError(f"policy {name!r} returned {answer.height:,} rows for {len(log):,}; must be {CONTRACT}")
    if action is None:
        raise InputError(
            f"policy {name!r} returned a frame of actions; to know each row's, state --columns action=COLUMN"
        )
    labels = answer.columns
    place = {label: k for k, label in enumerate(labels)}
    text = action.cast(pl.String)
    unknown = sorted(set(text.unique()) - place.keys())
    if unknown:
        raise InputError(f"policy {name!r} returned a frame without a column for the logged action {unknown[0]!r}")
    if not all(dtype.is_numeric() for dtype in answer.dtypes):
        raise InputError(f"policy {name!r} returned a frame whose columns are not all numbers")
    places = text.replace_strict(place, return_dtype=pl.Int64).to_numpy()
    return _of_matrix(name, answer.to_numpy().astype(np.float64), log, places, labels)


def _places(name: str, action: pl.Series, count: int) -> tuple[Int64s, list[str]]:
    """Whole numbers below the number of columns are the columns; other labels are numbered in sorted order."""
    least, most = (action.min(), action.max()) if action.dtype.is_integer() else (-1, -1)
    if isinstance(least, int) and isinstance(most, int) and least >= 0 and most < count:
        return action.to_numpy().astype(np.int64), [str(k) for k in range(count)]
    places, labels = codes(action)
    if len(labels) != count:
        raise InputError(
            f"policy {name!r} returned {count} columns, the log holds {len(labels)} actions; return a frame with a "
            "column named after each action"
        )
    return places, [str(label) for label in labels]


def _of_matrix(name: str, matrix: Floats, log: Table, action: Int64s, labels: list[str]) -> Target:
    _check_range(name, matrix, log, labels)
    total = matrix.sum(axis=1)
    off = np.abs(total - 1.0) > SUM_TOLERANCE
    if off.any():
        at = int(np.argmax(off))
        raise InputError(f"{_row(name, log, at)}: probabilities sum to {total[at]:g}; must sum to 1{_more(off)}")
    matrix = matrix / total[:, None]
    never = np.bincount(action, minlength=matrix.shape[1]) == 0
    return Target(
        at_action=np.minimum(matrix[np.arange(len(action)), action], 1.0),
        matrix=matrix,
        action=action,
        unsupported=np.clip(matrix[:, never].sum(axis=1), 0.0, 1.0),
    )


def _check_range(name: str, matrix: Floats, log: Table, labels: list[str] | None) -> None:
    bad = ~((matrix >= 0.0) & (matrix <= 1.0 + ROUNDING))
    if bad.any():
        at, k = (int(x) for x in np.argwhere(bad)[0])
        of = "probability" if labels is None else f"probability of action {labels[k]!r}"
        more = _more(np.asarray(bad.any(axis=1)))
        raise InputError(f"{_row(name, log, at)}: {of} is {matrix[at, k]:g}; must be between 0 and 1{more}")


def _row(name: str, log: Table, at: int) -> str:
    return f"policy {name!r}, {log.place(at)}"


def _more(bad: Bools) -> str:
    count = int(bad.sum())
    return f" ({count:,} such rows)" if count > 1 else ""
