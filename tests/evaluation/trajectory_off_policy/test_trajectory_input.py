from typing import Any

import numpy as np
import pytest

from driftline.evaluation.trajectory_off_policy import (
    dr,
    marginal_is,
    pdis,
    sndr,
    snmarginal_is,
    snpdis,
    tis,
    trajectories_from_rows,
)
from driftline.sim.errors import InputError

LOG: dict[str, Any] = {
    "trajectory": np.array([4, 4, 8]),
    "step": np.array([0, 1, 0]),
    "reward": np.array([1.0, 0.0, 2.0]),
    "pscore": np.array([0.5, 0.5, 0.25]),
    "target_pscore": np.array([1.0, 0.0, 0.5]),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": [0, 0, 0]}, r"trajectory 4 has step 0 more than once \(row 0\)"),
        ({"step": [0, 2, 0]}, "trajectory 4 has no step 1; step counts from 0 to 1, each once"),
        ({"step": [0, 1, 1]}, "trajectory 8 has no step 0; step counts from 0 to 0"),
        ({"pscore": [0.5, 0.0, 0.25]}, "pscore of trajectory 4, step 1 is 0; must be above 0"),
        ({"pscore": [0.5, 0.5, np.nan]}, "pscore of trajectory 8, step 0 is nan"),
        ({"target_pscore": [1.0, 1.5, 0.5]}, "target_pscore of trajectory 4, step 1 is 1.5"),
        ({"reward": [1.0, np.inf, 0.0]}, "reward of trajectory 4, step 1 is inf"),
        ({"reward": [1.0, 0.0]}, r"reward has shape \(2,\); must have one value a row \(3,\)"),
        ({"cluster": [1, 2, 3]}, "cluster of trajectory 4 is 1 at step 0 and 2 at step 1"),
        ({"gamma": 1.5}, "gamma is 1.5; must be above 0 and at most 1"),
    ],
)
def test_bad_rows_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pdis(**{**LOG, **{k: v if k == "gamma" else np.array(v) for k, v in change.items()}})


def test_estimates_and_states_are_checked() -> None:
    with pytest.raises(InputError, match="q_action of trajectory 8, step 0 is nan"):
        dr(**LOG, q_action=[0, 0, np.nan], q_expected=[0, 0, 0])
    with pytest.raises(InputError, match=r"q_expected has shape \(2,\)"):
        sndr(**LOG, q_action=[0, 0, 0], q_expected=[0, 0])
    with pytest.raises(InputError, match="state must be whole numbers from 0"):
        marginal_is(**LOG, state=[0, -1, 0])


def test_an_ended_trajectory_keeps_its_weight_and_earns_nothing() -> None:
    log = trajectories_from_rows(**LOG, gamma=0.5)
    assert log.weight.tolist() == [[2.0, 0.0], [2.0, 2.0]]
    assert log.reward.tolist() == [[1.0, 0.0], [2.0, 0.0]]
    assert log.before().tolist() == [[1.0, 2.0], [1.0, 2.0]]
    assert log.discount.tolist() == [1.0, 0.5]
    assert snpdis(**LOG).value == pytest.approx(1.5)


def test_users_not_trajectories_are_independent() -> None:
    rng = np.random.default_rng(1)
    user = np.repeat(np.arange(60), 10)
    taste = rng.normal(size=60)[user]
    log: dict[str, Any] = {
        "trajectory": np.arange(600),
        "step": np.zeros(600, np.int64),
        "reward": taste,
        "pscore": np.full(600, 0.5),
        "target_pscore": np.full(600, 0.5),
    }
    alone, users = tis(**log), tis(**log, cluster=user)
    assert users.std_error == pytest.approx(alone.std_error * np.sqrt(10 * (60 / 59) / (600 / 599)), abs=1e-9)
    assert (alone.n, users.n) == (600, 60)
    drawn = tis(**log, cluster=user, interval="bootstrap")
    assert abs(drawn.std_error / users.std_error - 1) < 4 / np.sqrt(2 * 400) + 1 / 60


def test_long_horizons_warn_or_refuse() -> None:
    rng = np.random.default_rng(2)
    horizon, n = 60, 200
    action = rng.random((n, horizon)) < 0.5
    log: dict[str, Any] = {
        "trajectory": np.repeat(np.arange(n), horizon),
        "step": np.tile(np.arange(horizon), n),
        "reward": np.ones(n * horizon),
        "pscore": np.full(n * horizon, 0.5),
        "target_pscore": np.where(action.ravel(), 0.9, 0.1),
    }
    found = pdis(**log)
    assert any("effective sample size" in each and "at step" in each for each in found.warnings)
    plain, own = (each(**log, state=np.zeros(n * horizon, np.int64)) for each in (marginal_is, snmarginal_is))
    assert abs(plain.value - horizon) < 4 * plain.std_error
    assert not any("mean weight" in each for each in plain.warnings)
    assert own.value == pytest.approx(horizon, abs=1e-9)
    assert own.std_error < 1e-9
    with pytest.raises(InputError, match="the product of ratios of trajectory 0 overflows at step 51"):
        pdis(
            trajectory=np.zeros(60, np.int64),
            step=np.arange(60),
            reward=np.ones(60),
            pscore=np.full(60, 1e-6),
            target_pscore=np.ones(60),
        )


def test_states_seen_once_are_named() -> None:
    log = {**LOG, "state": np.array([0, 1, 2])}
    assert any("100 % of steps are the only visit" in each for each in marginal_is(**log).warnings)


def test_an_empty_log_has_no_value() -> None:
    empty: dict[str, Any] = {name: np.empty(0) for name in ("reward", "pscore", "target_pscore")}
    empty |= {name: np.empty(0, np.int64) for name in ("trajectory", "step")}
    for found in (tis(**empty), snpdis(**empty), marginal_is(**empty, state=np.empty(0, np.int64))):
        assert np.isnan(found.value)
        assert found.warnings[0] == "no trajectories"
