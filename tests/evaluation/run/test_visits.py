"""Judged visits: returns of an interest, new users, several seeds together."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fabricated_run import array, fabricate, write

from driftline.evaluation.drift import cold_start_curve, forgetting
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.metrics import metrics
from driftline.evaluation.run.visits import (
    LEAST,
    Lives,
    changing,
    judged_visits,
    learning_curve,
    lost_on_return,
    new,
    together,
)

K = 8


def _returning(folder: Path, users: int, seeds: tuple[int, ...] = (5,)) -> RunFolder:
    """Every user wants topic 1 for ten visits, then 2, then 1 again.

    Regret is .1, but for five visits .5 with a new interest and .2 with one that returns.
    """
    run = RunFolder(fabricate(folder, agents=("full",), seeds=seeds, users=users, visits=30))
    for seed in seeds:
        truth, values = (folder / f"truth/full/{seed}/{name}.parquet" for name in ("visits", "values"))
        visit = np.tile(np.arange(30), users)
        wanted = np.zeros((len(visit), K))
        wanted[np.arange(len(visit)), np.where((visit >= 10) & (visit < 20), 2, 1)] = 3.0
        frame = pl.read_parquet(truth).sort("user", "visit")
        write(
            frame.with_columns(
                interest_before=array(wanted, pl.Float32), change_point=pl.Series((visit == 10) | (visit == 20))
            ),
            truth,
        )
        cost = np.select([visit < 5, (visit >= 10) & (visit < 15), (visit >= 20) & (visit < 25)], [0.5, 0.5, 0.2], 0.1)
        best = pl.read_parquet(values).sort("user", "visit")
        write(best.with_columns(value_best=pl.Series(cost), value_shown=pl.lit(0.0)), values)
    return run


def test_forgetting_and_savings_are_those_of_the_returns(tmp_path: Path) -> None:
    run = _returning(tmp_path, users=LEAST)
    frame = metrics(run).filter(pl.col("seed") == 5)
    found = dict(frame.select("metric", "value").iter_rows())
    assert found["forgetting"] == pytest.approx(0.2 - 0.1)  # known at .1 when it went, met at .2
    assert found["savings"] == pytest.approx(0.5 - 0.2)  # met at .5 when it was new


def test_too_few_returns_are_no_number_until_seeds_are_put_together(tmp_path: Path) -> None:
    run = _returning(tmp_path, users=LEAST // 2, seeds=(5, 6))
    rows = metrics(run).filter(pl.col("metric") == "forgetting")
    assert rows["seed"].to_list() == [None]
    assert rows["value"][0] == pytest.approx(0.1)


def test_only_users_with_two_changes_are_looked_at(tmp_path: Path) -> None:
    run = _returning(tmp_path, users=6)
    file = tmp_path / "truth/full/5/visits.parquet"
    frame = pl.read_parquet(file)
    once = frame["user"].unique().sort()[:2]
    still = pl.col("change_point") & ~(pl.col("user").is_in(once.implode()) & (pl.col("visit") == 20))
    write(frame.with_columns(still), file)
    lives = changing(run, "full", 5, judged_visits(run, "full", 5))
    assert set(lives.user) == set(frame["user"].unique()) - set(once)
    assert lives.phase.reshape(-1, 30)[0].tolist() == [1] * 10 + [2] * 10 + [1] * 10
    assert lost_on_return(lives, 0) is None


def test_lives_of_several_seeds_are_those_of_different_users() -> None:
    one = Lives(np.array([7, 7, 9]), np.array([0.1, 0.2, 0.3]), np.array([1, 2, 3]))
    both = together([one, Lives(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64)), one])
    assert both.user.tolist() == [0, 0, 1, 2, 2, 3]
    assert both.regret.tolist() == [0.1, 0.2, 0.3] * 2
    assert both.phase.tolist() == [1, 2, 3] * 2


def test_new_users_are_those_whose_first_visit_is_judged() -> None:
    visits = pl.DataFrame({"user": [1, 1, 2, 2, 3], "visit": [0, 1, 4, 5, 0], "regret": [0.5, 0.4, 0.3, 0.2, 0.1]})
    lives = new(visits)
    assert lives.user.tolist() == [1, 1, 3]
    assert lives.regret.tolist() == [0.5, 0.4, 0.1]


def test_what_new_users_cost_is_the_cold_start_curve(tmp_path: Path) -> None:
    folder = fabricate(tmp_path, agents=("full",), seeds=(5, 6), users=30, visits=25)
    for seed in (5, 6):
        file = folder / f"truth/full/{seed}/values.parquet"
        frame = pl.read_parquet(file)
        luck = np.random.default_rng(seed).normal(0.0, 0.01, len(frame))
        cost = 0.1 + 0.5 ** frame["visit"].to_numpy() + luck
        write(frame.with_columns(value_best=pl.Series(cost), value_shown=pl.lit(0.0)), file)
    run = RunFolder(folder)
    rows = metrics(run).filter(pl.col("metric").str.starts_with("cold_start"))
    found = {(metric, seed): x for metric, seed, x in rows.select("metric", "seed", "value").iter_rows()}
    visits = judged_visits(run, "full", 5)
    curve = cold_start_curve(visits["user"], visits["regret"], better="lower", seed=5)
    assert (
        found["cold_start_plateau", 5] == pytest.approx(curve.plateau.value, abs=1e-12) == pytest.approx(0.1, abs=0.01)
    )
    assert found["cold_start_learned", 5] == curve.learned.value == 4  # 1/16 of the way is left
    assert found["cold_start_learned", None] == 4
    assert set(found) == {
        (name, seed) for name in ("cold_start_plateau", "cold_start_learned") for seed in (5, 6, None)
    }


def test_too_few_new_users_make_no_curve() -> None:
    lives = Lives(np.repeat(np.arange(LEAST - 1), 20), np.zeros(20 * (LEAST - 1)), np.zeros(20 * (LEAST - 1), np.int64))
    assert learning_curve(lives, 0) is None
    assert learning_curve(together([lives, lives]), 0) is not None


def test_forgetting_agrees_with_the_function_of_arrays(tmp_path: Path) -> None:
    run = _returning(tmp_path, users=LEAST + 5)
    visits = judged_visits(run, "full", 5)
    lives = changing(run, "full", 5, visits)
    found, expected = lost_on_return(lives, 3), forgetting(lives.user, lives.phase, -lives.regret, seed=3)
    assert found == expected
    assert expected.returns == LEAST + 5
