"""No array in the reach of an agent, or of a gymnasium user, is an image of anything latent."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from object_graph import forbidden, held_out_fit, leak, reachable, user_orders

from driftline.agents.protocol import AgentProtocol
from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.compose import build_agent
from driftline.scenarios.schema import load
from driftline.sim.text.corpus import Segments
from driftline.sim.types import Feedback, Floats, Int64s, Observation, Setting
from driftline.sim.warmup import warm_up
from driftline.sim.world import World

SMALL = {
    "population.users": 150,
    "population.sessions_per_day": 1.0,
    "catalogue.items": 200,
    "catalogue.topics": 6,
    "catalogue.probes": 30,
    "text.queries_per_day": 0.5,
    "response.rating": 0.3,
    "warmup": 4,
    "horizon": 8,
}
FULL = "full[predictor=hashing,retrain_days=1,refit_days=0.5]"


@dataclass(frozen=True)
class Scene:
    """What was handed out in a run, and the truth about it."""

    world: World
    setting: Setting
    observations: list[Observation]
    feedback: list[Feedback]
    agent: AgentProtocol

    def latent_items(self) -> dict[str, Floats]:
        shelf = self.world.catalogue
        return {
            "mixture": np.asarray(shelf.mixture, np.float64),
            "quality": np.asarray(shelf.quality, np.float64),
            "appeal": np.asarray(shelf.appeal, np.float64),
        }

    @property
    def names(self) -> Int64s:
        return self.world.pseudonyms(np.arange(self.world.params.population.users))

    @property
    def met(self) -> Int64s:
        """Who has come at all."""
        return np.flatnonzero(np.isin(self.names, self.setting.feedback.user))

    def latent_users(self) -> dict[str, Floats]:
        """Of those who were met."""
        theta = self.world.theta[self.met].astype(np.float64)
        share = np.exp(theta - theta.max(axis=1, keepdims=True))
        return {"theta": theta, "interest": share / share.sum(axis=1, keepdims=True)}

    def leaks(self, root: object) -> list[str]:
        """Items stand by their ids, all of them or those known at the start."""
        shelf = self.world.catalogue
        found = leak(root, user_orders(root, self.names, self.met), self.latent_users())
        for count in {len(self.setting.items), shelf.items}:
            ids = np.arange(count)
            found += leak(root, {"items": ids}, {name: part[:count] for name, part in self.latent_items().items()})
        return found


@pytest.fixture(scope="module")
def scene() -> Scene:
    scenario = with_agents(load("abrupt_shift", SMALL), [FULL])
    start = warm_up(World(scenario, 0))
    world, agent = start.world, build_agent(scenario, FULL, start.world)
    agent.reset(start.setting)
    observations, feedback, boundary = [], [], round(world.params.warmup / world.params.tick)
    while (observation := world.observe()) is not None:
        while boundary <= observation.tick:
            for job in agent.tick(boundary * world.params.tick):
                agent.finish(job.name)
            boundary += 1
        observations.append(observation)
        feedback.append(world.respond(agent.act(observation)))
        agent.learn(feedback[-1])
    return Scene(world, start.setting, observations, feedback, agent)


HANDED: dict[str, Callable[[Scene], object]] = {
    "setting": lambda scene: scene.setting,
    "observations": lambda scene: scene.observations,
    "feedback": lambda scene: scene.feedback,
    "agent": lambda scene: scene.agent,
    "snapshot": lambda scene: scene.agent.snapshot(),
}


@pytest.mark.parametrize("name", HANDED)
def test_nothing_that_holds_the_latent_can_be_reached(scene: Scene, name: str) -> None:
    assert forbidden(HANDED[name](scene)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["setting", "observations", "feedback", "agent"])
def test_no_array_in_reach_predicts_the_latent(scene: Scene, name: str) -> None:
    assert scene.leaks(HANDED[name](scene)) == []


def test_the_agent_has_learned_and_holds_arrays_of_users_and_of_items(scene: Scene) -> None:
    """Otherwise there would be nothing to find."""
    arrays = [one for one in reachable(scene.agent) if isinstance(one, np.ndarray)]
    assert len(arrays) > 50
    assert len(scene.met) > 100
    assert "rows" in user_orders(scene.agent, scene.names, scene.met)
    scores = scene.agent.score(scene.names[scene.met], np.arange(100, dtype=np.int32))
    fit = held_out_fit(scores, scene.latent_users()["interest"])
    assert 0.1 < fit.max() < 0.9


def test_the_table_of_segments_holds_texts_only(scene: Scene) -> None:
    segments = scene.setting.segments
    assert type(segments) is Segments
    assert {type(one) for one in reachable(segments)} == {Segments, tuple}
    assert all(type(text) is str for text in segments.by_code)


# -- the test of the test ---------------------------------------------------------------------------------------


class Holder:
    """Keeps something where an agent might keep it."""

    __slots__ = ("kept",)

    def __init__(self, kept: object) -> None:
        self.kept = kept


def closure(kept: object) -> object:
    return lambda: kept


HIDING: dict[str, Callable[[Any], object]] = {
    "an attribute": Holder,
    "a dictionary in a list": lambda kept: [{"deep": {"deeper": (kept,)}}],
    "a closure": closure,
    "a partial call": lambda kept: partial(print, kept),
    "a bound method": lambda kept: Holder(kept).__init__,  # type: ignore[misc]
    "the base of a view": lambda kept: kept[:1] if isinstance(kept, np.ndarray) else [kept],
    "an array of objects": lambda kept: np.array([Holder(kept)], dtype=object),
}


def image(latent: Floats, noise: float = 0.1) -> Floats:
    """An affine image of a latent table, turned, scaled, shifted, and a little noisy, beside columns of noise."""
    rng = np.random.default_rng(0)
    flat = latent.reshape(len(latent), -1)
    turned = 3.0 * flat @ rng.normal(size=(flat.shape[1], flat.shape[1])) + 7.0
    made: Floats = np.column_stack([rng.normal(size=(len(flat), 5)), turned])
    noisy: Floats = made + noise * rng.normal(size=made.shape) * flat.std()
    return noisy


@pytest.mark.parametrize("place", HIDING)
def test_a_leak_is_found_wherever_it_hides(scene: Scene, place: str) -> None:
    items, users = scene.latent_items(), scene.latent_users()
    for latent in (items["mixture"], items["quality"], items["appeal"], users["theta"], users["interest"]):
        assert scene.leaks(HIDING[place](image(latent, 0.01))) != []
    assert forbidden(HIDING[place](scene.world)) == ["Catalogue", "Corpus", "Population", "World", "WorldModel"]


@pytest.mark.parametrize("order", ["the world", "pseudonyms", "rows"])
@pytest.mark.parametrize("everybody", [True, False])
def test_a_leak_is_found_in_any_order_and_axis(scene: Scene, order: str, everybody: bool) -> None:
    agent: Any = scene.agent
    names = scene.names if everybody else scene.names[scene.met]
    if order == "rows":
        names = agent._users.pseudonyms
    if order == "pseudonyms":
        names = np.sort(names)
    by_name = np.argsort(scene.names)
    made = image(scene.world.theta[by_name[np.searchsorted(scene.names[by_name], names)]].astype(np.float64))
    holder = [agent._users] if order == "rows" else []
    assert scene.leaks([*holder, made]) != []
    assert scene.leaks([*holder, np.ascontiguousarray(made.T)]) != []
    assert scene.leaks([*holder, np.concatenate([made, np.zeros((77, made.shape[1]))]).astype(np.float32)]) != []


def test_noise_is_no_leak(scene: Scene) -> None:
    rng = np.random.default_rng(1)
    for width in (1, 10, 400):
        assert scene.leaks(rng.normal(size=(scene.world.catalogue.items, width))) == []


# -- gymnasium --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 8])
def test_a_gymnasium_user_is_handed_nothing_latent(batch: int) -> None:
    pytest.importorskip("driftline.sim.gym.env")
    from driftline.sim.gym.env import Feed

    env = Feed("abrupt_shift", SMALL, batch=batch)
    env.action_space.seed(0)
    handed: list[Any] = [env.reset(seed=0), env.observation_space, env.action_space, env.metadata, env.spec]
    for _ in range(300):
        observation, reward, terminated, over, info = env.step(env.action_space.sample())
        handed.append((observation, reward, terminated, over, info))
        if over:
            break
    assert forbidden(handed) == []
    start = warm_up(World(load("abrupt_shift", SMALL), 0))
    scene = Scene(start.world, start.setting, [], [], build_agent(load("abrupt_shift", SMALL), "random", start.world))
    assert scene.leaks(handed) == []
