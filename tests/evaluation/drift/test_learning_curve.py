"""The cold-start learning curve against a planted one."""

from math import ceil, inf, log
from typing import Any

import numpy as np
import pytest

from driftline.evaluation.drift import cold_start_curve
from driftline.sim.errors import InputError


def planted(tau: float, users: int = 50, noise: float = 0.0, length: int = 40) -> tuple[Any, Any]:
    """Value 1 - exp(-v / tau) at visit v, and an offset of each user's own."""
    rng = np.random.default_rng(1)
    user = np.repeat(rng.permutation(users), length)
    visit = np.tile(np.arange(length), users)
    own = rng.normal(0, 0.2, users)[user]
    return user, 1 - np.exp(-visit / tau) + own + noise * rng.standard_normal(len(user))


@pytest.mark.parametrize("tau", [1.0, 2.0, 4.0])
def test_learning_takes_as_long_as_planted(tau: float) -> None:
    user, value = planted(tau)
    found = cold_start_curve(user, value, length=40)
    # 90 % of the way to the plateau, which is all but 1
    assert found.learned.value == ceil(tau * log(10))
    assert found.users == 50
    assert [one.value for one in found.mean] == pytest.approx(value.reshape(50, 40).mean(axis=0).tolist())
    assert found.plateau.value == pytest.approx(value.reshape(50, 40)[:, -5:].mean())
    lower = cold_start_curve(user, -value, length=40, better="lower")
    assert lower.learned.value == found.learned.value


def test_noise_widens_the_interval_and_it_holds_the_truth() -> None:
    found = cold_start_curve(*planted(3.0, users=300, noise=0.4), length=40)
    assert found.learned.low <= ceil(3 * log(10)) <= found.learned.high
    assert found.learned.low < found.learned.high
    assert abs(found.mean[0].value) < 4 * found.mean[0].std_error


def test_who_learns_nothing_has_no_learning_time() -> None:
    user, _ = planted(1.0)
    flat = cold_start_curve(user, np.random.default_rng(2).standard_normal(len(user)))
    assert np.isnan(flat.learned.value)
    worse = cold_start_curve(*planted(3.0), better="lower")
    assert np.isnan(worse.learned.value)


def test_users_who_leave_early_are_left_out_unless_wanted() -> None:
    user, value = planted(2.0, users=20, length=20)
    keep = (user != 3) | (np.tile(np.arange(20), 20) < 8)
    value[user == 3] = 50.0
    complete = cold_start_curve(user[keep], value[keep], length=20)
    assert (complete.users, complete.left_out) == (19, 1)
    assert complete.mean[0].value < 1.0
    everybody = cold_start_curve(user[keep], value[keep], length=20, complete=False)
    assert everybody.mean[7].n == 20
    assert everybody.mean[8].n == 19
    assert everybody.mean[0].value > 2.0


def test_bad_curves_are_named() -> None:
    with pytest.raises(InputError, match="length is 5"):
        cold_start_curve([1], [1.0], length=5)
    with pytest.raises(InputError, match="none of 1 users has 20 visits"):
        cold_start_curve([1, 1], [1.0, 2.0])
    with pytest.raises(InputError, match="did you mean 'higher'"):
        cold_start_curve([1], [1.0], better="high")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="value of row 1 is not finite"):
        cold_start_curve([1, 1], [1.0, inf])
