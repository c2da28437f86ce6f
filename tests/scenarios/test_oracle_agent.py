"""The clairvoyant agent: nobody can show anything better at once."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.api import run
from driftline.scenarios.oracle_agent import Oracle
from driftline.scenarios.runner import run_one
from driftline.scenarios.schema import load
from driftline.sim.warmup import warm_up
from driftline.sim.world import World

SMALL = {
    "population.users": 20,
    "catalogue.items": 80,
    "catalogue.topics": 4,
    "warmup": 1,
    "horizon": 8,
    "judge.tracked_users": 5,
}


@pytest.mark.parametrize("reward", ["satisfaction", "click", "dwell", "purchase"])
@pytest.mark.parametrize("pool", [{"private": 40}, {"shared": 60}], ids=["private", "shared"])
def test_its_regret_is_exactly_zero(tmp_path: Path, reward: str, pool: dict[str, int]) -> None:
    small = SMALL | {"reward": reward, "candidates": pool}
    for agent in ("oracle", "random"):
        scenario = with_agents(load("abrupt_shift", small), [agent])
        run_one(scenario, agent, 3, tmp_path, lambda share: None)
    regret = {}
    for agent in ("oracle", "random"):
        values = pl.read_parquet(tmp_path / "truth" / agent / "3" / "values.parquet")
        regret[agent] = (values["value_best"] - values["value_shown"]).to_numpy()
        assert len(values) > 20
    assert (regret["oracle"] == 0.0).all()
    assert (regret["random"] >= 0.0).all()
    assert regret["random"].mean() > 0.0


def test_its_scores_are_the_true_preferences() -> None:
    world = warm_up(World(load("abrupt_shift", SMALL))).world
    oracle, users = Oracle(world), np.array([7, 0, 13])
    items = np.array([3, 70, 11], np.int32)
    scores = oracle.score(world.pseudonyms(users), items)
    for row, user in enumerate(users):
        for column, item in enumerate(items):
            true = float(world.theta[user].astype(np.float64) @ world.catalogue.mixture[item].astype(np.float64))
            assert scores[row, column] == pytest.approx(true, abs=1e-12)


def test_a_run_reports_it_as_without_regret(tmp_path: Path) -> None:
    result = run(
        "abrupt_shift", ("oracle", "random"), (0,), SMALL | {"catalogue.topics": 16, "horizon": 18}, tmp_path / "run"
    )
    whole = result.metrics.filter((pl.col("metric") == "regret") & (pl.col("window") == "all"))
    regret = {agent: whole.filter(pl.col("agent") == agent)["value"].to_list() for agent in ("oracle", "random")}
    assert regret["oracle"] == [0.0] * len(regret["oracle"])
    assert len(regret["oracle"]) > 0
    assert min(regret["random"]) > 0.0
