"""The composed agent learns from all that users do, and puts retrained parts to use when they land."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_shop import (
    FIRST_COMMENT,
    GOOD,
    ITEMS,
    KINDS,
    LATER,
    SHOP,
    SLATE,
    USERS,
    items,
    liked,
    observation,
    reported,
    respond,
    users,
)

from driftline.agents.composed.full import RETRAIN, Full
from driftline.agents.composed.valuation import FullNumbers
from driftline.agents.evolution._base import Tracker
from driftline.agents.evolution.filter_bank import FilterBank
from driftline.agents.policy import Greedy
from driftline.agents.predictor.encoders import Hashing
from driftline.agents.protocol import Job
from driftline.agents.users import take_rows
from driftline.sim.types import Behaviors, Feedback, Setting

ALL = np.arange(ITEMS, dtype=np.int32)
OFTEN = FullNumbers(refit_days=0.5, retrain_days=1.0, retrain_takes=0.5)


def track(n_users: int, dim: int, outside: float) -> Tracker:
    return FilterBank(n_users, dim, outside=outside)


def ready(shop: Setting = SHOP, numbers: FullNumbers = OFTEN, **switches: bool) -> Full:
    agent = Full(Hashing(64), track, Greedy(), numbers, **switches)
    agent.reset(shop)
    return agent


def visits(agent: Full, day: float, behaviors: Behaviors | None = None) -> Feedback:
    """Everybody comes once."""
    rng = np.random.default_rng(int(100 * day))
    now = observation(users(), int(10 * day), day, behaviors)
    feedback = respond(users(), int(10 * day), now.time, agent.act(now).items, rng)
    agent.learn(feedback)
    return feedback


def shared(agent: Full) -> list[bytes]:
    """What may change at tick boundaries only."""
    numbers = [
        agent._valuation.stack.click.weights,
        agent._valuation.stack.satisfaction.weights,
        agent._valuation._appeal.effect(ALL),
        agent._valuation._quality.effect(ALL),
        agent._foresight.factor_scores(np.arange(USERS), ALL),
        agent._foresight.head.weight if agent._foresight.head else np.zeros(0),
        np.array([agent._reader.trust]),
    ]
    return [np.asarray(each).tobytes() for each in numbers]


@pytest.mark.parametrize("reward", ["satisfaction", "click", "purchase", "dwell"])
def test_it_shows_what_is_liked(reward: str) -> None:
    agent = ready(replace(SHOP, reward=reward))  # type: ignore[arg-type]
    shown = agent.act(observation(users(), 9, 14.0)).items
    assert (shown % KINDS == liked(users())[:, None]).mean() > 0.9


def test_it_reads_the_warm_up() -> None:
    """Comments that teach the reader, and a visit that still waits for its comment."""
    agent = ready()
    assert agent._reader.trust > 0.3
    assert ready(reads=False)._reader.trust == 0.0
    assert agent._pending._waits[:USERS].all()


def test_learning_needs_an_act_before_it() -> None:
    agent = ready(numbers=FullNumbers())
    with pytest.raises(ValueError, match="there was no act before it"):
        agent.learn(SHOP.feedback)
    feedback = visits(agent, 14.0)
    with pytest.raises(ValueError, match="there was no act before it"):
        agent.learn(feedback)


def test_what_is_shared_moves_at_tick_boundaries_only() -> None:
    agent = ready(numbers=FullNumbers())
    before = shared(agent)
    feedback = visits(agent, 14.0)
    visits(agent, 14.1, reported(feedback, np.random.default_rng(0)))
    assert shared(agent) == before
    agent.tick(14.25)
    assert shared(agent)[2:4] != before[2:4]


def test_a_visit_counts_when_its_user_comes_again_with_what_was_said() -> None:
    """Praise moves the interest further than complaint does."""
    means = {}
    for said in (FIRST_COMMENT, FIRST_COMMENT + GOOD):
        agent = ready()
        feedback = visits(agent, 14.0)
        behaviors = reported(feedback, np.random.default_rng(0))
        behaviors.expressed[:] = said
        before = agent._tracker.mean(np.arange(USERS))
        agent.act(observation(users(), 141, 14.1))
        assert agent._pending.said(np.arange(USERS)).tolist() == [-1] * USERS
        agent = ready()
        visits(agent, 14.0)
        np.testing.assert_array_equal(agent._tracker.mean(np.arange(USERS)), before)
        agent.act(observation(users(), 141, 14.1, behaviors))
        means[said] = agent._tracker.mean(np.arange(USERS))
    taken = feedback.choice < SLATE
    chosen = feedback.items[taken, feedback.choice[taken]]
    rows = agent._users.find(feedback.user)[taken]
    silent = np.isnan(feedback.rating[taken])
    vectors = agent.item_space(chosen)
    praise, blame = ((means[said][rows] * vectors).sum(axis=1) for said in means)
    assert (praise[silent] > blame[silent]).mean() > 0.9


def test_a_retraining_lands_when_its_job_is_over() -> None:
    agent = ready()
    first = agent._foresight
    for k in range(4):
        assert list(agent.tick(14.0 + 0.25 * k)) == []
        visits(agent, 14.05 + 0.25 * k)
    assert list(agent.tick(15.0)) == [Job(RETRAIN, 0.5)]
    assert agent._foresight is first
    coming = agent._coming
    assert coming is not None
    visits(agent, 15.1)
    agent.finish("something else")
    assert agent._foresight is first
    agent.finish(RETRAIN)
    assert agent._foresight is coming
    agent.finish(RETRAIN)
    assert agent._foresight is coming


def test_no_retraining_starts_while_one_is_under_way() -> None:
    """Otherwise the first job's end would put the second one's result to use, before its time."""
    agent = ready(numbers=FullNumbers(refit_days=9.0, retrain_days=0.25, retrain_takes=1.0))
    assert [len(agent.tick(day)) for day in (14.25, 14.5, 14.75)] == [1, 0, 0]
    agent.finish(RETRAIN)
    assert [len(agent.tick(day)) for day in (15.25, 15.5)] == [1, 0]


def test_retrained_parts_can_be_left_out() -> None:
    agent = ready(foresees=False, factorises=False)
    assert agent._foresight.head is None
    assert agent._foresight.factors is None
    assert (agent.act(observation(users(), 9, 14.0)).items % KINDS == liked(users())[:, None]).mean() > 0.9


def test_the_stack_is_refitted_every_few_days() -> None:
    agent = ready(numbers=FullNumbers(refit_days=0.5))
    before = agent._valuation.stack
    visits(agent, 14.0)
    agent.tick(14.25)
    assert agent._valuation.stack is before
    agent.tick(14.5)
    assert agent._valuation.stack is not before


def test_scores_are_zero_for_strangers_and_tell_what_is_liked() -> None:
    agent = ready()
    scores = agent.score(np.append(users(), 1), ALL)
    np.testing.assert_array_equal(scores[-1], 0.0)
    by_kind = np.stack([scores[:-1, kind::KINDS].mean(axis=1) for kind in range(KINDS)], axis=1)
    assert (by_kind.argmax(axis=1) == liked(users())).mean() > 0.9


def test_new_items_and_new_users_are_taken_in() -> None:
    agent = ready()
    new = np.arange(1, 60)
    now = observation(new, 0, 14.5, arrived=items(ITEMS, ITEMS + LATER))
    pool = np.arange(ITEMS, ITEMS + LATER, dtype=np.int32)
    slates = agent.act(replace(now, candidates=pool))
    assert np.isin(slates.items, pool).all()
    assert agent.item_space(pool).shape == (LATER, KINDS)
    assert len(agent._users) == USERS + 59


def test_a_restored_agent_does_not_feel_what_happened_since() -> None:
    agent = ready()
    visits(agent, 14.0)
    agent.tick(15.0)  # a retraining is under way
    state, scores, common = agent.snapshot(), agent.score(users(), ALL), shared(agent)
    for _ in range(2):
        visits(agent, 15.1)
        agent.finish(RETRAIN)
        agent.tick(15.5)
        assert shared(agent) != common
        agent.restore(state)
        np.testing.assert_array_equal(agent.score(users(), ALL), scores)
        assert shared(agent) == common
        assert agent._coming is not None


def test_a_snapshot_shares_texts_and_encoder_and_nothing_else() -> None:
    agent = ready()
    state: Any = agent.snapshot()
    assert state["setting"] is SHOP
    assert state["_encoder"] is agent._encoder
    assert state["_shelf"]._segments is SHOP.segments
    assert not np.shares_memory(state["_shelf"].vectors, agent._shelf.vectors)
    assert not np.shares_memory(state["_history"].vectors, agent._history.vectors)


def test_rows_of_a_log_are_taken_from_every_column() -> None:
    part = take_rows(SHOP.feedback, np.array([4, 2]))
    for name in Feedback.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(part, name), getattr(SHOP.feedback, name)[[4, 2]])
