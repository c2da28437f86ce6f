from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from drifting_bandit import Log, abrupt, drifting_log, linear, still, value
from hypothesis import given
from hypothesis import strategies as st

from driftline.evaluation import off_policy
from driftline.evaluation.nonstationary import Estimator, Target, discounted, past_average, sliding_window
from driftline.sim.errors import InputError


def _bias(estimates: list[float], truth: float) -> float:
    """In standard errors of the mean over replications."""
    return float((np.mean(estimates) - truth) / (np.std(estimates, ddof=1) / np.sqrt(len(estimates))))


def test_a_window_is_the_stationary_estimator_on_the_windows_rounds() -> None:
    log = drifting_log(linear(0.1), 6, 200, 1)
    inside = (log.time > 3.5) & (log.time <= 5.5)
    found = {
        kind: sliding_window(**log.modelled, time=log.time, width=2.0, now=5.5, estimator=kind)
        for kind in ("ips", "snips", "dr")
    }
    w, r = log.target_pscore[inside] / log.pscore[inside], log.reward[inside]
    assert found["ips"].value == pytest.approx(np.mean(w * r), abs=1e-12)
    assert found["ips"].std_error == pytest.approx(np.std(w * r, ddof=1) / np.sqrt(inside.sum()), rel=1e-9)
    assert found["snips"].value == pytest.approx(np.average(r, weights=w), abs=1e-12)
    dr = w * (r - log.q_action[inside]) + log.q_expected[inside]
    assert found["dr"].value == pytest.approx(dr.mean(), abs=1e-12)
    assert found["dr"].std_error == pytest.approx(np.std(dr, ddof=1) / np.sqrt(inside.sum()), rel=1e-9)
    assert found["ips"].n == inside.sum()


@pytest.mark.parametrize("kind", ["ips", "snips", "dr"])
def test_the_past_average_agrees_with_the_off_policy_layer(kind: Estimator) -> None:
    log = drifting_log(still, 4, 100, 2)
    mine = past_average(**log.modelled, time=log.time, estimator=kind)
    if kind == "dr":
        theirs = off_policy.dr(**log.modelled)
    else:
        theirs = (off_policy.ips if kind == "ips" else off_policy.snips)(**log.basic)
    assert [mine.value, mine.std_error, mine.low, mine.high] == pytest.approx(
        [theirs.value, theirs.std_error, theirs.low, theirs.high], rel=1e-2
    )
    assert mine.value == pytest.approx(theirs.value, abs=1e-12)


def test_clusters_give_the_cluster_robust_error_of_a_weighted_mean() -> None:
    log = drifting_log(linear(0.1), 5, 60, 3)
    user = np.random.default_rng(0).integers(0, 25, len(log.reward))
    found = discounted(**log.basic, time=log.time, half_life=2.0, estimator="snips", cluster=user)
    share = np.exp2(-(log.time.max() - log.time) / 2.0)
    w = share * log.target_pscore / log.pscore
    fit = sm.WLS(log.reward, np.ones(len(w)), weights=w).fit()
    robust = fit.get_robustcov_results("cluster", groups=user, use_correction=False)
    units = len(np.unique(user))
    assert found.value == pytest.approx(fit.params[0], rel=1e-9)
    assert found.std_error == pytest.approx(robust.bse[0] * np.sqrt(units / (units - 1)), rel=1e-9)
    assert found.n == units


def test_window_and_past_average_are_unbiased_for_what_they_name() -> None:
    law, repeats = abrupt(4), 300
    past = np.mean([value(law, k) for k in range(8)])
    windows, averages, forecasts = [], [], []
    for seed in range(repeats):
        log = drifting_log(law, 8, 40, seed)
        windows.append(sliding_window(**log.basic, time=log.time, width=4.0, now=8.0, estimator="ips").value)
        averages.append(past_average(**log.basic, time=log.time, estimator="ips").value)
        forecasts.append(past_average(**log.modelled, time=log.time, estimator="dr").value)
    assert abs(_bias(windows, value(law, 7))) < 4
    assert abs(_bias(averages, float(past))) < 4
    assert abs(_bias(forecasts, float(past))) < 4


def test_stationary_ips_for_the_next_period_after_a_shift_is_bad_and_a_window_is_good() -> None:
    law, repeats = abrupt(6), 200
    truth = value(law, 8)
    held = {"past": 0, "window": 0}
    warned = 0
    for seed in range(repeats):
        log = drifting_log(law, 8, 800, seed)
        bad = past_average(**log.basic, time=log.time, estimator="ips", target="next_period")
        good = sliding_window(**log.basic, time=log.time, width=2.0, now=8.0, estimator="ips", target="next_period")
        held["past"] += bad.low <= truth <= bad.high
        held["window"] += good.low <= truth <= good.high
        warned += any("it lags" in line for line in bad.warnings)
    # the truth moved by .145 and three quarters of it are missed: nine standard errors
    assert held["past"] == 0
    assert abs(held["window"] / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)
    assert warned == repeats


def test_a_still_world_is_seldom_called_moving() -> None:
    alarms = 0
    for seed in range(300):
        log = drifting_log(still, 6, 200, seed)
        found = past_average(**log.basic, time=log.time, target="present")
        alarms += any("it lags" in line for line in found.warnings)
    # three looks at 2.5 standard errors each: about 3 % of logs
    assert alarms / 300 < 0.03 + 4 * np.sqrt(0.03 * 0.97 / 300)


