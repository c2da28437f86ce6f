from itertools import permutations

import numpy as np
import pytest
from small_shop import SHOP, SLATE, observation, respond, users

from driftline.agents.baselines.popularity import Popularity
from driftline.agents.baselines.random import Random
from driftline.agents.baselines.recency_popularity import RecencyPopularity
from driftline.agents.baselines.static_mf import StaticMf
from driftline.agents.policy import HasPropensity, certain_log_propensity, plackett_luce_log_propensity
from driftline.agents.protocol import Agent

STOCHASTIC = [Random(), Popularity(temperature=0.7), RecencyPopularity(temperature=0.7), StaticMf(temperature=0.2)]
CERTAIN = [Popularity(), RecencyPopularity(), StaticMf()]


def met(agent: Agent) -> Agent:
    agent.reset(SHOP)
    agent.learn(
        respond(
            users(),
            9,
            observation(users(), 9, 14.0).time,
            agent.act(observation(users(), 9, 14.0)).items,
            np.random.default_rng(1),
        )
    )
    agent.tick(14.25)
    return agent


def test_all_ordered_slates_together_are_certain() -> None:
    rng = np.random.default_rng(0)
    weight, pool = rng.normal(size=(3, 5)), np.argsort(rng.random((3, 5)), axis=1).astype(np.int32)
    total = np.zeros(3)
    for order in permutations(range(5), 3):
        items = pool[:, list(order)]
        total += np.exp(plackett_luce_log_propensity(weight, pool, items).sum(axis=1))
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_the_first_place_is_the_softmax_and_the_second_that_of_the_rest() -> None:
    weight, pool = np.array([[0.0, 1.0, 2.0]]), np.array([7, 3, 5], np.int32)
    found = np.exp(plackett_luce_log_propensity(weight, pool, np.array([[5, 7]], np.int32)))[0]
    e = np.exp(weight[0])
    np.testing.assert_allclose(found, [e[2] / e.sum(), e[0] / (e[0] + e[1])], rtol=1e-12)


def test_what_is_not_on_offer_or_shown_twice_is_impossible() -> None:
    weight, pool = np.zeros((1, 3)), np.array([7, 3, 5], np.int32)
    assert plackett_luce_log_propensity(weight, pool, np.array([[9, 7]], np.int32))[0, 0] == -np.inf
    assert plackett_luce_log_propensity(weight, pool, np.array([[7, 7]], np.int32))[0, 1] == -np.inf


def test_far_apart_weights_keep_exact_probabilities() -> None:
    weight, pool = np.array([[0.0, -900.0, -901.0]]), np.arange(3, dtype=np.int32)
    found = plackett_luce_log_propensity(weight, pool, np.array([[0, 1]], np.int32))[0]
    np.testing.assert_allclose(found, [0.0, -np.log1p(np.exp(-1.0))], atol=1e-12)


@pytest.mark.parametrize("agent", STOCHASTIC, ids=lambda agent: type(agent).__name__)
def test_a_drawn_slate_has_the_propensity_that_its_agent_states(agent: Agent) -> None:
    assert isinstance(agent, HasPropensity)
    seen = observation(users(), 10, 14.3)
    slates = met(agent).act(seen)
    np.testing.assert_allclose(agent.log_propensity(seen, slates.items), slates.log_p_cascade, atol=1e-9)
    assert len(np.unique(slates.items)) > SLATE


@pytest.mark.parametrize("agent", CERTAIN, ids=lambda agent: type(agent).__name__)
def test_a_deterministic_agent_shows_its_own_slate_for_certain_and_no_other(agent: Agent) -> None:
    assert isinstance(agent, HasPropensity)
    seen = observation(users(), 10, 14.3)
    shown = met(agent).act(seen).items
    np.testing.assert_array_equal(agent.log_propensity(seen, shown), 0.0)
    turned = np.roll(shown, 1, axis=1)
    assert (agent.log_propensity(seen, turned) == -np.inf).all()
    np.testing.assert_array_equal(certain_log_propensity(shown, turned), -np.inf)


@pytest.mark.parametrize("kind", [Popularity, RecencyPopularity, StaticMf])
def test_a_temperature_below_zero_is_refused(kind: type[Popularity]) -> None:
    with pytest.raises(ValueError, match="temperature is -1"):
        kind(temperature=-1.0)
