"""Reading a CSV or Parquet file into columns whose every cell can be traced to its line."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from driftline.sim.real.csv_format import COMMAS, Format, check_first_line, text_of
from driftline.sim.real.csv_lines import line_of, malformed
from driftline.sim.real.errors import DataError, nearest, shown
from driftline.sim.real.files import bytes_of
from driftline.sim.types import Int64s


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
                    f"expected {', '.join(required)}{nearest(name, [n for n in names if n not in required])}",
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
