"""Columns of a table with the meaning they must have: ids, texts, numbers; every bad cell is named."""

import numpy as np
import polars as pl

from driftline.sim.real.errors import DataError, nearest, shown
from driftline.sim.real.tables import Table
from driftline.sim.types import Floats, Int64s

TEXT = (pl.String, pl.Categorical, pl.Enum)


def texts(table: Table, name: str, *, required: bool = True) -> pl.Series:
    """Text cells, stripped; empty ones are "" or, where required, an error."""
    column = table.frame[name]
    if column.dtype not in TEXT and column.dtype != pl.Null:
        raise DataError(table.path, f"column {name!r} is {column.dtype}; expected text")
    return _filled(table, name, column.cast(pl.String).str.strip_chars(), required)


def ids(table: Table, name: str) -> pl.Series:
    """Ids as text; integers are taken too, an empty id is an error."""
    column = table.frame[name]
    if column.dtype not in TEXT and not column.dtype.is_integer():
        raise DataError(table.path, f"column {name!r} is {column.dtype}; expected text or whole numbers")
    return _filled(table, name, column.cast(pl.String).str.strip_chars(), required=True)


def distinct_ids(table: Table, name: str) -> pl.Series:
    """Ids of which none occurs twice."""
    column = ids(table, name)
    if column.n_unique() < len(column):
        second = int(np.flatnonzero(~column.is_first_distinct().to_numpy())[0])
        value = column[second]
        first = int(np.flatnonzero((column == value).to_numpy())[0])
        raise DataError(
            table.place(second),
            f"{name} {shown(value)} was given before, on {table.line(first)}; expected every {name} once",
        )
    return column


def rows_of(table: Table, name: str, known: pl.Series, source: str) -> Int64s:
    """The row in `known` of each id; an id that is not there is an error. source: the file that has them."""
    column = ids(table, name)
    wanted = pl.DataFrame({"id": column})
    rows = pl.DataFrame({"id": known, "at": np.arange(len(known))})
    found = wanted.join(rows, on="id", how="left", maintain_order="left")["at"]
    if found.null_count():
        bad = int(np.flatnonzero(found.is_null().to_numpy())[0])
        raise DataError(
            table.place(bad), f"{name} {shown(column[bad])} is not in {source}; expected an id from that file"
        )
    return found.to_numpy().astype(np.int64)


def numbers(table: Table, name: str, low: float, high: float, expected: str) -> Floats:
    """Finite numbers from low to high, NaN where empty. expected: how an error describes them."""
    column = table.frame[name]
    if column.dtype not in TEXT and not column.dtype.is_numeric() and column.dtype != pl.Null:
        raise DataError(table.path, f"column {name!r} is {column.dtype}; expected {expected}")
    column = cells(column)
    values = column.cast(pl.Float64, strict=False)
    outside = values.is_not_nan() & (~values.is_between(low, high) | values.is_infinite())
    refuse(table, name, column, (values.is_null() & column.is_not_null()) | outside, expected)
    return values.fill_null(np.nan).to_numpy().copy()


def codes(table: Table, name: str, meanings: dict[str, int], default: int) -> Int64s:
    """The code of each word, upper case or not; the default where empty."""
    column = texts(table, name, required=False).str.to_lowercase()
    unknown = ~column.is_in([*meanings, ""])
    if unknown.any():
        bad = int(np.flatnonzero(unknown.to_numpy())[0])
        raise DataError(
            table.place(bad),
            f"{name} {shown(column[bad])}; expected {', '.join(meanings)} or nothing"
            f"{nearest(str(column[bad]), list(meanings))}",
        )
    return column.replace_strict({**meanings, "": default}, return_dtype=pl.Int64).to_numpy().copy()


def cells(column: pl.Series) -> pl.Series:
    """Text cells stripped and null where empty; other columns as they are."""
    if column.dtype not in TEXT:
        return column
    stripped = column.cast(pl.String).str.strip_chars()
    return stripped.set(stripped == "", None)


def refuse(table: Table, name: str, column: pl.Series, bad: pl.Series, expected: str) -> None:
    """The first bad cell, if any, as an error."""
    if bad.any():
        at = int(np.flatnonzero(bad.fill_null(False).to_numpy())[0])
        value = column[at]
        said = "is empty" if value is None or value == "" else f"is {shown(value)}"
        raise DataError(table.place(at), f"column {name!r} {said}; expected {expected}")


def _filled(table: Table, name: str, column: pl.Series, required: bool) -> pl.Series:
    column = column.fill_null("")
    if required:
        refuse(table, name, column, column == "", "a value in every row")
    return column
