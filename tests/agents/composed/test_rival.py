"""The simple system learns from numbers only."""

from typing import Any

import numpy as np
import pytest
from small_shop import ITEMS, KINDS, SHOP, SLATE, items, liked, observation, random_slates, respond, setting, users

from driftline.agents.composed.rival import Rival, RivalNumbers
from driftline.agents.evolution._base import Tracker
from driftline.agents.evolution.moving_average import MovingAverage
from driftline.agents.policy import Greedy

ALL = np.arange(ITEMS, dtype=np.int32)


def track(n_users: int, dim: int, outside: float) -> Tracker:
    return MovingAverage(n_users, dim)


def ready(**numbers: float) -> Rival:
    agent = Rival(None, track, Greedy(), RivalNumbers(**numbers))
    agent.reset(SHOP)
    return agent


def test_it_shows_what_is_liked() -> None:
    shown = ready(rating_weight=0.0).act(observation(users(), 9, 14.0)).items
    assert (shown % KINDS == liked(users())[:, None]).mean() > 0.9


def test_a_users_own_interest_moves_at_once_and_nobody_elses_does() -> None:
    agent, rng = ready(), np.random.default_rng(0)
    who, others = users()[:1], users()[1:]
    before = agent.score(users(), ALL)
    slates = np.array([[1, 2, 4, 5]], np.int32)  # user 0 likes kind 0
    feedback = respond(who, 9, np.array([14.1]), slates, rng)
    agent.act(observation(who, 9, 14.1))
    agent.learn(feedback)
    assert not np.array_equal(agent.score(who, ALL), before[:1])
    np.testing.assert_array_equal(agent.score(others, ALL), before[1:])


def test_what_is_shared_counts_from_the_next_tick_on() -> None:
    agent, rng = ready(popularity_weight=50.0, rating_weight=0.0), np.random.default_rng(0)
    who, others = users()[:15], observation(users()[15:], 9, 14.1)
    before = agent.act(others).items
    slates = np.tile(np.array([44, 1, 2, 3], np.int32), (15, 1))
    for visit in range(20):
        feedback = respond(who, 9 + visit, np.full(15, 14.1 + 0.001 * visit), slates, rng)
        feedback.choice[:] = 0
        agent.learn(feedback)
    np.testing.assert_array_equal(agent.act(others).items, before)
    agent.tick(14.25)
    assert (agent.act(others).items[:, 0] == 44).all()


def test_mean_ratings_rank_items_as_far_as_they_are_weighed() -> None:
    """All ratings of item 43 are the best, and of item 44 the worst."""
    rng = np.random.default_rng(0)
    shown = {}
    for weight in (0.0, 100.0):
        agent = ready(rating_weight=weight, judgement=1e-6)
        for item, stars in ((43, 5.0), (44, 1.0)):
            slates = np.tile(np.array([item, 1, 2, 3], np.int32), (len(users()), 1))
            for visit in range(6):
                when = np.full(len(users()), 14.1 + 0.001 * visit + 0.01 * (stars == 1.0))
                feedback = respond(users(), 9 + visit, when, slates, rng)
                feedback.choice[:], feedback.rating[:] = 0, stars
                agent.learn(feedback)
        agent.tick(14.25)
        shown[weight] = agent.act(observation(np.array([1, 2]), 0, 14.3)).items
    assert (shown[100.0][:, 0] == 43).all()
    assert (shown[100.0] != 44).all()
    assert not (shown[0.0][:, 0] == 43).all()


def test_somebody_who_was_never_met_scores_zero() -> None:
    np.testing.assert_array_equal(ready().score(np.array([1]), ALL), np.zeros((1, ITEMS)))


def test_a_new_item_can_be_shown() -> None:
    agent = ready()
    now = observation(users()[:5], 9, 14.5, arrived=items(ITEMS, ITEMS + 3))
    agent.act(now)
    assert agent.item_space(np.array([ITEMS + 1], np.int32)).shape == (1, KINDS)


def test_a_restored_agent_does_not_feel_what_happened_since() -> None:
    agent, rng = ready(), np.random.default_rng(0)
    state, before = agent.snapshot(), agent.score(users(), ALL)
    for _ in range(2):
        agent.learn(respond(users(), 9, np.full(len(users()), 14.2), random_slates(rng, len(users())), rng))
        agent.tick(14.5)
        assert not np.array_equal(agent.score(users(), ALL), before)
        agent.restore(state)
        np.testing.assert_array_equal(agent.score(users(), ALL), before)


def test_a_snapshot_shares_the_texts() -> None:
    agent = ready()
    state: Any = agent.snapshot()
    assert state["setting"] is SHOP
    assert state["_shelf"]._segments is SHOP.segments
    assert state["_shelf"] is not agent._shelf


@pytest.mark.parametrize("n", [1, SLATE])
def test_a_setting_with_a_short_log_is_enough(n: int) -> None:
    log = SHOP.feedback
    few = type(log)(*(getattr(log, name)[:n] for name in type(log).__dataclass_fields__))
    agent = Rival(None, track, Greedy())
    agent.reset(setting(feedback=few))
    assert agent.act(observation(users(), 0, 14.0)).items.shape == (len(users()), SLATE)
