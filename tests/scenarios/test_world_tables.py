"""What all agents of a seed share is written once, and says what the world says."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from driftline.scenarios.runner import write_world_tables
from driftline.scenarios.schema import load
from driftline.sim.world import World

TABLES = {"population.users": 12, "catalogue.items": 80, "catalogue.topics": 4, "catalogue.probes": 9}


@pytest.fixture(scope="module")
def world() -> World:
    return World(load("abrupt_shift", TABLES), 4)


def test_the_tables_say_what_the_world_says(world: World, tmp_path: Path) -> None:
    write_world_tables(world, tmp_path, 4)
    read = {path.relative_to(tmp_path).as_posix(): pl.read_parquet(path) for path in tmp_path.rglob("*.parquet")}
    assert set(read) == {
        "log/segments-4.parquet",
        "log/items-4.parquet",
        "truth/items-4.parquet",
        "truth/probes-4.parquet",
        "truth/users-4.parquet",
    }
    shelf, segments = world.catalogue, world.base.corpus.segments
    truth, known = read["truth/items-4.parquet"], read["log/items-4.parquet"]
    np.testing.assert_array_equal(truth["mixture"].to_numpy(), shelf.mixture)
    for name in ("quality", "appeal", "born", "retired"):
        np.testing.assert_array_equal(truth[name].to_numpy(), getattr(shelf, name))
    for name in ("price", "born", "category", "domain"):
        np.testing.assert_array_equal(known[name].to_numpy(), getattr(shelf, name))
    assert known.columns == ["item", "text", "domain", "price", "born", "category"]
    words = read["log/segments-4.parquet"]
    assert words["text"].to_list() == [segments.text(code) for code in words["code"]]
    assert len(words) == len(segments)
    assert known["text"].max() < len(segments)  # type: ignore[operator]
    assert read["truth/probes-4.parquet"]["item"].to_list() == shelf.probes.tolist()
    users = read["truth/users-4.parquet"]
    assert users["user"].to_list() == world.pseudonyms(np.arange(12)).tolist()
    assert users["group"].to_list() == world.groups(np.arange(12)).tolist()


def test_a_second_write_changes_nothing_and_leaves_no_drafts(world: World, tmp_path: Path) -> None:
    write_world_tables(world, tmp_path, 4)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    write_world_tables(world, tmp_path, 4)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == stamps
    assert all(path.suffix == ".parquet" for path in stamps)
