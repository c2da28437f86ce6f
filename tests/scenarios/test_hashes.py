"""A world's meaning changes only with a new version; a run's hash moves with every value and nothing else."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from driftline.scenarios.hashes import (
    agent_hash,
    content_hashes,
    run_content_hash,
    scenario_hash,
    table_hash,
    world_hash,
)
from driftline.scenarios.schema import AgentSpec, check, load
from driftline.sim.config.files import read_scenario, scenario_files
from driftline.sim.errors import InputError

GOLDEN = Path(__file__).parent / "golden_hashes.yaml"


@pytest.mark.parametrize("name", sorted(scenario_files()))
def test_a_packaged_world_means_what_its_version_meant(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    golden = yaml.safe_load(GOLDEN.read_text())
    assert golden.get(name, {}).get(scenario.version) == world_hash(scenario), (
        f"{name}: its world changed; raise its version, then run tests/scenarios/write_golden_hashes.py"
    )


def test_a_hash_ignores_layout_words_and_stated_defaults() -> None:
    stated = read_scenario("abrupt_shift")
    scenario = check(stated)
    turned = {key: stated[key] for key in reversed(stated)} | {"title": "Another", "purpose": "Another."}
    same = check({**turned, "tick": scenario.tick, "run": {"batch": 7, "cache": "/elsewhere"}})
    assert world_hash(same) == world_hash(scenario)
    assert scenario_hash(same) == scenario_hash(scenario)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("population.users", 7),
        ("version", 99),
        ("groups.drifting.laws.gradual.tau", 25.5),
        ("reward", "click"),
    ],
)
def test_a_hash_moves_with_every_meaning(key: str, value: object) -> None:
    before, after = load("abrupt_shift"), load("abrupt_shift", {key: value})
    assert world_hash(before) != world_hash(after)
    assert scenario_hash(before) != scenario_hash(after)


def test_how_a_world_is_judged_does_not_change_the_world() -> None:
    before, after = load("abrupt_shift"), load("abrupt_shift", {"judge.tracked_users": 3})
    assert world_hash(before) == world_hash(after)
    assert scenario_hash(before) != scenario_hash(after)


def test_the_order_of_laws_is_meaning() -> None:
    """Laws draw from streams numbered by their place."""
    stated = read_scenario("abrupt_shift")
    laws = {"static": {}, "gradual": {"tau": 3, "sigma": 1}}
    one = check({**stated, "groups": {"all": {"laws": laws}}})
    two = check({**stated, "groups": {"all": {"laws": dict(reversed(laws.items()))}}})
    assert world_hash(one) != world_hash(two)


def test_where_real_data_lies_is_not_part_of_a_world() -> None:
    here, there = (load("own_data", {"catalogue.path": path}) for path in ("/a", "/b"))
    assert world_hash(here) == world_hash(there)


def test_the_order_of_an_agents_parameters_does_not_matter() -> None:
    assert agent_hash(AgentSpec(params={"a": 1, "b": 2})) == agent_hash(AgentSpec(params={"b": 2, "a": 1}))
    assert agent_hash(AgentSpec(params={"a": 1})) != agent_hash(AgentSpec(params={"a": 2}))


def test_a_resolved_scenario_loads_as_itself() -> None:
    scenario = load("abrupt_shift")
    again = check(yaml.safe_load(yaml.safe_dump(scenario.model_dump(mode="json"), sort_keys=False)))
    assert scenario_hash(again) == scenario_hash(scenario)


def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    rows = {"user": [3, 1, 2, 1], "visit": [0, 1, 0, 0], "time": [1.0, 2.0, 1.5, 0.5], "word": ["a", "bc", "", "d"]}
    rating = pl.Series([None, 4.0, None, 1.0], dtype=pl.Float32)
    return pl.DataFrame(rows).with_columns(
        rating=rating,
        odd=pl.Series([0.0, float("nan"), 1.0, 2.0]),
        items=pl.Series(rng.integers(0, 9, (4, 3)).astype(np.int32), dtype=pl.Array(pl.Int32, 3)),
    )


def test_the_order_of_rows_and_columns_leaves_no_trace() -> None:
    plain = table_hash(table())
    assert table_hash(table()[[2, 0, 3, 1]]) == plain
    assert table_hash(table().select(sorted(table().columns, reverse=True))) == plain


@pytest.mark.parametrize(
    ("column", "changed"),
    [
        ("time", [1.0, 2.0, 1.5, np.nextafter(0.5, 1.0)]),
        ("word", ["ab", "c", "", "d"]),
        ("word", ["a", "b", "c", "d"]),
        ("rating", [0.0, 4.0, None, 1.0]),
        ("rating", [float("nan"), 4.0, None, 1.0]),
        ("rating", [4.0, None, None, 1.0]),
        ("odd", [-0.0, float("nan"), 1.0, 2.0]),
    ],
)
def test_every_value_counts_to_the_last_bit(column: str, changed: list[object]) -> None:
    other = table().with_columns(pl.Series(column, changed, dtype=table().schema[column]))
    assert table_hash(other) != table_hash(table())


def test_nested_values_names_types_and_the_number_of_rows_count() -> None:
    plain = table_hash(table())
    items = table()["items"].to_numpy().copy()
    items[2, 1] += 1
    assert table_hash(table().with_columns(pl.Series("items", items, dtype=pl.Array(pl.Int32, 3)))) != plain
    assert table_hash(table().rename({"odd": "even"})) != plain
    assert table_hash(table().with_columns(pl.col("user").cast(pl.Int32))) != plain
    assert table_hash(table()[:3]) != plain
    assert table_hash(table()[[0, 1, 2, 3, 3]]) != plain


def _folder(where: Path, frame: pl.DataFrame, seconds: str, level: int) -> Path:
    for name in ("log/full/0/visits.parquet", "truth/full/0/visits.parquet", "log/items-0.parquet"):
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(where / name, compression_level=level, row_group_size=2 if level == 1 else None)
    (where / "log/full/0/timing.json").write_text(seconds)
    return where


def test_files_may_look_different_and_say_the_same(tmp_path: Path) -> None:
    one = _folder(tmp_path / "one", table(), "1", 1)
    two = _folder(tmp_path / "two", table()[[3, 1, 0, 2]], "2", 19)
    assert (one / "log/items-0.parquet").read_bytes() != (two / "log/items-0.parquet").read_bytes()
    assert run_content_hash(one) == run_content_hash(two)
    assert list(content_hashes(one)) == [
        "log/full/0/visits.parquet",
        "log/items-0.parquet",
        "truth/full/0/visits.parquet",
    ]


def test_a_table_that_is_missing_or_elsewhere_counts(tmp_path: Path) -> None:
    whole, lacks, moved = (_folder(tmp_path / name, table(), "1", 1) for name in "abc")
    (lacks / "log/items-0.parquet").unlink()
    (moved / "log/items-0.parquet").rename(moved / "log/items-1.parquet")
    assert len({run_content_hash(folder) for folder in (whole, lacks, moved)}) == 3


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no table of a run"):
        run_content_hash(tmp_path)
