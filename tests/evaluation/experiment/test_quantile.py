"""Quantile effects: numpy's quantiles, the error of their density, clusters, and what is warned of."""

import numpy as np
import pytest

from driftline.evaluation.experiment import quantile


def test_quantiles_are_numpys_and_their_error_is_that_of_the_density() -> None:
    """Normal values: the error of a quantile is sqrt(q (1 - q) / n) / density; 4 standard errors of 300 repeats."""
    from scipy import stats

    rng, n, repeats = np.random.default_rng(9), 4000, 300
    arm = np.arange(n) % 2
    for q in (0.5, 0.9):
        exact = np.sqrt(2 * q * (1 - q) / (n / 2)) / stats.norm.pdf(stats.norm.ppf(q))
        errors = np.empty(repeats)
        for k in range(repeats):
            value = rng.normal(0, 1, n)
            found = quantile(value=value, arm=arm, q=q)
            errors[k] = found.std_error
        assert found.value == np.quantile(value[arm == 1], q) - np.quantile(value[arm == 0], q)
        assert abs(errors.mean() / exact - 1.0) < 0.02


@pytest.mark.parametrize("clustered", [False, True])
def test_quantile_intervals_hold_the_truth_as_often_as_they_say(clustered: bool) -> None:
    rng, repeats, held = np.random.default_rng(11), 1000, 0
    user = np.repeat(np.arange(200), 5)
    arm = user % 2
    for _ in range(repeats):
        common = np.repeat(rng.normal(0, 1, 200), 5) if clustered else 0.0
        value = np.exp(common + rng.normal(0, 1, 1000)) * np.where(arm == 1, 1.5, 1.0)
        found = quantile(value=value, arm=arm, cluster=user if clustered else None)
        held += found.low <= 0.5 <= found.high
    assert found.n == (200 if clustered else 1000)
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_clusters_of_one_are_no_clusters() -> None:
    rng = np.random.default_rng(1)
    value, arm = rng.normal(0, 1, 1000), np.arange(1000) % 2
    alone, plain = quantile(value=value, arm=arm, cluster=np.arange(1000)), quantile(value=value, arm=arm)
    assert alone.std_error == pytest.approx(plain.std_error, rel=0.03)


def test_quantiles_of_discrete_values_and_far_quantiles_warn() -> None:
    rng, arm = np.random.default_rng(1), np.arange(200) % 2
    assert any("tie" in each for each in quantile(value=rng.poisson(1, 200), arm=arm).warnings)
    assert any("too few values beyond" in w for w in quantile(value=rng.normal(0, 1, 200), arm=arm, q=0.99).warnings)
    assert quantile(value=rng.normal(0, 1, 200), arm=arm).warnings == ()
