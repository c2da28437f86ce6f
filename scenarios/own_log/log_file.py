"""Reading a log: a CSV or Parquet file, or a Polars frame, whose every row can be traced to its line."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from driftline.sim.data.csv import COMMAS, Format, check_first_line, malformed, text_of
from driftline.sim.data.tables import Table, read_parquet
from driftline.sim.errors import InputError, hint

LAYOUTS = {".csv": COMMAS, ".tsv": Format(separator="\t")}
ISO_DAY = r"^\d{4}-\d{2}-\d{2}([T ]|$)"
FRAME = Path("frame")
"""What errors call a log that came as a frame."""


def read_log(log: str | Path | pl.DataFrame) -> Table:
    """The log's rows, with numbers as numbers and dates as dates; empty cells are null, blank lines are left out.

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
    if not path.is_file():
        siblings = [each.name for each in path.parent.iterdir() if each.is_file()] if path.parent.is_dir() else []
        near = f"; {hint(path.name, siblings)}" if path.parent.is_dir() and _any_near(path.name, siblings) else ""
        raise InputError(f"log {str(path)!r} does not exist{near}")
    if path.suffix == ".parquet":
        return read_parquet(path)
    if path.suffix not in LAYOUTS:
        raise InputError(f"log {str(path)!r}: must end in .csv, .tsv or .parquet, not {path.suffix or 'nothing'}")
    return _read_csv(path, LAYOUTS[path.suffix])


def _read_csv(path: Path, layout: Format) -> Table:
    text = text_of(path, layout)
    check_first_line(path, text, layout)
    try:
        frame = pl.read_csv(
            BytesIO(text.encode()),
            separator=layout.separator,
            infer_schema_length=None,  # a price of 9.5 may come after a thousand whole ones
        )
    except pl.exceptions.PolarsError as error:
        raise malformed(path, text, layout, error) from None
    frame = frame.rename({name: name.strip() for name in frame.columns})
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    if not filled.any():
        raise InputError(f"log {str(path)!r} has a header and no rows; at least one is needed")
    frame = frame.filter(filled)
    return Table(path, frame.with_columns(_dated(frame)), np.flatnonzero(filled), layout)


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
