"""Times in a column: unix seconds, ISO 8601 dates or date-times, or a typed column of a Parquet file."""

import numpy as np
import polars as pl

from driftline.sim.real.columns import TEXT, cells, numbers, refuse
from driftline.sim.real.errors import DataError, shown
from driftline.sim.real.tables import Table
from driftline.sim.types import Floats

SECONDS = "unix seconds such as 881250949"
EXPECTED = f"{SECONDS}, or an ISO date or date-time such as 2024-05-31T18:00:00Z"
LATEST = 1e11
"""Seconds: the year 5138. Larger numbers are milliseconds."""
ISO = (
    r"^(?<day>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d(?:\.\d+)?))?)?"
    r" ?(?:Z|UTC|(?<sign>[+-])(?<ahead>[01]\d|2[0-3]):?(?<past>[0-5]\d)?)?$"
)


def seconds(table: Table, name: str, *, required: bool = True) -> Floats:
    """Unix seconds (UTC where no zone is given); NaN where empty unless a time is required."""
    column = cells(table.frame[name])
    if column.dtype in (pl.Date, pl.Datetime):
        values = column.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
    elif column.dtype in TEXT and not _numeric(column):
        values = _iso_seconds(column)
    else:
        return _plain_seconds(table, name, required)
    refuse(table, name, column, values.is_null() & (column.is_not_null() | required), EXPECTED)
    return values.fill_null(np.nan).to_numpy().copy()


def _plain_seconds(table: Table, name: str, required: bool) -> Floats:
    values = numbers(table, name, -np.inf, np.inf, SECONDS)
    column = cells(table.frame[name])
    refuse(table, name, column, pl.Series(np.isnan(values) & required), EXPECTED)
    some = values[~np.isnan(values)]
    if not some.size:
        return values
    large = np.abs(values) > LATEST
    if large.any():
        at = int(np.flatnonzero(large)[0])
        what = f"column {name!r} is {shown(column[at])}, which looks like milliseconds"
        raise DataError(table.place(at), f"{what}; expected {SECONDS}")
    if ((some >= 19_000_101) & (some <= 21_001_231) & (some % 100 <= 31) & (some % 10_000 <= 1231)).all():
        what = f"column {name!r} is {shown(column.drop_nulls()[0])}, which looks like a date without dashes"
        raise DataError(table.path, f"{what}; expected {EXPECTED}")
    return values


def _numeric(column: pl.Series) -> bool:
    """The first cell that is not empty decides how the column is read."""
    first = column.drop_nulls().head(1)
    return first.is_empty() or first.cast(pl.Float64, strict=False).null_count() == 0


def _iso_seconds(column: pl.Series) -> pl.Series:
    """Unix seconds, null where the text is no ISO date."""
    part = pl.col("part").struct.field
    day = part("day").str.to_date("%Y-%m-%d", strict=False).dt.epoch("s").cast(pl.Float64)
    clock = [
        part(field).cast(pl.Float64, strict=False).fill_null(0.0) * unit
        for field, unit in (("hour", 3600.0), ("minute", 60.0), ("second", 1.0))
    ]
    offset = [
        part(field).cast(pl.Float64, strict=False).fill_null(0.0) * unit
        for field, unit in (("ahead", 3600.0), ("past", 60.0))
    ]
    sign = pl.when(part("sign") == "-").then(-1.0).otherwise(1.0)
    parts = pl.DataFrame({"part": column.str.extract_groups(ISO)})
    total = day + clock[0] + clock[1] + clock[2] - sign * (offset[0] + offset[1])
    return parts.select(total.alias("seconds")).to_series()
