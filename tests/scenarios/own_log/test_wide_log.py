"""A run's own log, opened as it is by `driftline.ope`; and log-probabilities in place of probabilities."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import driftline
from driftline.scenarios.own_log.single import LOGGED
from driftline.sim.errors import InputError

ROWS, ITEMS = 4_000, 4


def _log(length: int, seed: int = 0) -> pl.DataFrame:
    """Slates drawn evenly from four items; item k is taken with probability .1 (k + 1), first come first taken."""
    rng = np.random.default_rng(seed)
    items = np.argsort(rng.random((ROWS, ITEMS)), axis=1)[:, :length].astype(np.int32)
    likes = rng.random((ROWS, length)) < 0.1 * (items + 1)
    choice = np.where(likes.any(axis=1), likes.argmax(axis=1), length).astype(np.int8)
    cascade = np.broadcast_to(-np.log(ITEMS - np.arange(length)), items.shape).astype(np.float32)
    return pl.DataFrame(
        {
            "user": rng.integers(0, 500, ROWS),
            "visit": np.arange(ROWS, dtype=np.int32),
            "time": np.arange(ROWS) / 100.0,
            "items": items,
            "choice": choice,
            "dwell": np.where(choice < length, 30.0, 0.0).astype(np.float32),
            "rating": pl.Series([None] * ROWS, dtype=pl.Float32),
            "log_p": cascade.sum(axis=1),
            "log_p_cascade": cascade,
        }
    )


def _mostly_last(log: pl.DataFrame) -> np.ndarray:
    """Item 3 with probability .7, any other with .1."""
    return np.where(log["item"] == 3, 0.7, 0.1)


def test_slates_of_one_are_single_decisions(tmp_path: Path) -> None:
    log = _log(1)
    log.write_parquet(tmp_path / "visits.parquet")
    found = driftline.ope(tmp_path / "visits.parquet", _mostly_last)
    weight = 4 * _mostly_last(log.with_columns(item=pl.col("items").arr.get(0)))
    assert found["ips"].value == pytest.approx(float((weight * (log["choice"] == 0).to_numpy()).mean()), rel=1e-6)
    assert abs(found["ips"].value - (0.7 * 0.4 + 0.1 * 0.6)) < 4 * found["ips"].std_error
    assert found[LOGGED].value == (log["choice"] == 0).mean()
    said = found.checks[0]
    assert said.name == "read"
    assert said.found.startswith("a run's log, one row a visit, slates of 1; reward: the click")
    assert found.facts["columns"] == "reward=reward, action=item, pscore=pscore, user=user, time=time"


def test_a_stated_reward_was_earned_where_something_was_taken() -> None:
    found = driftline.ope(_log(1), _mostly_last, columns={"reward": "dwell"})
    clicks = driftline.ope(_log(1), _mostly_last)
    assert found["ips"].value == pytest.approx(30.0 * clicks["ips"].value)
    with pytest.raises(InputError, match=r"frame, row 1: column 'rating' \(reward\) is empty"):
        driftline.ope(_log(1), _mostly_last, columns={"reward": "rating"})


def test_slates_become_one_row_a_position() -> None:
    log = _log(2)
    seen: list[pl.DataFrame] = []

    def same(rows: pl.DataFrame) -> pl.DataFrame:
        seen.append(rows)
        return rows.select("pscore", "pscore_cascade")

    found = driftline.ope(log, same)
    assert found["sips"].value == pytest.approx((log["choice"] < 2).mean(), rel=1e-6)
    assert found["rips"].value == pytest.approx((log["choice"] < 2).mean(), rel=1e-6)
    rows = seen[0]
    assert rows["item"].to_list() == log["items"].explode().to_list()
    assert rows["position"].head(4).to_list() == [0, 1, 0, 1]
    assert rows["pscore_cascade"].head(2).to_list() == pytest.approx([1 / 4, 1 / 12])
    assert rows["pscore"].head(2).to_list() == pytest.approx([1 / 12, 1 / 12])
    assert not {"choice", "dwell", "rating", "reward"} & set(rows.columns)  # what the user did is kept from a policy


def test_lists_may_be_of_any_length_that_is_one() -> None:
    log = _log(2)
    as_lists = log.with_columns(pl.col("items", "log_p_cascade").arr.to_list())
    one, other = (driftline.ope(each, lambda rows: rows.select("pscore", "pscore_cascade")) for each in (log, as_lists))
    assert one["rips"] == other["rips"]


def test_targets_may_be_columns_too() -> None:
    log = _log(1).with_columns(target_log_p_cascade=pl.col("log_p_cascade"))
    found = driftline.ope(log)
    assert found["ips"].value == pytest.approx(found[LOGGED].value)


def test_an_agent_without_chance_is_refused() -> None:
    empty = _log(1).with_columns(log_p=pl.lit(None, pl.Float32), log_p_cascade=pl.lit(None, pl.Array(pl.Float32, 1)))
    with pytest.raises(
        InputError, match="frame: log_p is null in every row: the agent that wrote this log never chose"
    ):
        driftline.ope(empty, _mostly_last)


def test_log_p_serves_in_place_of_pscore() -> None:
    wide = _log(1)
    log = wide.select("user", "log_p", item=pl.col("items").arr.get(0), clicked=pl.col("choice") == 0)
    found = driftline.ope(log, _mostly_last, columns={"reward": "clicked", "action": "item", "user": "user"})
    assert found["ips"].value == pytest.approx(driftline.ope(wide, _mostly_last)["ips"].value, rel=1e-6)
    assert found.checks[0].found == "pscore = exp(log_p)"


def test_lists_in_another_log_are_named() -> None:
    log = _log(1).drop("visit")
    with pytest.raises(
        InputError, match=r"column 'items' \(action\) holds lists, which are read from a run's log alone"
    ):
        driftline.ope(log, _mostly_last, columns={"reward": "dwell", "action": "items"})
