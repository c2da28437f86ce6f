"""An agent in two methods keeps the whole protocol."""

import numpy as np
import pytest
from small_shop import ITEMS, KINDS, SHOP, SLATE, liked, observation, respond, users

import driftline
from driftline.agents.agent import Agent
from driftline.agents.protocol import AgentProtocol
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Slates


class Faithful(Agent):
    """Shows the category that each user took from last."""

    def act(self, observation: Observation) -> Slates:
        category = self.category_of(self.offered(observation))
        last = np.array([self.memory.get(user, -2) for user in observation.user])
        return self.highest(observation, category == last.reshape(-1, 1))

    def learn(self, feedback: Feedback) -> None:
        for user, slate, choice in zip(feedback.user, feedback.items, feedback.choice, strict=True):
            if choice < len(slate):
                self.memory[user] = self.category_of(slate[choice])


class Mute(Agent):
    """Only what must be written."""

    def act(self, observation: Observation) -> Slates:
        return self.highest(observation, np.zeros(observation.candidates.shape[-1]))


class Opinionated(Mute):
    def scores(self, users: Int64s, items: Int32s) -> Floats:
        return np.add.outer(users, items)


def reset(agent: Agent) -> Agent:
    agent.reset(SHOP)
    return agent


def test_an_agent_of_two_methods_follows_the_protocol_and_learns_from_the_warmup() -> None:
    agent = reset(Faithful())
    assert isinstance(agent, AgentProtocol)
    shown = agent.act(observation(users(), 8, 14.0)).items
    assert (shown % KINDS == liked(users())[:, None]).all(axis=1).mean() > 0.7
    assert agent.tick(14.25) == ()
    agent.finish("nothing")


def test_scores_are_zeros_unless_they_are_written() -> None:
    mine, items = users()[:4], np.arange(3, dtype=np.int32)
    np.testing.assert_array_equal(reset(Faithful()).score(mine, items), np.zeros((4, 3)))
    found = reset(Opinionated()).score(mine, items)
    np.testing.assert_array_equal(found, mine[:, None] + items)
    assert found.dtype == np.float64


def test_snapshots_bring_back_what_was_learned_as_often_as_wanted() -> None:
    agent, rng = reset(Faithful()), np.random.default_rng(2)
    state, before = agent.snapshot(), dict(agent.memory)
    for _ in range(2):
        seen = observation(users(), 8, 14.0)
        agent.learn(respond(users(), 8, seen.time, (agent.act(seen).items + 1) % ITEMS, rng))
        assert agent.memory != before
        agent.restore(state)
        assert agent.memory == before
    assert agent.setting is SHOP  # texts and log are shared, not copied


def test_a_snapshot_also_fits_another_copy_of_the_agent() -> None:
    agent, other = reset(Faithful()), reset(Faithful())
    agent.memory[users()[0]] = 99
    other.restore(agent.snapshot())
    assert other.memory == agent.memory
    assert other.memory is not agent.memory


def test_reset_forgets() -> None:
    agent = reset(Faithful())
    before = dict(agent.memory)
    agent.memory[-1] = 5
    agent.reset(SHOP)
    assert agent.memory == before


def test_categories_are_known_for_the_items_of_the_start_only() -> None:
    agent = reset(Mute())
    np.testing.assert_array_equal(agent.category_of(np.arange(ITEMS + 2)), [*np.arange(ITEMS) % KINDS, -1, -1])
    assert agent.category_of(4).shape == ()
    shuffled = np.array([[5, 0], [10**9, -1]])
    assert agent.category_of(shuffled).tolist() == [[2, 0], [-1, -1]]


def test_offered_is_one_row_a_user_whether_candidates_are_shared_or_not() -> None:
    seen = observation(users(), 8, 14.0)
    assert reset(Mute()).offered(seen).shape == (len(users()), ITEMS)


def test_a_round_without_visits_gives_no_slates() -> None:
    none = observation(users()[:0], 8, 14.0)
    for agent in (Mute(), Faithful()):
        assert reset(agent).act(none).items.shape == (0, SLATE)


def test_act_must_be_written() -> None:
    class Nothing(driftline.Agent):
        pass

    with pytest.raises(TypeError, match="act"):
        Nothing()  # type: ignore[abstract]
