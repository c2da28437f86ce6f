"""Forgetting when an interest returns, and the transfer measures of continual learning."""

from typing import Any

import numpy as np
import pytest

from driftline.evaluation.drift import backward_transfer, forgetting, interest_phases, largest_loss
from driftline.sim.errors import InputError


def phased(plan: list[tuple[int, int]], kept: float, users: int = 40, noise: float = 0.0) -> tuple[Any, Any, Any]:
    """Users who live through phases (interest, visits); known by 1 - 0.8^v, of which `kept` is left on return."""
    rng = np.random.default_rng(3)
    user, interest, value = [], [], []
    for one in range(users):
        known: dict[int, float] = {}
        for wanted, length in plan:
            level = known.get(wanted, 0.0) * kept
            for _ in range(length):
                user.append(one)
                interest.append(wanted)
                value.append(level + noise * rng.standard_normal())
                level = 1 - 0.8 * (1 - level)
            known[wanted] = level
    return np.array(user), np.array(interest), np.array(value)


@pytest.mark.parametrize("kept", [0.0, 0.5, 1.0])
def test_what_is_lost_on_return_is_the_closed_form(kept: float) -> None:
    found = forgetting(*phased([(1, 10), (2, 10), (1, 10)], kept), window=5)
    first = 1 - 0.8 ** np.arange(10)
    back = 1 - (1 - kept * (1 - 0.8**10)) * 0.8 ** np.arange(10)
    assert found.forgetting.value == pytest.approx(first[5:].mean() - back[:5].mean(), abs=1e-12)
    assert found.savings.value == pytest.approx(back[:5].mean() - first[:5].mean(), abs=1e-12)
    assert (found.returns, found.left_out) == (40, 0)
    assert found.forgetting.n == 40


def test_the_latest_phase_is_what_is_lost_and_the_first_what_is_saved() -> None:
    user, interest, _ = phased([(1, 6), (2, 6), (1, 6), (3, 6), (1, 6)], 1.0, users=1)
    value = np.repeat([1.0, 9.0, 4.0, 9.0, 2.0], 6)
    found = forgetting(user, interest, value, window=3)
    assert found.returns == 2
    assert found.forgetting.value == pytest.approx(((1 - 4) + (4 - 2)) / 2)
    assert found.savings.value == pytest.approx(((4 - 1) + (2 - 1)) / 2)


def test_short_phases_and_other_users_interests_are_no_returns() -> None:
    user, interest, value = phased([(1, 6), (2, 3), (1, 2), (2, 6)], 0.5, users=2)
    found = forgetting(user, interest, value, window=3)
    assert (found.returns, found.left_out) == (2, 2)
    assert found.forgetting.warnings == ("2 of 4 returns have a phase of fewer than 3 visits and are left out",)
    apart = forgetting(np.repeat([1, 2], 6), np.repeat([5, 5], 6), np.zeros(12), window=3)
    assert apart.returns == 0
    assert np.isnan(apart.forgetting.value)


def test_the_interval_holds_what_is_lost() -> None:
    plan = [(1, 10), (2, 10), (1, 10)]
    exact = forgetting(*phased(plan, 0.5)).forgetting.value
    found = forgetting(*phased(plan, 0.5, users=300, noise=0.5)).forgetting
    assert abs(found.value - exact) < 4 * found.std_error
    assert found.std_error == pytest.approx(0.5 * np.sqrt(2 / 5 / 300), rel=0.2)


def test_phases_are_the_strongest_topic_between_changes() -> None:
    user = np.array([1, 1, 1, 1, 2, 2])
    changed = np.array([False, False, True, False, False, False])
    theta = np.array([[3.0, 0], [0, 2.0], [0, 1.0], [0, 1.0], [5.0, 0], [0, 4.0]])
    assert interest_phases(user, changed, theta).tolist() == [0, 0, 1, 1, 0, 0]


def test_transfer_of_a_matrix_is_its_definition() -> None:
    matrix = np.array([[0.9, 0.1, 0.2], [0.95, 0.8, 0.3], [0.6, 0.7, 0.9]])
    assert backward_transfer(matrix) == pytest.approx(((0.6 - 0.9) + (0.7 - 0.8)) / 2)
    assert largest_loss(matrix) == pytest.approx(((0.95 - 0.6) + (0.8 - 0.7)) / 2)
    assert largest_loss(matrix) >= -backward_transfer(matrix)


def test_bad_phases_are_named() -> None:
    with pytest.raises(InputError, match="window is 0"):
        forgetting([1], [1], [1.0], window=0)
    with pytest.raises(InputError, match="value finite"):
        forgetting([1], [1], [np.nan])
    with pytest.raises(InputError, match=r"matrix has shape \(1, 1\)"):
        backward_transfer(np.ones((1, 1)))
