"""From an agent's composition to the agent; whatever cannot be composed is named, with the nearest legal name."""

from typing import Any, ClassVar

import numpy as np
import pytest

from driftline.agents.baselines.popularity import Popularity
from driftline.agents.baselines.random import Random
from driftline.agents.baselines.recency_popularity import RecencyPopularity
from driftline.agents.baselines.static_mf import StaticMf
from driftline.agents.composed.full import Full
from driftline.agents.composed.rival import Rival
from driftline.agents.evolution.filter_bank import FilterBank
from driftline.agents.evolution.moving_average import MovingAverage
from driftline.agents.evolution.online_gradient import OnlineGradient
from driftline.agents.policy import Greedy, PlackettLuce
from driftline.agents.protocol import AgentProtocol
from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.compose import build_agent
from driftline.scenarios.oracle_agent import Oracle
from driftline.scenarios.schema import Scenario, load
from driftline.sim.errors import InputError
from driftline.sim.types import Params, Share
from driftline.sim.world import World

SMALL = {"population.users": 5, "catalogue.items": 100, "run.encoder": "hashing"}


@pytest.fixture(scope="module")
def world() -> World:
    return World(load("abrupt_shift", SMALL))


def composed(world: World, agent: str) -> Any:
    return build_agent(with_agents(load("abrupt_shift", SMALL), [agent]), agent, world)


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("random", Random),
        ("popularity", Popularity),
        ("recency_popularity[half_life=2]", RecencyPopularity),
        ("static_mf[factors=4]", StaticMf),
        ("moving_average", Rival),
        ("online_gradient", Rival),
        ("oracle", Oracle),
        ("full", Full),
        ("driftline.agents.baselines.random:Random", Random),
    ],
)
def test_every_built_in_agent_is_composed_by_its_name(world: World, agent: str, kind: type) -> None:
    made = composed(world, agent)
    assert type(made) is kind
    assert isinstance(made, AgentProtocol)


@pytest.mark.parametrize(
    ("agent", "tracker"),
    [
        ("full", FilterBank),
        ("full[evolution=moving_average]", MovingAverage),
        ("full[evolution=driftline.agents.evolution.online_gradient:OnlineGradient]", OnlineGradient),
        ("moving_average", MovingAverage),
        ("online_gradient", OnlineGradient),
    ],
)
def test_the_evolution_model_is_the_one_that_was_named(world: World, agent: str, tracker: type) -> None:
    assert type(composed(world, agent)._make_tracker(3, 4, 0.5)) is tracker


def test_numbers_reach_the_part_that_takes_them(world: World) -> None:
    made = composed(world, "full[policy=plackett_luce,temperature=0.7,hazard=0.25,judgement=5,reads=false,ranker=none]")
    assert made._policy == PlackettLuce(temperature=0.7)
    assert made._numbers.judgement == 5
    assert float(made._make_tracker(0, 2, 0.5)._numbers.hazard) == 0.25
    assert (made._reads, made._foresees, made._factorises) == (False, True, False)
    assert composed(world, "full")._policy == Greedy()


def test_the_outside_utility_comes_from_the_log_unless_it_is_stated(world: World) -> None:
    assert float(composed(world, "full")._make_tracker(0, 2, 0.75)._numbers.outside) == 0.75
    assert float(composed(world, "full[outside=2]")._make_tracker(0, 2, 0.75)._numbers.outside) == 2.0


def test_no_text_means_no_encoder(world: World) -> None:
    assert composed(world, "full[predictor=none]")._encoder is None
    encoder = composed(world, "full")._encoder  # run.encoder: hashing
    np.testing.assert_array_equal(np.linalg.norm(encoder.encode(["a jazz record"]), axis=1).round(3), [1.0])


class Plain:
    """Not an agent, but a predictor and a policy of somebody else's."""

    seen: ClassVar[list[str]] = []

    def encode(self, texts: list[str]) -> Any:
        return np.zeros((len(texts), 2), np.float32)

    def slates(self, *_: Any) -> Any:
        return None


