from math import inf

import numpy as np
import pytest
from scipy import stats

from driftline.evaluation.estimate import (
    normal_reach,
    paired_t,
    smallest_difference,
    t_interval,
    t_quantile,
)
from driftline.evaluation.experiment._levels import critical, t_tail


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
