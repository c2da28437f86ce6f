from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from driftline.evaluation.bootstrap import resampled_sums
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.weights import weight_warnings
from driftline.evaluation.slate_off_policy import cascade_dr, iips, pseudo_inverse, rips, sips, sniips, snrips, snsips
from driftline.sim.types import Floats


def _slates(n: int, seed: int, spread: float = 0.5) -> dict[str, Floats]:
    """Two positions, two items each, drawn independently; a click is likelier for item 1."""
    rng = np.random.default_rng(seed)
    logged, target = 0.5, 0.5 + spread / 2
    item = rng.random((n, 2)) < logged
    reward = (rng.random((n, 2)) < 0.3 + 0.4 * item).astype(np.float64)
    weight = np.where(item, target, 1 - target)
    return {"reward": reward, "pscore": np.full((n, 2), logged), "target": weight}


TRUTH = 2 * (0.75 * 0.7 + 0.25 * 0.3)


def test_the_normal_interval_of_a_mean_is_the_textbooks() -> None:
    log = _slates(300, 1)
    found = iips(
        reward=log["reward"], pscore_item_position=log["pscore"], target_pscore_item_position=log["target"], level=0.9
    )
    terms = (log["reward"] * log["target"] / log["pscore"]).sum(axis=1)
    error = stats.sem(terms)
    assert found.value == pytest.approx(terms.mean(), abs=1e-12)
    assert found.std_error == pytest.approx(error, abs=1e-12)
    low, high = stats.norm.interval(0.9, terms.mean(), error)
    assert np.allclose([found.low, found.high], [low, high], atol=1e-9)
    assert (found.n, found.method) == (300, "iips (normal)")


