"""Whether a figure shows anything: an empty or constant series is a fault of the run or of the report."""

from pathlib import Path

import polars as pl

from driftline.evaluation.run_folder import RunFolderError


class FigureWarning(UserWarning):
    """A figure has a series that is empty or never moves."""


def series_faults(name: str, data: pl.DataFrame, series: tuple[str, ...], value: str = "value") -> list[str]:
    """What is wrong with a figure's data, one sentence each; empty if all is well.

    A series with no finite value is empty. A series of three or more values that are all equal is constant;
    one or two values say nothing about that.
    """
    missing = [column for column in (*series, value) if column not in data.columns]
    if missing:
        return [f"figure {name} lacks the column {missing[0]!r}"]
    if data.is_empty():
        return [f"figure {name} has no data"]
    finite = pl.col(value).cast(pl.Float64).replace([float("inf"), float("-inf"), float("nan")], None)
    facts = [finite.count().alias("n"), finite.min().alias("least"), finite.max().alias("most")]
    groups = list(series)
    table = data.group_by(groups, maintain_order=True).agg(facts) if groups else data.select(facts)
    faults = []
    for row in table.iter_rows(named=True):
        label = ", ".join(f"{column} {row[column]}" for column in series) or "its only series"
        if row["n"] == 0:
            faults.append(f"figure {name}: {label} has no value")
        elif row["n"] > 2 and row["least"] == row["most"]:
            faults.append(f"figure {name}: {label} is constant at {row['least']:g}")
    return faults


def check_csv(file: Path, series: tuple[str, ...], value: str = "value") -> None:
    """Raise if a figure's saved data has an empty or a constant series; names the file."""
    if not file.is_file():
        raise RunFolderError(f"{file} is missing")
    try:
        data = pl.read_csv(file)
    except pl.exceptions.NoDataError:
        raise RunFolderError(f"{file} is empty") from None
    faults = series_faults(file.stem, data, series, value)
    if faults:
        raise RunFolderError(f"{file}: {'; '.join(faults)}")
