"""The feed in numbers."""

from math import exp
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import driftline  # noqa: F401  registers driftline/Feed-v0
from driftline.sim import NumericObservation
from driftline.sim.errors import InputError
from driftline.sim.gym.numeric import numbers_of

SMALL = {"population.users": 40, "warmup": 2, "horizon": 4, "catalogue.items": 150, "slate": 4}
KIND = np.array([0, 1, 2, 0, -1], np.int8)
CATEGORY = np.array([1, 2, 1, 0, -1], np.int32)
SINCE = np.array([2.0, 3.0, 5.0, 10.0, 0.0], np.float32)


def made(**arguments: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make("driftline/Feed-v0", scenario="abrupt_shift", overrides=SMALL, **arguments)


def test_recent_behaviors_become_decayed_shares_and_searches_do_not_count() -> None:
    offered, price, age = np.array([1, -1, 0], np.int32), np.array([10, 30, 0], np.float32), np.zeros(3, np.float32)
    user, _ = numbers_of(KIND, CATEGORY, SINCE, offered, price, age, 3, 7.0)
    one, zero = exp(-2 / 7) + exp(-5 / 7), exp(-10 / 7)
    assert user[:3] == pytest.approx([zero / (one + zero), one / (one + zero), 0.0], rel=1e-5)
    assert user[3] == pytest.approx((one + zero) / 5, rel=1e-5)
    assert user[4] == pytest.approx(2 / 12, rel=1e-5)


def test_a_candidate_shows_the_visitor_s_affinity_its_price_age_and_category() -> None:
    offered, age = np.array([1, -1, 0], np.int32), np.array([0, 10, 30], np.float32)
    price = np.array([10, 30, 0], np.float32)
    user, candidates = numbers_of(KIND, CATEGORY, SINCE, offered, price, age, 3, 7.0)
    assert candidates[:, 0] == pytest.approx([user[1], 0.0, user[0]])
    assert candidates[:, 1] == pytest.approx([0.5, 0.75, 0.0])
    assert candidates[:, 2] == pytest.approx([0.0, 0.5, 0.75])
    assert candidates[:, 3:].tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_a_visitor_without_a_past_has_no_affinities() -> None:
    none = np.full(5, -1, np.int32)
    user, candidates = numbers_of(
        none.astype(np.int8), none, SINCE * 0, np.array([0, 2], np.int32), SINCE[:2], SINCE[:2], 3, 7.0
    )
    assert not user.any()
    assert not candidates[:, 0].any()


@pytest.mark.parametrize("text", [True, False])
def test_the_observation_lies_in_a_space_of_numbers_with_and_without_texts(text: bool) -> None:
    env = NumericObservation(made(text=text))
    inner: Any = env.observation_space
    assert isinstance(inner, spaces.Dict)
    assert all(isinstance(space, spaces.Box) for space in inner.values())
    seen: Any = env.reset(seed=1)[0]
    env.action_space.seed(1)
    for _ in range(50):
        assert seen in env.observation_space
        seen, *_ = env.step(env.action_space.sample())
    assert seen["candidates"].shape == (100, 3 + 16)


def test_each_row_of_a_batch_is_what_a_single_visit_shows() -> None:
    one, many = NumericObservation(made()), NumericObservation(made(batch=3))
    together: Any = many.reset(seed=1)[0]
    alone: Any = one.reset(seed=1)[0]
    assert together in many.observation_space
    assert together["present"].tolist() == [1, 1, 1]
    for row in range(3):
        assert np.array_equal(together["user"][row], alone["user"])
        assert np.array_equal(together["candidates"][row], alone["candidates"])
        alone, *_ = one.step(np.arange(4))


def test_gymnasium_can_flatten_it() -> None:
    env = gymnasium.wrappers.FlattenObservation(NumericObservation(made()))
    seen, _ = env.reset(seed=1)
    assert seen.shape == (16 + 2 + 100 * 19,)


def test_what_is_not_a_feed_is_refused() -> None:
    with pytest.raises(InputError, match="not a feed"):
        NumericObservation(gymnasium.make("CartPole-v1"))
    with pytest.raises(InputError, match="memory = 0: must be > 0"):
        NumericObservation(made(), memory=0.0)