class Cautious(Params):
    """A policy of somebody else's, with a number of its own."""

    care: Share = 0.5

    def slates(self, *_: Any) -> Any:
        return None


def test_a_policy_of_the_users_own_takes_its_numbers_and_leaves_the_others(world: World) -> None:
    made = composed(world, f"full[policy={__name__}:Cautious,care=0.25,judgement=5]")
    assert made._policy == Cautious(care=0.25)
    assert made._numbers.judgement == 5
    with pytest.raises(InputError, match=r"care = 3: must be <= 1"):
        composed(world, f"full[policy={__name__}:Cautious,care=3]")


def test_parts_of_the_users_own_are_taken_by_path(world: World) -> None:
    made = composed(world, f"full[predictor={__name__}:Plain,policy={__name__}:Plain]")
    assert type(made._encoder) is type(made._policy)
    assert type(made._encoder).__name__ == "Plain"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("full[evolution=filterbank]", "evolution 'filterbank' is unknown; did you mean 'filter_bank'?"),
        ("full[policy=plackett]", "policy 'plackett' is unknown; did you mean 'plackett_luce'?"),
        ("full[ranker=mff]", "ranker 'mff' is unknown; did you mean 'mf'?"),
        ("full[predictor=hashin]", "encoder 'hashin' is none of hashing, minilm, noise, scratch"),
        ("full[predictor=driftline.agents.composed.rival:Rivel]", "has no 'Rivel'; did you mean 'Rival'?"),
        ("full[judgment=3]", "parameter 'judgment' is unknown; did you mean 'judgement'?"),
        ("full[predictr=hashing]", "parameter 'predictr' is unknown; did you mean 'predictor'?"),
        ("full[judgement=much]", "judgement = 'much': must be a finite number"),
        ("full[hazard=3]", "cannot be built: hazard must be in [0, 1), got 3"),
        ("full[policy=plackett_luce,temperature=-1]", "temperature = -1: must be > 0"),
        ("moving_average[judgment=3]", "parameter 'judgment' is unknown; did you mean 'judgement'?"),
        ("moving_average[ranker=mf]", "has no ranker; 'mf' cannot be put in"),
        ("static_mf[factor=3]", "parameter 'factor' is unknown; did you mean 'factors'?"),
        ("recency_popularity[half_life=-1]", "cannot be built: half_life is -1"),
        ("popularity[policy=greedy]", "has no policy; 'greedy' cannot be put in"),
        ("oracle[depth=3]", "parameter 'depth' is unknown; there are none"),
        ("no.such.module:Agent", "cannot be imported"),
        ("full[predictor=time:sleep]", "predictor 'time:sleep': must be a class, not <built-in function sleep>"),
        ("full[predictor=sys:exit]", "predictor 'sys:exit': must be a class, not <built-in function exit>"),
        ("full[policy=io:StringIO]", "policy 'io:StringIO': lacks slates of driftline.agents.policy.Policy"),
        ("full[evolution=io:StringIO]", "evolution 'io:StringIO': lacks grow, "),
    ],
)
def test_what_cannot_be_composed_is_named(world: World, agent: str, words: str) -> None:
    with pytest.raises(InputError) as problem:
        composed(world, agent)
    named = "driftline.agents.composed.rival:Rivel" if "Rivel" in agent else agent
    assert repr(named) in str(problem.value)
    assert words in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_scenarios_own_agent_name_stands_for_its_composition(world: World) -> None:
    stated = {"agents.slow": {"evolution": "moving_average", "params": {"judgement": 4.0}}}
    scenario: Scenario = load("abrupt_shift", SMALL | stated)
    made: Any = build_agent(with_agents(scenario, ["slow"]), "slow", world)
    assert type(made) is Full
    assert made._numbers.judgement == 4.0
    assert type(made._make_tracker(1, 2, 0.0)) is MovingAverage
