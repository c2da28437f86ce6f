"""Reinforcement: a geometric series of what was taken, fading and bounded."""

import numpy as np
import pytest
from law_days import homes

from driftline.sim.laws import Reinforcement
from driftline.sim.laws._loops import consume_loop, daily_loop
from driftline.sim.types import Float32s

MIXTURE = np.array([[0.7, 0.3, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]], np.float32)
LAW = Reinforcement(rate=0.3, tau=6.0)
FADE = np.exp(-1 / 6.0)


def taking_daily(days: int, taken: int, in_group: int = 1) -> Float32s:
    """The component [K] on the day of the last of `days` takings, one a day."""
    state, user = np.zeros((1, 1, 4), np.float32), np.zeros(1, np.int64)
    take = consume_loop(type(LAW).consume)
    for day in range(days):
        fade(state, day)
        take(state, 0, user, *_one(taken, in_group), LAW.numbers())
    return np.asarray(state[0, 0])


def _one(taken: int, in_group: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return np.array([taken], np.int32), np.array([in_group], np.int8), MIXTURE, np.array([0.5], np.float32)


def fade(state: Float32s, day: int, since: int | None = None) -> None:
    last = np.array([max(0, day - 1) if since is None else since], np.int32)
    move, changed = daily_loop(type(LAW).advance, LAW.noisy), np.zeros(1, np.bool_)
    move(
        state, 0, homes(1, 4), np.zeros(1, np.int64), last, day, 0, 1000, 60.0, np.zeros((0, 0)), LAW.numbers(), changed
    )
    assert not changed.any()


@pytest.mark.parametrize("days", [1, 2, 5, 30])
@pytest.mark.parametrize("item", [0, 1])
def test_takings_add_up_as_a_geometric_series(days: int, item: int) -> None:
    wanted = 0.3 * (MIXTURE[item] - 0.25) * (1 - FADE**days) / (1 - FADE)
    np.testing.assert_allclose(taking_daily(days, item), wanted, rtol=1e-5)


def test_the_loop_is_bounded() -> None:
    limit = 0.3 * np.abs(MIXTURE[1] - 0.25) / (1 - FADE)
    component = np.abs(taking_daily(200, 1))
    assert (component <= limit * (1 + 1e-5)).all()
    np.testing.assert_allclose(component, limit, rtol=1e-5)


@pytest.mark.xfail(strict=True, reason="the stated bound, rate / (1 - q), holds for one taking a day only")
def test_the_loop_is_bounded_however_often_a_user_comes() -> None:
    state, user = np.zeros((1, 1, 4), np.float32), np.zeros(1, np.int64)
    for day in range(60):
        fade(state, day)
        for _ in range(8):
            consume_loop(type(LAW).consume)(state, 0, user, *_one(1, 1), LAW.numbers())
    assert np.abs(state).max() <= LAW.rate / (1 - FADE)


@pytest.mark.parametrize("gap", [1, 6, 20])
def test_what_is_not_taken_again_fades_with_tau(gap: int) -> None:
    state = np.full((1, 1, 4), 2.0, np.float32)
    fade(state, gap, since=0)
    np.testing.assert_allclose(state[0, 0], 2.0 * np.exp(-gap / 6.0), rtol=1e-5)


def test_nothing_taken_and_other_groups_leave_the_component_alone() -> None:
    assert not taking_daily(3, -1).any()
    assert not taking_daily(3, 0, in_group=0).any()
