"""A log of the user's own: its file, which column plays which role, and its cells as numbers, labels and times.

Every row can be traced to its line: an error names file, line, column and role of the first bad cell.
"""

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from math import isnan
from pathlib import Path

import numpy as np
import polars as pl

from driftline.sim.data.csv import COMMAS, Format, check_first_line, malformed, text_of
from driftline.sim.data.tables import TEXT, Table, read_parquet, seconds
from driftline.sim.errors import InputError, hint, shown
from driftline.sim.types import Bools, Floats, Int64s

LAYOUTS = {".csv": COMMAS, ".tsv": Format(separator="\t")}
ENDINGS = ".csv, .tsv (either with .gz) or .parquet"
EXACT = 2.0**53
"""Whole numbers beyond this are not told apart as floating-point numbers."""
CODE = r"^[+-]?(0\d|\d{16,}$)"
"""Cells that are names rather than amounts: 007, and whole numbers that a float may not hold."""
ISO_DAY = r"^\d{4}-\d{2}-\d{2}([T ]|$)"
FRAME = Path("frame")
"""What errors call a log that came as a frame."""


def read_log(log: str | Path | pl.DataFrame) -> Table:
    """The log's rows, with numbers as numbers and dates as dates; empty cells are null, blank lines are left out.

    A column of numbers in which a cell cannot be one without loss (007, or 9007199254740993 beside 1.5) stays text.

    Raises:
        InputError: no such file, another ending, a file that cannot be read, no rows.
    """
    if isinstance(log, pl.DataFrame):
        if not log.height:
            raise InputError("the log's frame has no rows; at least one is needed")
        return Table(FRAME, log, np.arange(log.height), None)
    if not isinstance(log, str | Path):
        raise InputError(f"log is {type(log).__name__}; must be the path of a file, or a Polars DataFrame")
    path = Path(log)
    if path.is_dir():
        raise InputError(f"log {str(path)!r} is a folder; must be a {ENDINGS} file")
    if not path.is_file():
        siblings = [each.name for each in path.parent.iterdir() if each.is_file()] if path.parent.is_dir() else []
        near = f"; {hint(path.name, siblings)}" if path.parent.is_dir() and _any_near(path.name, siblings) else ""
        raise InputError(f"log {str(path)!r} does not exist{near}")
    if path.suffix == ".parquet":
        return read_parquet(path)
    ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if ending not in LAYOUTS:
        found = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
        raise InputError(f"log {str(path)!r}: must end in {ENDINGS}, not {found or 'nothing'}")
    return _read_csv(path, LAYOUTS[ending])


def _read_csv(path: Path, layout: Format) -> Table:
    text = text_of(path, layout)
    check_first_line(path, text, layout)
    try:
        cells = pl.read_csv(BytesIO(text.encode()), separator=layout.separator, infer_schema=False)
        frame = pl.read_csv(
            BytesIO(text.encode()),
            separator=layout.separator,
            infer_schema_length=None,  # a price of 9.5 may come after a thousand whole ones
            schema_overrides={name: pl.String for name in cells.columns if _holds_codes(cells[name])},
        )
    except pl.exceptions.PolarsError as error:
        raise malformed(path, text, layout, error) from None
    frame = frame.rename({name: name.strip() for name in frame.columns})
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    if not filled.any():
        raise InputError(f"log {str(path)!r} has a header and no rows; at least one is needed")
    frame = frame.filter(filled)
    return Table(path, frame.with_columns(_dated(frame)), np.flatnonzero(filled), layout)


def _holds_codes(cells: pl.Series) -> bool:
    """Whether a cell would lose digits as a number: a leading zero, or many digits beside what is not whole."""
    codes = cells.filter(cells.str.strip_chars().str.contains(CODE)).str.strip_chars()
    if not len(codes):
        return False
    zeros = codes.str.contains(r"^[+-]?0\d").any()
    return bool(zeros) or cells.drop_nulls().str.strip_chars().cast(pl.Int64, strict=False).null_count() > 0


def _dated(frame: pl.DataFrame) -> Iterator[pl.Series]:
    """Text columns of which every cell is an ISO date or date-time, as such."""
    for cells in frame.iter_columns():
        first = cells.drop_nulls().head(1)
        if cells.dtype != pl.String or not first.str.contains(ISO_DAY).any():
            continue
        day_only = first.str.len_chars()[0] == len("2024-05-31")
        parsed = cells.str.to_date(strict=False) if day_only else cells.str.to_datetime(strict=False)
        if parsed.null_count() == cells.null_count():
            yield parsed


def _any_near(name: str, names: list[str]) -> bool:
    return hint(name, names).startswith("did you mean")


def mapped_columns(
    log: Table, columns: Mapping[str, str], roles: Mapping[str, str], by_name: Iterable[str]
) -> dict[str, str]:
    """The column of every role that the log has, checked.

    roles: every role that there is, with its meaning. by_name: roles that are taken from a column of their own name
    where nothing else is stated.

    Raises:
        InputError: an unknown role, or a column that is not there; with the nearest name.
    """
    names = log.frame.columns
    for role, column in columns.items():
        if role not in roles:
            raise InputError(f"columns: {role!r} is no role of a log; {hint(role, roles)}")
        if column not in names:
            raise InputError(f"{log.path} has no column {column!r} ({role}); {hint(column, names)}")
    own = {role: role for role in by_name if role not in columns and role in names}
    found = {**own, **columns}
    return {role: found[role] for role in roles if role in found}


def needed(log: Table, mapped: Mapping[str, str], roles: Mapping[str, str], wanted: Iterable[str]) -> None:
    """Every wanted role must have a column; the error says what it is for and how to state it."""
    for role in wanted:
        if role not in mapped:
            there = ", ".join(log.frame.columns[:20])
            raise InputError(
                f"{log.path}: {role} is missing, {roles[role]}; state --columns {role}=COLUMN (there are: {there})"
            )


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
    """Labels [n] (ids, arms, actions) of any kind; text is stripped.

    Raises:
        InputError: an empty cell or NaN; a number that floats cannot tell from its neighbours.
    """
    cells = log.frame[column]
    if cells.dtype in TEXT:
        cells = cells.cast(pl.String).str.strip_chars()
        cells = cells.set(cells == "", None)
    empty = cells.is_null()
    if cells.dtype.is_float():
        empty |= cells.is_nan()
    refuse(log, role, column, empty.to_numpy(), "must have a value in every row")
    if cells.dtype.is_float():
        merged = (cells.abs() > EXACT).to_numpy()
        refuse(log, role, column, merged, "labels beyond 2^53 are not told apart in a column of floats: write text")
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
