from math import inf

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from driftline.evaluation.estimate import (
    normal_reach,
    paired_t,
    smallest_difference,
    stratified_t,
    t_interval,
    t_quantile,
    unvaried,
    wilson,
)
from driftline.evaluation.experiment._levels import critical, t_tail
from driftline.sim.errors import InputError


def test_t_interval_agrees_with_scipy() -> None:
    values = np.array([0.31, 0.28, 0.44, 0.35])
    found = t_interval(values)
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert np.allclose([found.low, found.high], [low, high])
    paired = paired_t(values, values[::-1])
    assert paired.value == pytest.approx(0.0, abs=1e-15)
    assert np.isnan(t_interval(values[:1]).low)


def test_the_mean_of_two_groups_agrees_with_welch_in_scipy() -> None:
    one, two = np.array([0.3, 0.1, 0.9, 0.4]), np.array([2.0, 5.0, 1.0, 4.0, 3.5, 2.2])
    found = stratified_t([t_interval(one), t_interval(two)])
    wanted = stats.ttest_ind(one, -two, equal_var=False)  # one + two = one - (-two)
    limits = wanted.confidence_interval()
    assert (found.low, found.high) == pytest.approx((limits.low / 2, limits.high / 2), rel=1e-12)
    assert found.value == pytest.approx((one.mean() + two.mean()) / 2, rel=1e-15)
    assert found.n == 10
    alone, plain = stratified_t([t_interval(one)]), t_interval(one)
    assert (alone.low, alone.high) == pytest.approx((plain.low, plain.high), rel=1e-12)
    assert np.isnan(stratified_t([t_interval(one[:1]), t_interval(two)]).low)
    alike = stratified_t([t_interval(np.ones(3)), t_interval(np.ones(3))])
    assert (alike.low, alike.high) == (1.0, 1.0)


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


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (1, 10), (40, 90), (12, 12)])
def test_wilsons_interval_is_that_of_statsmodels(hits: int, n: int) -> None:
    for level in (0.8, 0.95, 0.999):
        expected = proportion_confint(hits, n, alpha=1.0 - level, method="wilson")
        assert wilson(hits, n, level) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [2, 30, 100_000])
def test_values_that_do_not_vary_have_the_exact_limits_of_no_hits(n: int) -> None:
    """Clopper-Pearson, one-sided where all lie at a bound, on both sides where they lie between."""
    beyond = stats.binomtest(0, n, alternative="less").proportion_ci(0.95).high
    assert unvaried(0.0, n, (0.0, 1.0)) == pytest.approx((0.0, beyond), rel=1e-9)
    assert unvaried(1.0, n, (-1.0, 1.0)) == pytest.approx((1.0 - 2.0 * beyond, 1.0), rel=1e-9)
    low, high = unvaried(2.0, n, (0.0, 8.0))
    assert (low, high) == pytest.approx((2.0 - 2.0 * beyond, 2.0 + 6.0 * beyond), rel=1e-9)


def test_limits_of_unvaried_values_hold_in_the_worst_case_exactly_as_often_as_they_say() -> None:
    """The rate at which the limit is just reached: all n agree in 5 % of the samples."""
    _, rate = unvaried(0.0, 50, (0.0, 1.0))
    assert (1.0 - rate) ** 50 == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize(("at", "bounds"), [(2.0, (0.0, 1.0)), (0.5, (1.0, 0.0))])
def test_values_outside_their_bounds_are_refused(at: float, bounds: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="the first must be below the second, and values between"):
        unvaried(at, 10, bounds)
