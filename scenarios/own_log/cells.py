"""A column in its role: numbers, labels or times; the first bad cell is named by file, line, column and role."""

from math import isnan

import numpy as np
import polars as pl

from driftline.sim.data.tables import TEXT, Table, seconds
from driftline.sim.errors import InputError, shown
from driftline.sim.types import Bools, Floats, Int64s

DAY = 86_400.0


def numbers(log: Table, role: str, column: str) -> Floats:
    """Finite numbers [n]; true and false count as 1 and 0.

    Raises:
        InputError: an empty cell, NaN, infinity, or something that is no number.
    """
    cells = log.frame[column]
    if not (cells.dtype.is_numeric() or cells.dtype in (*TEXT, pl.Boolean, pl.Null)):
        raise InputError(f"{log.path}: column {column!r} ({role}) must hold numbers, got {cells.dtype}")
    if cells.dtype in TEXT:
        cells = cells.cast(pl.String).str.strip_chars()
    values = cells.cast(pl.Float64, strict=False)
    refuse(log, role, column, ~values.is_finite().fill_null(False).to_numpy(), "must be a finite number")
    return values.to_numpy().copy()


def within(
    log: Table, role: str, column: str, low: float, high: float, bound: str, *, open_low: bool = False
) -> Floats:
    """Numbers from low to high; `open_low`: above low. bound: how an error says it."""
    values = numbers(log, role, column)
    below = values <= low if open_low else values < low
    refuse(log, role, column, below | (values > high), bound)
    return values


def labels(log: Table, role: str, column: str) -> pl.Series:
    """Labels [n] (ids, arms, actions) of any kind; text is stripped. `InputError` for an empty cell or NaN."""
    cells = log.frame[column]
    if cells.dtype in TEXT:
        cells = cells.cast(pl.String).str.strip_chars()
        cells = cells.set(cells == "", None)
    empty = cells.is_null()
    if cells.dtype.is_float():
        empty |= cells.is_nan()
    refuse(log, role, column, empty.to_numpy(), "must have a value in every row")
    return cells


def codes(cells: pl.Series) -> tuple[Int64s, pl.Series]:
    """Which distinct label each row holds, numbered from 0 in sorted order [n], and the labels."""
    distinct = cells.unique().sort()
    return cells.rank("dense").to_numpy().astype(np.int64) - 1, distinct


def times(log: Table, role: str, column: str) -> tuple[Floats, str]:
    """Times [n] and their unit: numbers as they are; dates and date-times as days since the first."""
    cells = log.frame[column]
    if cells.dtype.is_numeric():
        return numbers(log, role, column), "units of time"
    if cells.dtype not in (*TEXT, pl.Date, pl.Datetime):
        raise InputError(f"{log.path}: column {column!r} ({role}) must hold numbers or dates, got {cells.dtype}")
    values = seconds(log, column) / DAY
    return values - values.min(), "days"


def refuse(log: Table, role: str, column: str, bad: Bools, bound: str) -> None:
    """The first bad cell, if any, as an error; the others are counted."""
    if not bad.any():
        return
    at, count = int(np.argmax(bad)), int(bad.sum())
    value = log.frame[column][at]
    said = "is empty" if value is None or value == "" else f"is {_told(value)}"
    more = f" ({count:,} such rows)" if count > 1 else ""
    raise InputError(f"{log.place(at)}: column {column!r} ({role}) {said}; {bound}{more}")


def _told(value: object) -> str:
    if isinstance(value, float):
        return "NaN" if isnan(value) else f"{value:g}"
    return shown(value)
