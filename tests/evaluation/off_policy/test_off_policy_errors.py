"""Standard errors against statsmodels and closed forms."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from peer_log import LAMBDAS, peer_log
from scipy import stats

from driftline.evaluation.off_policy import (
    Rounds,
    dm,
    dr,
    dros,
    estimate_all,
    ips,
    mips,
    replay,
    sndr,
    snips,
    switch_dr,
)
from driftline.evaluation.off_policy.estimators._base import ESTIMATORS, built

LOG = peer_log()
ROUNDS = LOG.rounds
N = len(ROUNDS)
USER = np.random.default_rng(0).integers(0, 60, N)
VECTORS = ("reward", "pscore", "target_pscore", "q_action", "q_expected")


def arrays_of(*names: str) -> dict[str, Any]:
    return {name: ROUNDS.need(name, "test") for name in names}


def with_users() -> Rounds:
    return Rounds(**arrays_of(*VECTORS), cluster=USER)


def test_plain_means_have_the_standard_error_of_a_mean() -> None:
    for found, values in (
        (estimate_all(ROUNDS, methods=["ips"])["ips"], ROUNDS.weighted_reward),
        (estimate_all(ROUNDS, methods=["dr"])["dr"], ROUNDS.need("q_expected", "") + ROUNDS.weighted_residual),
        (estimate_all(ROUNDS, methods=["dm"])["dm"], ROUNDS.need("q_expected", "")),
    ):
        assert found.std_error == pytest.approx(stats.sem(values), rel=1e-12)
        low, high = stats.norm.interval(0.95, values.mean(), stats.sem(values))
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
        assert found.n == N


def test_the_self_normalised_error_is_that_of_a_weighted_regression_on_a_constant() -> None:
    fit = sm.WLS(ROUNDS.reward, np.ones(N), weights=ROUNDS.weight).fit(cov_type="HC1")
    found = snips(
        reward=ROUNDS.reward, pscore=ROUNDS.need("pscore", ""), target_pscore=ROUNDS.need("target_pscore", "")
    )
    assert found.value == pytest.approx(fit.params[0], rel=1e-12)
    assert found.std_error == pytest.approx(fit.bse[0], rel=1e-9)


def test_clustered_errors_are_those_of_statsmodels() -> None:
    found = estimate_all(with_users(), methods=["ips", "snips"])
    # its small-sample factor is G / (G - 1) times (n - 1) / (n - 1) for one coefficient
    fit = sm.WLS(ROUNDS.reward, np.ones(N), weights=ROUNDS.weight).fit(cov_type="cluster", cov_kwds={"groups": USER})
    assert found["snips"].std_error == pytest.approx(fit.bse[0], rel=1e-9)
    plain = sm.OLS(ROUNDS.weighted_reward, np.ones(N)).fit(cov_type="cluster", cov_kwds={"groups": USER})
    assert found["ips"].std_error == pytest.approx(plain.bse[0], rel=1e-9)
    groups = len(np.unique(USER))
    assert found["ips"].n == groups
    reach = stats.t.ppf(0.975, groups - 1) * found["ips"].std_error
    assert found["ips"].high == pytest.approx(found["ips"].value + reach, rel=1e-12)


def test_clusters_of_one_round_change_only_the_quantile() -> None:
    alone = Rounds(**arrays_of(*VECTORS), cluster=np.arange(N)[::-1].copy())
    for name, found in estimate_all(alone, lambdas=LAMBDAS).items():
        plain = estimate_all(ROUNDS, lambdas=LAMBDAS)[name]
        assert found.std_error == pytest.approx(plain.std_error, rel=1e-9)
        assert found.value == plain.value


def test_repeating_every_round_of_a_user_leaves_the_clustered_error_alone() -> None:
    twice = Rounds(
        **{name: np.repeat(array, 3) for name, array in arrays_of(*VECTORS).items()}, cluster=np.repeat(np.arange(N), 3)
    )
    once = Rounds(**arrays_of(*VECTORS), cluster=np.arange(N))
    for name, found in estimate_all(twice).items():
        assert found.std_error == pytest.approx(estimate_all(once)[name].std_error, rel=1e-9)


def test_replay_has_the_error_of_the_rounds_that_match() -> None:
    target = LOG.deterministic[np.arange(N), LOG.action]
    matched = LOG.reward[target == 1]
    found = replay(reward=LOG.reward, target_pscore=target)
    assert found.value == pytest.approx(matched.mean(), rel=1e-12)
    assert found.std_error == pytest.approx(stats.sem(matched), rel=1e-12)
    assert found.n == len(matched)


@pytest.mark.parametrize("method", [name for name in ESTIMATORS.names() if name not in ("replay", "mips", "offcem")])
def test_the_influence_is_the_derivative_of_the_value(method: str) -> None:
    """Numerically: one round counts a little more, and the value moves by psi / n."""
    one = built(method, LAMBDAS.get(method)).terms(ROUNDS)
    psi = one.influence()
    step = 1e-6

    def value(weights: np.ndarray) -> float:
        base = 0.0 if one.base is None else np.average(one.base, weights=weights)
        if one.top is None:
            return float(base)
        bottom = weights.sum() if one.bottom is None else (weights * one.bottom).sum()
        return float(base + (weights * one.top).sum() / bottom)

    for i in (0, 17, N - 1):
        more, less = np.ones(N), np.ones(N)
        more[i] += step
        less[i] -= step
        assert (value(more) - value(less)) / (2 * step) == pytest.approx(psi[i] / N, abs=1e-9)
    assert psi.sum() == pytest.approx(0.0, abs=1e-9)


def test_a_weight_equal_to_lambda_is_not_switched_off() -> None:
    arrays: dict[str, Any] = {"reward": np.array([1.0, 0.0]), "pscore": np.full(2, 0.5), "target_pscore": np.ones(2)}
    model: dict[str, Any] = {"q_action": np.zeros(2), "q_expected": np.zeros(2)}
    assert switch_dr(**arrays, **model, lambda_=2.0).value == 1.0
    assert switch_dr(**arrays, **model, lambda_=1.99).value == 0.0


def test_estimating_together_is_estimating_alone() -> None:
    together = estimate_all(ROUNDS, interval="bootstrap", replicates=50, seed=3)
    arrays, weighted = arrays_of(*VECTORS), arrays_of("reward", "pscore", "target_pscore")
    alone = {
        "dm": dm(**arrays, interval="bootstrap", replicates=50, seed=3),
        "ips": ips(**weighted, interval="bootstrap", replicates=50, seed=3),
        "snips": snips(**weighted, interval="bootstrap", replicates=50, seed=3),
        "dr": dr(**arrays, interval="bootstrap", replicates=50, seed=3),
        "sndr": sndr(**arrays, interval="bootstrap", replicates=50, seed=3),
    }
    for name, found in alone.items():
        assert (found.value, found.low, found.high) == (together[name].value, together[name].low, together[name].high)
    assert set(together) == set(alone)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 60), st.integers(0, 10_000), st.floats(0.1, 10.0), st.floats(-5.0, 5.0))
def test_what_must_not_change_an_estimate(n: int, seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    reward, pscore, target = rng.random(n), rng.uniform(0.2, 1, n), rng.uniform(0.01, 1, n)
    q, expected = rng.random(n), rng.random(n)
    arrays: dict[str, Any] = {"reward": reward, "pscore": pscore, "target_pscore": target}
    order = rng.permutation(n)
    plain = snips(**arrays)
    shuffled = snips(**{name: array[order] for name, array in arrays.items()})
    assert shuffled.value == pytest.approx(plain.value, rel=1e-9)
    assert shuffled.std_error == pytest.approx(plain.std_error, rel=1e-6, abs=1e-12)
    # a constant shift of rewards moves a self-normalised value by just that; a wrong scale of propensities by nothing
    assert snips(**(arrays | {"reward": reward + shift})).value == pytest.approx(plain.value + shift, abs=1e-9)
    scaled = snips(**(arrays | {"target_pscore": target * min(1.0, scale)}))
    assert scaled.value == pytest.approx(plain.value, rel=1e-9)
    assert scaled.std_error == pytest.approx(plain.std_error, rel=1e-6, abs=1e-12)
    modelled: dict[str, Any] = {**arrays, "q_action": q, "q_expected": expected}
    assert dros(**modelled, lambda_=0.0).value == pytest.approx(dm(q_expected=expected).value, abs=1e-12)
    zero: dict[str, Any] = {**arrays, "q_action": np.zeros(n), "q_expected": np.zeros(n)}
    assert dr(**zero).value == pytest.approx(ips(**arrays).value, abs=1e-12)
    assert sndr(**zero).value == pytest.approx(plain.value, abs=1e-12)
    assert mips(reward=reward, embedding_weight=target / pscore).value == pytest.approx(ips(**arrays).value, abs=1e-12)
