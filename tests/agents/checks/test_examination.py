"""What agents are examined with: a shop, a script that plays it, and hands that watch."""

from collections import deque
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
from learner import ROUNDS, SETTING, Learner

from driftline.agents.baselines.random import Random
from driftline.agents.checks._hands import Generators, generator_states, held_bytes, seed_generators
from driftline.agents.checks._script import Stage, repeated
from driftline.agents.checks._shop import NEW, SLATE, USERS
from driftline.agents.checks._slates import slate_fault
from driftline.sim.types import BehaviorKind, Feedback, Observation, Slates


def test_the_shop_makes_an_agent_learn() -> None:
    """Otherwise no promise could be broken."""
    agent = Learner()
    agent.reset(SETTING)
    shown = Stage(agent, SETTING).play(ROUNDS)
    assert agent.extra == 1.0
    assert len(agent.memory) == USERS
    assert len({slate.items.tobytes() for slate in shown}) == len(ROUNDS)


def test_the_shop_holds_what_agents_stumble_over() -> None:
    seen = [observation for observation, _ in ROUNDS]
    ticks = [observation.tick for observation in seen]
    assert len(ticks) > len(set(ticks))
    assert max(np.diff(ticks)) > 1
    assert {observation.candidates.ndim for observation in seen} == {1, 2}
    assert sum(len(observation.arrived) for observation in seen) == NEW
    assert len(np.unique(np.concatenate([observation.user for observation in seen]))) == USERS
    assert set(np.unique(SETTING.feedback.user)) < set(np.concatenate([observation.user for observation in seen]))
    kinds = np.concatenate([observation.behaviors.kind for observation in seen])
    assert {BehaviorKind.CONSUME, BehaviorKind.SEARCH} <= set(kinds.tolist())
    assert any(np.isfinite(feedback.rating).any() for _, feedback in ROUNDS)
    assert any((feedback.choice == SLATE).any() for _, feedback in ROUNDS)
    for observation, feedback in ROUNDS:
        assert slate_fault(observation, Slates.certain(feedback.items), SLATE) is None
        assert (np.diff(observation.behaviors.time) >= 0).all()
        np.testing.assert_array_equal(observation.user, feedback.user)
    by_user = [(user, visit) for o in seen for user, visit in zip(o.user.tolist(), o.visit.tolist(), strict=True)]
    assert len(set(by_user)) == len(by_user)


SEEN = ROUNDS[1][0]
GOOD = Slates.certain(SEEN.candidates[:, :SLATE].copy())
N = len(SEEN)


@pytest.mark.parametrize(
    ("slates", "words"),
    [
        ([1, 2], "act returned list; must be Slates"),
        (
            Slates(GOOD.items[:, :1], GOOD.log_p, GOOD.log_p_cascade),
            f"Slates.items has shape [{N}, 1]; must be [{N}, 3]",
        ),
        (Slates(GOOD.items, GOOD.log_p[:3], GOOD.log_p_cascade), f"Slates.log_p has shape [3]; must be [{N}]"),
        (Slates(GOOD.items.astype(np.int64), GOOD.log_p, GOOD.log_p_cascade), "int64; must be int32"),
        (Slates(GOOD.items, GOOD.log_p * np.nan, GOOD.log_p_cascade), "must be finite and <= 0"),
        (Slates(GOOD.items, GOOD.log_p + 0.4, GOOD.log_p_cascade + 0.2), "must be finite and <= 0"),
    ],
)
def test_a_fault_of_slates_is_put_into_words(slates: Any, words: str) -> None:
    assert words in str(slate_fault(SEEN, slates, SLATE))
    assert slate_fault(SEEN, GOOD, SLATE) is None


class Listener(Random):
    """Keeps what it is told."""

    told: ClassVar[list[Any]] = []

    def act(self, observation: Observation) -> Slates:
        self.told.append(observation)
        return super().act(observation)

    def learn(self, feedback: Feedback) -> None:
        self.told.append(feedback)


def test_a_script_turns_into_a_log_of_the_agents_own_that_hangs_together() -> None:
    agent = Listener()
    agent.reset(SETTING)
    Listener.told.clear()
    Stage(agent, SETTING).play(ROUNDS)
    taken: dict[int, int] = {}
    for observation, told in pairwise([*Listener.told, None]):
        if told is None or not isinstance(observation, Observation):
            continue
        said = observation.behaviors
        bought = said.kind == BehaviorKind.CONSUME
        for user, item, about in zip(said.user[bought], said.item[bought], said.about[bought], strict=True):
            assert taken.get(int(user), int(item)) == item
            assert about == item  # the shop's titles have their item's number
        for user, slate, choice in zip(told.user, told.items, told.choice, strict=True):
            if choice < SLATE:
                taken[int(user)] = int(slate[choice])
    assert len(taken) == USERS


def test_rounds_come_again_later_with_visits_of_their_own() -> None:
    setting, rounds = repeated(SETTING, ROUNDS, 3)
    assert len(rounds) == 3 * len(ROUNDS)
    keys = [(u, v) for o, _ in rounds for u, v in zip(o.user.tolist(), o.visit.tolist(), strict=True)]
    assert len(set(keys)) == len(keys)
    assert all(a.tick <= b.tick for (a, _), (b, _) in pairwise(rounds))
    assert all(
        (o.time < (o.tick + 1) * setting.tick).all() and (o.time >= o.tick * setting.tick).all() for o, _ in rounds
    )
    assert sum(len(o.arrived) for o, _ in rounds) == NEW
    assert setting.horizon > rounds[-1][0].time.max()
    said = [each.behaviors.time for each, _ in rounds]
    span = setting.tick * (rounds[len(ROUNDS)][0].tick - rounds[0][0].tick)
    for first, again in zip(said[: len(ROUNDS)], said[len(ROUNDS) :], strict=False):
        assert np.allclose(again - first, span)


def test_what_is_remembered_is_counted_once_and_code_not_at_all() -> None:
    table = np.zeros(1000)
    assert 8000 <= held_bytes({"a": table, "b": table}, ()) < 9000
    assert held_bytes({"a": table}, (table,)) < 1000
    assert held_bytes([np, held_bytes, Learner], ()) < 1000
    assert held_bytes({"agent": deque([np.zeros(500)])}, ()) >= 4000


def test_seeding_and_going_back_leave_global_generators_as_they_were() -> None:
    before = generator_states()
    with Generators():
        seed_generators(3)
        assert generator_states() != before
    assert generator_states() == before
