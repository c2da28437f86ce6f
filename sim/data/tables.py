"""A CSV or Parquet file as columns with a meaning: ids, texts, numbers, times; every bad cell is traced to its line."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from driftline.sim.data.csv import COMMAS, Format, bytes_of, check_first_line, line_of, malformed, text_of
from driftline.sim.errors import DataError, shown, suggestion
from driftline.sim.types import Floats, Int64s


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows. From CSV every column is text, stripped, null where empty; blank lines are left out."""

    path: Path
    frame: pl.DataFrame
    row: Int64s
    """Number of each row in the file, from 0, blank lines counted."""
    layout: Format | None
    """None for Parquet."""

    def __len__(self) -> int:
        return self.frame.height

    def __contains__(self, column: str) -> bool:
        return column in self.frame.columns

    def place(self, index: int) -> str:
        """Where a row stands, for errors: the path and the line (CSV) or the row from 1 (Parquet)."""
        return f"{self.path}, {self.line(index)}"

    def line(self, index: int) -> str:
        """`line 7` (CSV) or `row 7` (Parquet)."""
        row = int(self.row[index])
        if self.layout is None:
            return f"row {row + 1}"
        return f"line {line_of(text_of(self.path, self.layout), self.layout, row)}"

    def check_columns(self, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
        """A missing column is an error, and one whose name is nearly that of an optional one."""
        names = self.frame.columns
        for name in required:
            if name not in names:
                raise DataError(
                    self.path,
                    f"no column {name!r} among {', '.join(map(shown, names[:20]))}; "
                    f"expected {', '.join(required)}{suggestion(name, [n for n in names if n not in required])}",
                )
        for name in names:
            for legal in optional:
                if name not in optional and legal not in names and _nearly(name, legal):
                    raise DataError(self.path, f"column {name!r} would not be read; did you mean {legal!r}?")


def read_csv(path: Path, layout: Format = COMMAS) -> Table:
    """A CSV file as text columns; a malformed one is an error that names the line."""
    text = text_of(path, layout)
    check_first_line(path, text, layout)
    try:
        frame = pl.read_csv(
            BytesIO(text.encode()),
            has_header=layout.names is None,
            new_columns=layout.names,
            separator=layout.separator,
            quote_char=layout.quote,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:
        raise malformed(path, text, layout, error) from None
    stripped = pl.all().str.strip_chars()
    frame = frame.rename({name: name.strip() for name in frame.columns})
    frame = frame.select(pl.when(stripped != "").then(stripped).name.keep())
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    return _with_rows(Table(path, frame.filter(filled), np.flatnonzero(filled), layout))


def read_parquet(path: Path) -> Table:
    """A Parquet file, columns as they are."""
    try:
        frame = pl.read_parquet(BytesIO(bytes_of(path)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(path, f"cannot be read ({reason}); expected a complete Parquet file") from None
    return _with_rows(Table(path, frame, np.arange(frame.height), None))


def _with_rows(table: Table) -> Table:
    if not len(table):
        raise DataError(table.path, "the file has no rows; expected at least one")
    return table


def _nearly(name: str, legal: str) -> bool:
    return name.strip().lower() in (legal, legal + "s", legal.removesuffix("s"))


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
            f"{suggestion(str(column[bad]), list(meanings))}",
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
