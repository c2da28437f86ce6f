"""The clairvoyant agent, which nobody betters at once; and the best slate in an agent's own item space."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from driftline.agents.baselines.random import Random
from driftline.agents.protocol import HasItemSpace
from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.api import run
from driftline.scenarios.oracle_agent import Oracle, best_in_space
from driftline.scenarios.runner import run_one
from driftline.scenarios.schema import load
from driftline.sim.types import Float32s, Floats, Int32s
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


OWN_SPACE = {
    "population.users": 25,
    "population.sessions_per_day": 4,
    "catalogue.items": 80,
    "catalogue.topics": 4,
    "candidates.private": 30,
    "slate": 4,
}


class Space(Random):
    """A random agent with item vectors."""

    def __init__(self, vectors: Float32s) -> None:
        super().__init__()
        self.vectors = vectors

    def item_space(self, items: Int32s) -> Float32s:
        return self.vectors[items]


@pytest.fixture(params=["private", "shared"])
def world(request: pytest.FixtureRequest) -> World:
    pool = {"candidates.private": 30} if request.param == "private" else {"candidates": {"shared": 30}}
    small = {key: value for key, value in OWN_SPACE.items() if not key.startswith("candidates")}
    found = World(load("abrupt_shift", small | pool))
    assert found.observe() is not None
    return found


def best(world: World) -> Floats:
    return world.model.values.best(world.round.users, world.theta, world.round.candidates)


def everyone(world: World) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.ones(world.round.users.size, np.bool_)


def test_vectors_that_tell_items_apart_lose_nothing(world: World) -> None:
    """As many dimensions as items: least squares returns the true utilities."""
    agent = Space(np.eye(world.catalogue.items, dtype=np.float32))
    assert isinstance(agent, HasItemSpace)
    np.testing.assert_allclose(best_in_space(agent.item_space, world, everyone(world)), best(world), atol=1e-9)


def test_poorer_vectors_lose_more_and_no_space_beats_the_best_slate(world: World) -> None:
    rng = np.random.default_rng(0)
    shelf = world.catalogue
    noise = Space(rng.normal(size=(shelf.items, 2)).astype(np.float32))
    values = {
        "nothing": best_in_space(noise.item_space, world, everyone(world)),
        "topics": best_in_space(Space(shelf.mixture).item_space, world, everyone(world)),
        "all": best_in_space(
            Space(np.column_stack([shelf.mixture, shelf.quality, shelf.appeal]).astype(np.float32)).item_space,
            world,
            everyone(world),
        ),
    }
    for value in values.values():
        assert (value <= best(world) + 1e-12).all()
    assert values["nothing"].mean() < values["topics"].mean() < values["all"].mean()


def test_the_scale_and_place_of_the_vectors_do_not_matter(world: World) -> None:
    mixture = world.catalogue.mixture
    turned = (5.0 * mixture @ np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0] + 3.0).astype(np.float32)
    one, two = (best_in_space(Space(v).item_space, world, everyone(world)) for v in (mixture, turned))
    np.testing.assert_allclose(one, two, atol=1e-4)


def test_only_what_is_wanted_is_computed(world: World) -> None:
    wanted = everyone(world)
    wanted[1:] = False
    found = best_in_space(Space(world.catalogue.mixture).item_space, world, wanted)
    assert np.isfinite(found[0])
    assert np.isnan(found[1:]).all()


def test_an_agent_without_item_vectors_has_no_such_value(world: World) -> None:
    assert np.isnan(best_in_space(None, world, everyone(world))).all()