def test_clusters_give_statsmodels_cluster_robust_error() -> None:
    log, user = _slates(300, 2), np.random.default_rng(3).integers(0, 40, 300)
    whole, target = log["pscore"].prod(axis=1), log["target"].prod(axis=1)
    terms = log["reward"].sum(axis=1) * target / whole
    fit = sm.OLS(terms, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": user})
    found = sips(reward=log["reward"], pscore=whole, target_pscore=target, cluster=user)
    assert found.std_error == pytest.approx(float(fit.bse[0]), abs=1e-9)
    assert (found.n, found.method) == (len(np.unique(user)), "sips (normal, clustered)")
    # a self-normalised estimate is a weighted regression on a constant, its delta error the sandwich's
    weighted = sm.WLS(log["reward"].sum(axis=1), np.ones(300), weights=target / whole)
    fit = weighted.fit(cov_type="cluster", cov_kwds={"groups": user})
    own = snsips(reward=log["reward"], pscore=whole, target_pscore=target, cluster=user)
    assert own.value == pytest.approx(float(fit.params[0]), abs=1e-9)
    assert own.std_error == pytest.approx(float(fit.bse[0]), abs=1e-9)


def test_clusters_of_one_slate_change_nothing() -> None:
    log = _slates(50, 4)
    alone = snrips(
        reward=log["reward"], pscore_cascade=log["pscore"], target_pscore_cascade=log["target"].cumprod(1) / 2
    )
    named = snrips(
        reward=log["reward"],
        pscore_cascade=log["pscore"],
        target_pscore_cascade=log["target"].cumprod(1) / 2,
        cluster=np.arange(50) * 7,
    )
    assert named.std_error == pytest.approx(alone.std_error, abs=1e-12)


def test_the_delta_error_of_a_sum_of_ratios_is_its_numerical_derivative() -> None:
    """Infinitesimal jackknife: the error is that of the value's derivative by each slate's count."""
    log, step = _slates(60, 5), 1e-6
    weight = log["target"] / log["pscore"]

    def value(count: Floats) -> float:
        above = (count[:, None] * weight * log["reward"]).sum(axis=0)
        return float((above / (count[:, None] * weight).sum(axis=0)).sum())

    ups = [value(np.ones(60) + step * np.eye(60)[i]) - value(np.ones(60) - step * np.eye(60)[i]) for i in range(60)]
    slope = np.array(ups) / (2 * step)
    found = sniips(reward=log["reward"], pscore_item_position=log["pscore"], target_pscore_item_position=log["target"])
    assert found.std_error == pytest.approx(float(np.sqrt((slope**2).sum() * 60 / 59)), abs=1e-7)


@pytest.mark.parametrize("estimator", [iips, sniips])
def test_the_bootstrap_agrees_with_the_delta_method(estimator: Callable[..., Estimate]) -> None:
    log = _slates(5000, 6)
    both = [
        estimator(
            reward=log["reward"],
            pscore_item_position=log["pscore"],
            target_pscore_item_position=log["target"],
            interval=interval,
        )
        for interval in ("normal", "bootstrap")
    ]
    assert both[0].value == both[1].value
    # 1,000 replicates: the error of a standard error is 1 / sqrt(2,000) of it, of a percentile about three times that
    assert abs(both[1].std_error / both[0].std_error - 1) < 4 / np.sqrt(2000)
    for limit in ("low", "high"):
        assert abs(getattr(both[1], limit) - getattr(both[0], limit)) < 4 * 3 / np.sqrt(2000) * both[0].std_error


def test_the_bootstrap_is_percentiles_of_recomputed_ratios_widened_for_few_units() -> None:
    log = _slates(8, 9)
    weight = log["target"] / log["pscore"]
    counts = resampled_sums(list(np.eye(8)), None, 5, 400)
    value = float(sum(np.average(log["reward"], axis=0, weights=weight)))
    drawn = np.array(
        [sum(np.average(log["reward"], axis=0, weights=weight * count[:, None])) for count in counts if count.any()]
    )
    widened = value + (drawn - value) * np.sqrt(8 / 7)
    found = sniips(
        reward=log["reward"],
        pscore_item_position=log["pscore"],
        target_pscore_item_position=log["target"],
        interval="bootstrap",
        level=0.8,
        seed=5,
        replicates=400,
    )
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.std_error == pytest.approx(widened.std(), abs=1e-12)
    assert np.allclose([found.low, found.high], np.percentile(widened, [10, 90]), atol=1e-12)


def test_the_bootstrap_draws_whole_clusters() -> None:
    log = _slates(400, 7)
    # every slate ten times: as ten slates of one user the interval stays, as strangers it would shrink
    rows = np.repeat(np.arange(400), 10)
    asked: dict[str, Any] = {"pscore_item_position": log["pscore"], "target_pscore_item_position": log["target"]}
    once = sniips(reward=log["reward"], **asked, interval="bootstrap")
    users = sniips(
        reward=log["reward"][rows], **{k: v[rows] for k, v in asked.items()}, interval="bootstrap", cluster=rows
    )
    strangers = sniips(reward=log["reward"][rows], **{k: v[rows] for k, v in asked.items()}, interval="bootstrap")
    assert users.std_error == pytest.approx(once.std_error, rel=1e-9)
    assert strangers.std_error < 0.5 * users.std_error


def _estimate(name: str, log: dict[str, Floats]) -> Estimate:
    """Any estimator on the same slates, whose positions are independent: all propensities follow."""
    logged, target, reward = log["pscore"], log["target"], log["reward"]
    if name in ("sips", "snsips"):
        whole = sips if name == "sips" else snsips
        return whole(reward=reward, pscore=logged.prod(axis=1), target_pscore=target.prod(axis=1))
    marginal: dict[str, Any] = {"pscore_item_position": logged, "target_pscore_item_position": target}
    for each in (iips, sniips, pseudo_inverse):
        if each.__name__ == name:
            return each(reward=reward, **marginal)
    cascade: dict[str, Any] = {
        "pscore_cascade": logged.cumprod(axis=1),
        "target_pscore_cascade": target.cumprod(axis=1),
    }
    if name == "cascade_dr":
        q = np.full(reward.shape, 0.4)
        return cascade_dr(reward=reward, **cascade, q_hat_factual=q, q_expected=q)
    return {"rips": rips, "snrips": snrips}[name](reward=reward, **cascade)


@pytest.mark.parametrize("name", ["iips", "sniips", "rips", "snrips", "sips", "snsips", "pseudo_inverse", "cascade_dr"])
def test_intervals_hold_the_truth_as_often_as_they_say(name: str) -> None:
    repeats, held = 400, 0
    for k in range(repeats):
        log = _slates(400, 1000 + k)
        found = _estimate(name, log)
        assert found.warnings == () or "mean weight" in found.warnings[0]
        held += found.low <= TRUTH <= found.high
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_the_bootstrap_interval_holds_the_truth_as_often_as_it_says() -> None:
    repeats, held = 120, 0
    for k in range(repeats):
        log = _slates(200, 5000 + k)
        found = snsips(
            reward=log["reward"],
            pscore=log["pscore"].prod(axis=1),
            target_pscore=log["target"].prod(axis=1),
            interval="bootstrap",
            seed=k,
        )
        held += found.low <= TRUTH <= found.high
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_right_propensities_hardly_ever_look_wrong() -> None:
    alarms = 0
    for seed in range(500):
        weight = np.random.default_rng(seed).choice([0.5, 1.5], size=(200, 8))
        alarms += any("mean weight" in each for each in weight_warnings(weight))
    # two-sided three standard errors, Bonferroni: 0.27 % for all positions together, at most
    assert alarms <= 500 * 0.0027 + 4 * np.sqrt(500 * 0.0027)
