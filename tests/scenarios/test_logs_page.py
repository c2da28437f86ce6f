"""docs/logs.md against the files of a run: every column is explained, and every explained column is there."""

import re
from pathlib import Path

import polars as pl
import pytest

from driftline.scenarios.api import Run, run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "logs.md"
SMALL = {
    "population.users": 25, "catalogue.items": 80, "catalogue.topics": 4, "slate": 4, "warmup": 2, "horizon": 6,
    "judge.tracked_users": 6,
}  # fmt: skip
TYPES = {
    "int8": pl.Int8, "int32": pl.Int32, "int64": pl.Int64, "float16": pl.Float16, "float32": pl.Float32,
    "float64": pl.Float64, "bool": pl.Boolean, "string": pl.String,
}  # fmt: skip
DATA_ONLY = {"log/past-SEED.parquet"}
"""Files that only real data has."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run("abrupt_shift", ("random", "popularity"), range(1), SMALL, tmp_path_factory.mktemp("logs") / "run")


def _explained() -> dict[str, dict[str, str]]:
    """Type of each column of each file, by the page."""
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name = section.split("`")[1]
        lines = [line for line in section.split("\n## ")[0].splitlines() if line.startswith("| `")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        assert rows, name
        assert all(len(row) == 5 for row in rows), name
        assert all(row[4] for row in rows), f"{name}: it must be said where a column comes from"
        found[name] = {column: row[1] for row in rows for column in re.findall(r"`(\w+)`", row[0])}
    return found


def _files(folder: Path) -> dict[str, list[Path]]:
    """Parquet files by the name that the page has for them."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.parquet")):
        name = path.relative_to(folder).as_posix()
        name = re.sub(r"^(log|truth)/[^/]+/0/", r"\1/AGENT/SEED/", name)
        found.setdefault(re.sub(r"-0\.parquet$", "-SEED.parquet", name), []).append(path)
    return found


def test_every_file_of_a_run_is_on_the_page_and_no_other(small: Run) -> None:
    assert set(_explained()) - DATA_ONLY == set(_files(small.folder))
    text = PAGE.read_text(encoding="utf-8")
    for path in small.folder.rglob("*"):
        if path.is_file() and path.suffix not in {".parquet", ".csv", ".svg"}:
            assert f"`{path.name}`" in text or f"/{path.name}`" in text, path.name


@pytest.mark.parametrize("name", sorted(set(_explained()) - DATA_ONLY))
def test_every_column_is_explained_with_its_type_and_every_explained_one_is_there(small: Run, name: str) -> None:
    wanted = _explained()[name]
    for path in _files(small.folder)[name]:
        schema = pl.read_parquet_schema(path)
        seen = {"from_LAW" if column.startswith("from_") else column: kind for column, kind in schema.items()}
        assert set(seen) == set(wanted)
        for column, kind in seen.items():
            said, _, wide = wanted[column].partition(" [")
            inner = kind.inner if isinstance(kind, pl.Array) else kind
            assert inner == TYPES[said], column
            assert isinstance(kind, pl.Array) == bool(wide), column


def test_the_past_of_real_data_is_what_the_page_says() -> None:
    from driftline.sim.types import Interactions

    assert set(_explained()["log/past-SEED.parquet"]) == set(Interactions.__dataclass_fields__)


def test_a_log_opens_as_it_is_in_pandas_and_duckdb(small: Run) -> None:
    import duckdb
    import pandas as pd

    for agent in small.agents:
        path = small.folder / "log" / agent / "0" / "visits.parquet"
        known = pl.read_parquet(path)
        frame = pd.read_parquet(path)
        assert frame["items"].map(list).tolist() == known["items"].to_list()
        assert frame["log_p"].isna().all() == (agent == "popularity")
        read = duckdb.sql(f"select user, visit, items[2], log_p, len(items) from '{path}' order by time, user")
        assert read is not None
        ours = known.sort("time", "user").select(
            "user", "visit", pl.col("items").arr.get(1), "log_p", pl.lit(4, pl.Int64)
        )
        assert read.fetchall() == ours.rows()
