"""Several logging policies: a peer's values, exact expectations, calibrated errors."""

from typing import Any

import numpy as np
import pytest

from driftline.evaluation.off_policy import (
    balanced_multi_ips,
    ips,
    mixture_pscore,
    naive_multi_ips,
    snips,
    weighted_multi_ips,
)
from driftline.sim.errors import InputError

ALL: tuple[Any, ...] = (naive_multi_ips, balanced_multi_ips, weighted_multi_ips)
LOGGING = np.array([[[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]], [[0.1, 0.3, 0.6], [0.05, 0.05, 0.9]]])
"""pi_k(a | x) [loggers, contexts, actions]."""
TARGET = np.array([[0.1, 0.2, 0.7], [0.2, 0.2, 0.6]])
CONTEXT = np.array([0.5, 0.5])
WORTH = np.array([[0.2, 0.5, 0.8], [0.9, 0.4, 0.5]])
TRUTH = float((CONTEXT[:, None] * TARGET * WORTH).sum())


def peer_log() -> dict[str, Any]:
    def uniform(seed: int, *shape: int) -> np.ndarray:
        return np.random.default_rng(seed).random(shape)

    n, actions, loggers = 300, 4, 3
    logger = (uniform(1, n) * loggers).astype(int)
    policies = uniform(2, loggers, n, actions) ** 2 + 0.05
    policies /= policies.sum(axis=2, keepdims=True)
    target = uniform(3, n, actions) ** 3 + 0.02
    target /= target.sum(axis=1, keepdims=True)
    rows = np.arange(n)
    action = np.minimum((policies[logger, rows].cumsum(axis=1) < uniform(4, n, 1)).sum(axis=1), actions - 1)
    return {
        "reward": np.round(uniform(5, n) * (1 + action) / actions, 3),
        "logger": logger,
        "pscore": policies[:, rows, action].T,
        "target_pscore": target[rows, action],
    }


LOG = peer_log()
OWN = LOG["pscore"][np.arange(300), LOG["logger"]]


