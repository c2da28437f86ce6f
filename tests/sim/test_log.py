"""The operator's log: one shape and one meaning of propensities, whoever wrote it."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_worlds import first_four, small

from driftline.sim.log import OperatorLog, put_parquet
from driftline.sim.types import Observation, Slates


def _drawn(observation: Observation) -> Slates:
    """The first four candidates, said to have been drawn with chances of 1/2, 1/3, 1/4 and 1/5."""
    items = first_four(observation)
    cascade = np.broadcast_to(-np.log([2.0, 3.0, 4.0, 5.0]), items.shape).copy()
    return Slates(items, cascade.sum(axis=1), cascade)


def _logged(folder: Path, by_chance: bool) -> pl.DataFrame:
    world, log = small({"horizon": 4}), OperatorLog()
    while (observation := world.observe()) is not None:
        slates = _drawn(observation) if by_chance else Slates.certain(first_four(observation))
        log.add(observation.behaviors, slates, world.respond(slates))
    log.write(folder)
    return pl.read_parquet(folder / "visits.parquet")


def test_propensities_have_one_type_whether_or_not_there_was_chance(tmp_path: Path) -> None:
    chance, certain = _logged(tmp_path / "chance", True), _logged(tmp_path / "certain", False)
    assert chance.schema == certain.schema
    assert chance.schema["log_p"] == pl.Float32
    assert chance.schema["log_p_cascade"] == pl.Array(pl.Float32, 4)


def test_log_p_is_that_of_the_whole_slate_and_the_sum_of_its_conditionals(tmp_path: Path) -> None:
    log = _logged(tmp_path, True)
    assert len(log) > 100
    np.testing.assert_allclose(log["log_p"], log["log_p_cascade"].to_numpy().sum(axis=1), rtol=1e-6)
    assert log["log_p"].to_numpy() == pytest.approx(-np.log(120.0))


def test_a_policy_without_chance_leaves_nulls(tmp_path: Path) -> None:
    log = _logged(tmp_path, False)
    assert log["log_p"].null_count() == log["log_p_cascade"].null_count() == len(log) > 100


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a" / "visits.parquet"
    put_parquet(pl.DataFrame({"x": [1]}), path)

    def full(frame: pl.DataFrame, file: Path, **_: object) -> None:
        file.write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(OSError, match="No space"):
        put_parquet(pl.DataFrame({"x": [2]}), path)
    assert pl.read_parquet(path)["x"].to_list() == [1]
    assert [each.name for each in path.parent.iterdir()] == ["visits.parquet"]
