"""Baselines say how likely any slate was, whether they draw it or not."""

import numpy as np
import pytest
from small_shop import SHOP, SLATE, observation, respond, users

from driftline.agents.baselines.popularity import Popularity
from driftline.agents.baselines.random import Random
from driftline.agents.baselines.recency_popularity import RecencyPopularity
from driftline.agents.baselines.static_mf import StaticMf
from driftline.agents.policy import HasPropensity, certain_log_propensity
from driftline.agents.protocol import AgentProtocol

STOCHASTIC = [Random(), Popularity(temperature=0.7), RecencyPopularity(temperature=0.7), StaticMf(temperature=0.2)]


CERTAIN = [Popularity(), RecencyPopularity(), StaticMf()]


@pytest.mark.parametrize("agent", STOCHASTIC, ids=lambda agent: type(agent).__name__)
def test_a_drawn_slate_has_the_propensity_that_its_agent_states(agent: AgentProtocol) -> None:
    assert isinstance(agent, HasPropensity)
    seen = observation(users(), 10, 14.3)
    slates = met(agent).act(seen)
    np.testing.assert_allclose(agent.log_propensity(seen, slates.items), slates.log_p_cascade, atol=1e-9)
    assert len(np.unique(slates.items)) > SLATE


@pytest.mark.parametrize("agent", CERTAIN, ids=lambda agent: type(agent).__name__)
def test_a_deterministic_agent_shows_its_own_slate_for_certain_and_no_other(agent: AgentProtocol) -> None:
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


def met(agent: AgentProtocol) -> AgentProtocol:
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