def drawn(n: int, seed: int) -> dict[str, Any]:
    """A third of the rounds by the logger far from the target policy."""
    rng = np.random.default_rng(seed)
    logger = (np.arange(n) >= n // 3).astype(int)
    context = (rng.random(n) < CONTEXT[1]).astype(int)
    action = (LOGGING[logger, context].cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return {
        "reward": (rng.random(n) < WORTH[context, action]).astype(float),
        "logger": logger,
        "pscore": LOGGING[:, context, action].T,
        "target_pscore": TARGET[context, action],
    }


def test_values_are_those_of_the_peer() -> None:
    """sb-obp 0.5.10, `MultiLoggers{Naive,Balanced,Weighted}InverseProbabilityWeighting`."""
    assert naive_multi_ips(**LOG).value == pytest.approx(0.31698861531239686, rel=1e-12)
    assert balanced_multi_ips(**LOG).value == pytest.approx(0.330640919667986, rel=1e-12)
    assert weighted_multi_ips(**LOG).value == pytest.approx(0.3079867557551274, rel=1e-12)


def test_errors_take_each_loggers_own_mean() -> None:
    for estimate, weight in (
        (naive_multi_ips, LOG["target_pscore"] / OWN),
        (balanced_multi_ips, LOG["target_pscore"] / mixture_pscore(logger=LOG["logger"], pscore=LOG["pscore"])),
    ):
        parts = [(weight * LOG["reward"])[LOG["logger"] == k] for k in range(3)]
        variance = sum((len(each) / 300) ** 2 * each.var(ddof=1) / len(each) for each in parts)
        found = estimate(**LOG)
        assert found.std_error == pytest.approx(np.sqrt(variance), rel=1e-9)
        assert found.high == pytest.approx(found.value + 1.959963984540054 * np.sqrt(variance), rel=1e-9)
    parts = [(LOG["target_pscore"] / OWN * LOG["reward"])[LOG["logger"] == k] for k in range(3)]
    precision = np.array([len(each) / each.var() for each in parts])
    share = precision / precision.sum()
    variance = sum(s**2 * each.var(ddof=1) / len(each) for s, each in zip(share, parts, strict=True))
    assert weighted_multi_ips(**LOG).std_error == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_clusters_may_reach_over_loggers() -> None:
    user = np.arange(300) % 40
    weighted = LOG["target_pscore"] / OWN * LOG["reward"]
    mean = np.array([weighted[LOG["logger"] == k].mean() for k in range(3)])
    sums = np.bincount(user, weighted - mean[LOG["logger"]])
    found = naive_multi_ips(**LOG, cluster=user)
    assert found.n == 40
    assert found.std_error == pytest.approx(np.sqrt((sums**2).sum() * 40 / 39) / 300, rel=1e-9)
    assert found.method == "naive_multi_ips (delta, clustered)"


@pytest.mark.parametrize("estimate", ALL)
@pytest.mark.parametrize("interval", ["normal", "bootstrap"])
def test_a_single_logger_is_ips(estimate: Any, interval: Any) -> None:
    one: dict[str, Any] = {"reward": LOG["reward"], "target_pscore": LOG["target_pscore"]}
    asked: dict[str, Any] = {"interval": interval, "replicates": 100, "seed": 3}
    found = estimate(**one, logger=np.zeros(300, dtype=int), pscore=OWN[:, None], **asked)
    plain = ips(**one, pscore=OWN, **asked)
    for name in ("value", "std_error", "low", "high", "n", "warnings"):
        assert getattr(found, name) == (
            plain.warnings if name == "warnings" else pytest.approx(getattr(plain, name), rel=1e-9)
        )


def test_the_mixture_goes_into_any_estimator() -> None:
    mixture = mixture_pscore(logger=LOG["logger"], pscore=LOG["pscore"])
    share = np.bincount(LOG["logger"]) / 300
    assert mixture == pytest.approx(sum(share[k] * LOG["pscore"][:, k] for k in range(3)), rel=1e-12)
    arrays: dict[str, Any] = {"reward": LOG["reward"], "target_pscore": LOG["target_pscore"], "pscore": mixture}
    assert ips(**arrays).value == pytest.approx(balanced_multi_ips(**LOG).value, rel=1e-12)
    assert 0 < snips(**arrays).value < 1


def test_the_balanced_form_is_unbiased_by_enumeration() -> None:
    """Every (logger, context, action) once, weighed by its probability in a log with 1 and 3 of 4 rounds."""
    share = np.array([0.25, 0.75])
    mixture = np.einsum("k,kxa->xa", share, LOGGING)
    probability = share[:, None, None] * CONTEXT[None, :, None] * LOGGING
    assert (probability * TARGET / mixture * WORTH).sum() == pytest.approx(TRUTH, rel=1e-12)
    # and that mixture is the one that is used
    logger, pscore = np.repeat([0, 1, 1, 1], 2), np.tile([[0.2, 0.6]], (8, 1))
    assert mixture_pscore(logger=logger, pscore=pscore) == pytest.approx(np.full(8, 0.25 * 0.2 + 0.75 * 0.6))


def test_they_are_unbiased_and_say_how_sure_they_are() -> None:
    runs = [drawn(300, seed) for seed in range(1500)]
    spread = {}
    for estimate in ALL:
        found = [estimate(**run) for run in runs]
        values = np.array([one.value for one in found])
        name = estimate.__name__
        spread[name] = values.std(ddof=1)
        if estimate is not weighted_multi_ips:
            assert abs(values.mean() - TRUTH) < 4 * spread[name] / np.sqrt(1500), name
        told = np.sqrt(np.mean([one.std_error**2 for one in found]))
        assert told == pytest.approx(spread[name], rel=0.08), name
    assert spread["balanced_multi_ips"] < 0.75 * spread["naive_multi_ips"]
    assert spread["weighted_multi_ips"] < 0.9 * spread["naive_multi_ips"]


def test_estimated_precision_counts_small_rewards_too_much() -> None:
    """The value falls short, by more than chance, but by less than its error: 1,500 logs of 300 rounds."""
    values = np.array([weighted_multi_ips(**drawn(300, seed)).value for seed in range(1500)])
    bias, error = values.mean() - TRUTH, values.std(ddof=1)
    assert -0.5 * error < bias < -4 * error / np.sqrt(1500)


@pytest.mark.parametrize("estimate", ALL)
def test_bootstrap_and_delta_method_agree(estimate: Any) -> None:
    log = drawn(1500, 4)
    by_delta, by_draws = estimate(**log), estimate(**log, interval="bootstrap")
    assert by_draws.value == by_delta.value
    assert by_draws.std_error == pytest.approx(by_delta.std_error, rel=0.1)
    assert by_draws.low == pytest.approx(by_delta.low, abs=0.4 * by_delta.std_error)
    again = estimate(**log, interval="bootstrap")
    assert again == by_draws


def test_the_acting_loggers_propensity_is_enough_for_two_of_them() -> None:
    own = {**LOG, "pscore": OWN}
    assert naive_multi_ips(**own) == naive_multi_ips(**LOG)
    assert weighted_multi_ips(**own) == weighted_multi_ips(**LOG)
    with pytest.raises(InputError, match=r"pscore has shape \(300,\); must be \[300, loggers\]"):
        balanced_multi_ips(**own)


def test_support_by_one_logger_is_enough_for_the_mixture() -> None:
    """The other never takes the target's action; naive weights know nothing of it and say so."""
    pscore = np.array([[1.0, 0.5]] * 100 + [[1.0, 0.5]] * 50 + [[0.0, 0.5]] * 50)
    log: dict[str, Any] = {
        "reward": np.repeat([0.0, 0.0, 1.0], [100, 50, 50]),
        "logger": np.repeat([0, 1], 100),
        "pscore": pscore,
        "target_pscore": np.repeat([0.0, 0.0, 1.0], [100, 50, 50]),
    }
    assert balanced_multi_ips(**log).value == pytest.approx(1.0)
    naive = naive_multi_ips(**log)
    assert naive.value == pytest.approx(0.5)
    assert any(line.startswith("mean weight: 0.5") for line in naive.warnings)


def test_bad_logs_are_refused() -> None:
    # the peer divides by this variance of 0 and gives NaN
    flat = {**LOG, "reward": np.where(LOG["logger"] == 1, 0.0, LOG["reward"])}
    with pytest.raises(InputError, match="logger 1: weighted rewards are the same in all its rounds"):
        weighted_multi_ips(**flat)
    assert np.isfinite(balanced_multi_ips(**flat).value)
    wrong = LOG["pscore"].copy()
    wrong[7, LOG["logger"][7]] = 0.0
    for call in (*ALL, lambda **log: mixture_pscore(logger=log["logger"], pscore=log["pscore"])):
        with pytest.raises(InputError, match=rf"pscore\[7, {LOG['logger'][7]}\] is 0, but logger"):
            call(**{**LOG, "pscore": wrong})
    wrong[7, LOG["logger"][7]] = 1.5
    with pytest.raises(InputError, match=r"pscore\[:, \d\]\[7\] is 1\.5"):
        balanced_multi_ips(**{**LOG, "pscore": wrong})
    with pytest.raises(InputError, match=r"logger\[0\] is 3; must be at least 0 and below 3"):
        naive_multi_ips(**{**LOG, "logger": np.full(300, 3)})
    with pytest.raises(InputError, match="logger 2 has 1 round; at least 2 are needed"):
        balanced_multi_ips(**{**LOG, "logger": np.repeat([0, 1, 2], [150, 149, 1])})
    with pytest.raises(InputError, match="interval 'anytime' does not exist for balanced_multi_ips"):
        balanced_multi_ips(**LOG, interval="anytime")
