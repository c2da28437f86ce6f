"""Score intervals of shares: statsmodels' limits, and never a p-value that contradicts them."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from statsmodels.stats.proportion import confint_proportions_2indep

from driftline.evaluation.experiment import lift, proportions, proportions_lift

CASES = [(10, 100, 20, 100), (3, 3600, 5, 400), (72, 3600, 8, 400), (40, 50, 45, 60), (1, 30, 7, 35)]


def _sample(x_a: int, n_a: int, x_b: int, n_b: int) -> tuple[np.ndarray, np.ndarray]:
    value = np.concatenate([np.arange(n_a) < x_a, np.arange(n_b) < x_b]).astype(float)
    return value, np.repeat([0, 1], [n_a, n_b])


def _score(case: tuple[int, int, int, int], gap: float) -> float:
    """The z of a gap at the likeliest shares, found by the slope of the likelihood."""
    x_a, n_a, x_b, n_b = case

    def slope(p: float) -> float:
        q = p + gap
        return float(x_a / p - (n_a - x_a) / (1 - p) + x_b / q - (n_b - x_b) / (1 - q))

    p = brentq(slope, max(0.0, -gap) + 1e-14, min(1.0, 1.0 - gap) - 1e-14, xtol=1e-16)
    q = p + gap
    return float((x_b / n_b - x_a / n_a - gap) / np.sqrt(p * (1 - p) / n_a + q * (1 - q) / n_b))


@pytest.mark.parametrize("case", CASES)
def test_limits_of_a_difference_are_where_the_score_is_critical(case: tuple[int, int, int, int]) -> None:
    """statsmodels has this interval too, but not at the likeliest shares of the difference."""
    found = proportions(*_sample(*case), interval="score", level=0.9)
    z = stats.norm.isf(0.05)
    assert (_score(case, found.low), _score(case, found.high)) == pytest.approx((z, -z), rel=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_limits_of_a_lift_are_statsmodels(case: tuple[int, int, int, int]) -> None:
    x_a, n_a, x_b, n_b = case
    found = proportions_lift(*_sample(*case), level=0.9)
    asked = {"method": "score", "correction": False, "alpha": 0.1}
    expected = confint_proportions_2indep(x_b, n_b, x_a, n_a, compare="ratio", **asked)
    assert (found.low + 1.0, found.high + 1.0) == pytest.approx(expected, rel=1e-9)
    assert found.value == pytest.approx(x_b / n_b / (x_a / n_a) - 1.0, rel=1e-12)


def test_the_interval_excludes_zero_exactly_where_p_is_small() -> None:
    for x_b in range(41):
        value, arm = _sample(30, 900, x_b, 300)
        gap, relative = proportions(value, arm, interval="score"), proportions_lift(value, arm)
        assert gap.p_value == relative.p_value
        for found in (gap, relative):
            assert (found.low > 0.0 or found.high < 0.0) == (found.p_value < 0.05)


def test_shares_at_the_ends_have_limits() -> None:
    for case in ((0, 50, 0, 40), (50, 50, 40, 40), (0, 50, 40, 40), (50, 50, 0, 40), (0, 50, 3, 40)):
        found = proportions(*_sample(*case), interval="score")
        assert -1.0 <= found.low <= found.value <= found.high <= 1.0
    assert np.isnan(proportions_lift(*_sample(0, 50, 3, 40)).value)
    assert proportions_lift(*_sample(5, 50, 0, 40)).low == -1.0


def test_fiellers_lift_has_the_p_value_of_welchs_difference() -> None:
    rng = np.random.default_rng(3)
    value, arm = rng.gamma(2.0, 1.0, 90), np.repeat([0, 1], [70, 20])
    found = lift(value=value, arm=arm, interval="fieller")
    assert found.p_value == pytest.approx(stats.ttest_ind(value[arm == 1], value[arm == 0], equal_var=False).pvalue)