def test_discounting_forgets_with_the_stated_half_life_and_lags_by_half_life_over_log_two() -> None:
    log = drifting_log(still, 1, 2, 0)
    ones = np.ones(3)
    found = discounted(
        reward=np.array([1.0, 0.0, 0.0]),
        pscore=ones,
        target_pscore=ones,
        time=np.array([7.0, 10.0, 4.0]),
        half_life=3.0,
    )
    assert found.value == pytest.approx(0.5 / (1 + 0.5 + 0.25), abs=1e-12)
    rate, half_life, repeats = 0.004, 20.0, 60
    estimates = []
    for seed in range(repeats):
        log = drifting_log(linear(rate), 200, 20, seed)
        estimates.append(discounted(**log.basic, time=log.time, now=200.0, half_life=half_life, estimator="ips").value)
    periods = np.arange(200)
    # rounds lie uniformly within their period, half a period old on average
    share = np.exp2(-(199.5 - periods) / half_life)
    truth = sum(s * value(linear(rate), float(k)) for s, k in zip(share, periods, strict=True)) / share.sum()
    lag = (value(linear(rate), 199) - truth) / (value(linear(rate), 1) - value(linear(rate), 0))
    assert abs(_bias(estimates, truth)) < 4
    assert lag == pytest.approx(half_life / np.log(2), rel=0.05)


@given(st.floats(0.1, 1e3), st.integers(0, 2**20))
def test_a_constant_reward_is_snips_exactly_whatever_the_shares(half_life: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 30
    arrays: dict[str, Any] = {
        "pscore": rng.uniform(0.1, 1, n),
        "target_pscore": rng.uniform(0, 1, n),
        "time": rng.uniform(0, 50, n),
    }
    found = discounted(reward=np.full(n, 0.7), half_life=half_life, **arrays)
    assert found.value == pytest.approx(0.7, abs=1e-12)


def test_the_order_of_rounds_does_not_matter() -> None:
    log = drifting_log(linear(0.1), 5, 40, 5)
    mixed = np.random.default_rng(1).permutation(len(log.reward))
    a = discounted(**log.basic, time=log.time, half_life=2.0, target="next_period")
    b = discounted(
        **{k: v[mixed] for k, v in log.basic.items()}, time=log.time[mixed], half_life=2.0, target="next_period"
    )
    assert [a.value, a.std_error] == pytest.approx([b.value, b.std_error], rel=1e-12)
    assert [line[:20] for line in a.warnings] == [line[:20] for line in b.warnings]


@pytest.mark.parametrize("target", ["past", "present", "next_period"])
def test_every_result_names_its_target(target: Target) -> None:
    log = drifting_log(still, 3, 30, 1)
    for found in (
        past_average(**log.basic, time=log.time, target=target),
        sliding_window(**log.basic, time=log.time, width=1.0, target=target),
        discounted(**log.basic, time=log.time, half_life=1.0, target=target),
    ):
        assert f"target {target} (delta)" in found.method


def _log() -> Log:
    return drifting_log(still, 3, 30, 1)


def _changed(**changes: Any) -> dict[str, Any]:
    log = _log()
    return {**log.basic, "time": log.time, "width": 1.0, **changes}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"width": 0.0}, "width is 0.0; it must be above 0"),
        ({"now": -5.0}, "no round has -6 < time <= -5; times run from 0"),
        ({"target": "future"}, "target is 'future'"),
        ({"estimator": "snip"}, "did you mean 'snips'"),
        ({"estimator": "dr"}, "dr needs q_action, which was not given"),
        ({"level": 1.0}, "level is 1"),
        ({"pscore": np.zeros(90)}, r"pscore\[0\] is 0"),
        ({"target_pscore": np.full(90, 1.5)}, r"target_pscore\[0\] is 1.5"),
        ({"reward": np.full(90, np.nan)}, r"reward\[0\] is nan"),
        ({"time": np.zeros(3)}, "time has 3 rows"),
        ({"cluster": np.zeros(3, dtype=np.int64)}, "cluster has 3 rows"),
    ],
)
def test_bad_input_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sliding_window(**_changed(**changes))


def test_half_life_empty_pasts_and_targets_without_support_are_refused() -> None:
    log = _log()
    with pytest.raises(InputError, match="the target policy takes no logged action"):
        past_average(reward=log.reward, pscore=log.pscore, target_pscore=np.zeros(90), time=log.time)
    with pytest.raises(InputError, match="half_life is -1"):
        discounted(**log.basic, time=log.time, half_life=-1.0)
    with pytest.raises(InputError, match="no round has time <= -1"):
        discounted(**log.basic, time=log.time, half_life=1.0, now=-1.0)


def _few(log: Log) -> Any:
    return sliding_window(**log.basic, time=log.time, width=0.3)


def _one_user(log: Log) -> Any:
    return past_average(**log.basic, time=log.time, cluster=np.zeros(90, dtype=np.int64))


def _off(log: Log) -> Any:
    return past_average(reward=log.reward, pscore=log.pscore, target_pscore=log.target_pscore / 2, time=log.time)


def _unsupported(log: Log) -> Any:
    """Within the window."""
    target = np.where(log.time < 2.0, log.target_pscore, 0.0)
    return sliding_window(reward=log.reward, pscore=log.pscore, target_pscore=target, time=log.time, width=0.5)


@pytest.mark.parametrize(
    "call, message",
    [
        (_few, "effective sample size"),
        (_one_user, "units: 1 of clusters"),
        (_off, "mean weight: 0.5"),
        (_unsupported, "takes none of the"),
    ],
)
def test_what_speaks_against_a_number_is_said(call: Callable[[Log], Any], message: str) -> None:
    assert any(message in line for line in call(_log()).warnings)
