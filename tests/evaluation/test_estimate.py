from math import inf

import numpy as np
import pytest
from scipy import stats

from driftline.evaluation.estimate import (
    bootstrap_ratio,
    normal_reach,
    paired_t,
    poisson_weights,
    smallest_difference,
    t_interval,
    t_quantile,
)
from driftline.evaluation.experiment._levels import critical, t_tail


def test_bootstrap_counts_are_poisson_with_mean_one() -> None:
    counts = poisson_weights(np.arange(500), seed=3, replicates=400).ravel()
    n = counts.size
    assert abs(counts.mean() - 1.0) < 4 / np.sqrt(n)
    for k, expected in enumerate(stats.poisson.pmf(np.arange(5), 1.0)):
        share = float(np.mean(counts == k))
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / n)


def test_a_further_user_changes_nobody_elses_bootstrap_counts() -> None:
    few, many = poisson_weights(np.array([7, 2**40]), 1), poisson_weights(np.array([7, 8, 2**40]), 1)
    assert np.array_equal(few, many[:, [0, 2]])
    assert not np.array_equal(poisson_weights(np.array([7, 2**40]), 2), few)


def test_bootstrap_interval_of_a_ratio_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    repeats, users, held = 400, 60, 0
    for k in range(repeats):
        count = (rng.poisson(20, users) + 1).astype(np.float64)
        total = count * rng.lognormal(0.0, 0.3, users) + rng.normal(0, 1, users) * np.sqrt(count)
        weights = poisson_weights(np.arange(users) + k * users, seed=k)
        found = bootstrap_ratio(total[None], count[None], weights).estimate(0)
        held += found.low <= np.exp(0.3**2 / 2) <= found.high
    error = np.sqrt(0.945 * 0.055 / repeats)
    assert abs(held / repeats - 0.945) < 4 * error


def test_bootstrap_standard_error_is_that_of_a_ratio_of_sums() -> None:
    rng = np.random.default_rng(2)
    users = 2000
    count = (rng.poisson(10, users) + 1).astype(np.float64)
    total = count * rng.normal(0.4, 0.3, users)
    found = bootstrap_ratio(total[None], count[None], poisson_weights(np.arange(users), 1, 2000)).estimate(0)
    ratio = total.sum() / count.sum()
    exact = np.sqrt(np.sum((total - ratio * count) ** 2)) / count.sum()
    assert found.value == ratio
    assert abs(found.std_error / exact - 1.0) < 4 / np.sqrt(2 * 2000)


def test_one_user_has_a_value_but_no_interval() -> None:
    found = bootstrap_ratio(np.array([[3.0]]), np.array([[2.0]]), poisson_weights(np.array([1]), 0)).estimate(0)
    assert found.value == 1.5
    assert found.n == 1
    assert np.isnan([found.low, found.high, found.std_error]).all()


def test_t_interval_agrees_with_scipy() -> None:
    values = np.array([0.31, 0.28, 0.44, 0.35])
    found = t_interval(values)
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert np.allclose([found.low, found.high], [low, high])
    paired = paired_t(values, values[::-1])
    assert paired.value == pytest.approx(0.0, abs=1e-15)
    assert np.isnan(t_interval(values[:1]).low)


@pytest.mark.parametrize("freedom", [1, 2.7, 30, 1e4, inf])
def test_quantiles_and_tails_agree_with_scipy(freedom: float) -> None:
    for share in (1e-9, 0.025, 0.5, 0.8, 0.975, 1 - 1e-9):
        assert t_quantile(share, freedom) == pytest.approx(float(stats.t.ppf(share, freedom)), rel=1e-12, abs=1e-12)
    for x in (-2.0, 0.0, 1.96, 12.0, 35.0):
        assert t_tail(x, freedom) == pytest.approx(float(stats.t.sf(x, freedom)), rel=1e-12, abs=0)
    for level in (0.5, 0.9, 0.999):
        assert critical(level, freedom) == pytest.approx(float(stats.t.ppf((1 + level) / 2, freedom)), rel=1e-12)
        assert normal_reach(3.0, level) == pytest.approx(3.0 * float(stats.norm.ppf((1 + level) / 2)), rel=1e-12)


def test_unequal_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="got 2 and 3"):
        paired_t(np.zeros(2), np.zeros(3))


def test_the_smallest_visible_difference_is_seen_four_times_in_five() -> None:
    n, sigma, repeats = 5, 1.0, 8000
    difference = smallest_difference(sigma / np.sqrt(n), n)
    samples = np.random.default_rng(4).normal(difference, sigma, (repeats, n))
    power = float(np.mean(stats.ttest_1samp(samples, 0.0, axis=1).pvalue < 0.05))
    assert abs(power - 0.8) < 4 * np.sqrt(0.16 / repeats)
    assert np.isnan(smallest_difference(1.0, 1))
