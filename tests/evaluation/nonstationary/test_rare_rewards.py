"""Windows, drift alarms and forecasts where rewards are rare, or never come."""

from typing import Any

import numpy as np
import pytest
from drifting_bandit import LOGGER, TARGET

from driftline.evaluation.nonstationary import (
    discounted,
    opfv,
    past_average,
    prognosticator,
    sliding_window,
)
from driftline.evaluation.off_policy import Bounds

ROUNDS = 10_000
MEAN = np.array([[0.2, 0.3, 0.4], [0.3, 0.2, 0.35]])
RARE = MEAN * 0.0038 / float((LOGGER * MEAN).sum() / 2)
"""A click rate of .38 % under the logging policy."""
TRUTH = float((TARGET * RARE).sum() / 2)
LARGEST = 3.0
"""Of the weights."""


def rare_log(seed: int) -> dict[str, Any]:
    """Four weeks of a still world."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, 28, ROUNDS))
    context = rng.integers(0, 2, ROUNDS)
    action = (rng.random(ROUNDS)[:, None] > np.cumsum(LOGGER[context], axis=1)).sum(axis=1)
    reward = (rng.random(ROUNDS) < RARE[context, action]).astype(float)
    pscore, target = LOGGER[context, action], TARGET[context, action]
    return {"reward": reward, "pscore": pscore, "target_pscore": target, "time": time}


def test_windows_hold_the_truth_or_warn_and_a_still_world_is_seldom_called_moving() -> None:
    """A day, a week, four weeks: at least 93 % of the logs that do not warn; at most 6 % false alarms in any."""
    logs, held, quiet = 300, 0, 0
    for width in (0.8, 7.0, 28.0):
        alarms = warned = 0
        for seed in range(100, 100 + logs):
            found = sliding_window(**rare_log(seed), width=width)
            moved = any("the value moved" in line for line in found.warnings)
            alarms, warned = alarms + moved, warned + bool(found.warnings)
            if not found.warnings:
                held, quiet = held + (found.low <= TRUTH <= found.high), quiet + 1
            assert found.low != found.high
        print(f"width {width:g}: {warned / logs:.1%} warn, {alarms / logs:.1%} drift alarms")
        assert alarms <= 0.06 * logs
    print(f"{quiet} logs without warning hold the truth in {held / quiet:.1%}")
    assert held >= 0.93 * quiet
    assert quiet > logs / 2


def test_no_reward_at_all_has_one_answer_everywhere() -> None:
    log = rare_log(0)
    log["reward"] = np.zeros(ROUNDS)
    time = log.pop("time")
    nothing = np.zeros(ROUNDS)
    period = time.astype(np.int64)
    model: dict[str, Any] = {"q_action": nothing, "q_expected": nothing}
    several = [
        past_average(**log, time=time),
        sliding_window(**log, time=time, width=7.0),
        discounted(**log, time=time, half_life=3.0),
        prognosticator(**log, period=period),
        opfv(**log, **model, time_feature=period % 7, target_feature=0),
        past_average(**log, time=time, interval="bootstrap", replicates=50),
    ]
    for found in several:
        assert found.value == 0.0
        assert np.isnan([found.low, found.high]).all()
        assert "spread: the values do not vary: there is no standard error and no interval" in found.warnings


def test_with_bounds_no_reward_at_all_has_an_upper_limit() -> None:
    """.05 = (1 - q)^n; rounds that count less are fewer."""
    log = rare_log(0)
    log["reward"] = np.zeros(ROUNDS)
    bounds = Bounds((0.0, 1.0), weight=LARGEST)
    used = int((log["time"] > log["time"].max() - 7.0).sum())
    window = sliding_window(**log, width=7.0, bounds=bounds)
    assert window.low == 0.0
    assert window.high == pytest.approx(LARGEST * (1 - 0.05 ** (1 / used)), rel=1e-9)
    halved = discounted(**log, half_life=3.0, bounds=bounds)
    worth = np.exp2(-(log["time"].max() - log["time"]) / 3.0).sum()
    assert halved.high == pytest.approx(LARGEST * (1 - 0.05 ** (1 / worth)), rel=1e-9)


def test_a_value_that_moves_among_rare_rewards_is_still_seen() -> None:
    """Twelve times the clicks in the last week."""
    seen = 0
    for seed in range(20):
        log = rare_log(seed)
        rng = np.random.default_rng([seed, 1])
        late = (log["time"] > 21) & (rng.random(ROUNDS) < 0.04)
        log["reward"][late] = 1.0
        seen += any("the value moved" in line for line in past_average(**log, target="present").warnings)
    assert seen == 20
