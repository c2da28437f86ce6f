"""Shares compared by their score: the interval holds just what the z test with pooled variance does not reject."""

from collections.abc import Callable
from math import acos, copysign, cos, inf, nan, pi, sqrt

from numpy.typing import ArrayLike
from scipy.special import ndtr

from driftline.evaluation.arrays import between_0_and_1
from driftline.evaluation.experiment._levels import Effect, checked_pair, critical, few_units
from driftline.sim.types import Bools, Floats

Counts = tuple[float, int, float, int]
"""Ones and units of A, then of B."""
END = 1e-12
"""Nearest to the end of the scale that is looked at."""


def difference_limits(counts: Counts, level: float) -> tuple[float, float]:
    """Differences of shares that the score test does not reject (Mee 1984; Farrington & Manning 1990)."""
    x_a, n_a, x_b, n_b = counts
    gap = x_b / n_b - x_a / n_a
    low, high = -1.0 + END, 1.0 - END
    return _limits(lambda d: _difference_score(counts, d), (low, gap, high), critical(level), (-1.0, 1.0))


def _difference_score(counts: Counts, d: float) -> float:
    """(p_b - p_a - d) over its error at the likeliest shares that differ by d."""
    x_a, n_a, x_b, n_b = counts
    p_a, p_b = x_a / n_a, x_b / n_b
    by = n_a / n_b
    a, b = 1.0 + by, -(1.0 + by + p_b + by * p_a + d * (by + 2.0))
    c, last = d * d + d * (2.0 * p_b + by + 1.0) + p_b + by * p_a, -p_b * d * (1.0 + d)
    v = (b / (3.0 * a)) ** 3 - b * c / (6.0 * a * a) + last / (2.0 * a)
    u = copysign(sqrt(max((b / (3.0 * a)) ** 2 - c / (3.0 * a), 0.0)), v)
    turn = (pi + acos(min(max(v / u**3, -1.0), 1.0))) / 3.0 if u != 0.0 else pi / 2.0
    near_b = min(max(2.0 * u * cos(turn) - b / (3.0 * a), 0.0), 1.0)
    near_a = min(max(near_b - d, 0.0), 1.0)
    return _over(p_b - p_a - d, near_a * (1.0 - near_a) / n_a + near_b * (1.0 - near_b) / n_b)


def proportions_lift(value: ArrayLike, arm: ArrayLike, *, level: float = 0.95) -> Effect:
    """Relative lift of the share of ones, b / a - 1, with the score interval of a ratio and the pooled z test.

    value: 0 or 1 a unit [n]; arm: as in `proportions`. The interval holds the ratios that the score test does not
    reject (Miettinen & Nurminen 1985, without their n / (n - 1)), so it excludes 0 exactly where
    `proportions(interval="score")` does, with the same p-value. `std_error` is the delta method's. NaN, with a warning,
    where A has no ones: there is no lift over nothing.

    Example:
        >>> from driftline.evaluation.experiment import proportions_lift
        >>> found = proportions_lift([0] * 90 + [1] * 10 + [0] * 80 + [1] * 20, [0] * 100 + [1] * 100)
        >>> round(found.value, 3), round(found.low, 3), round(found.high, 3), round(found.p_value, 3)
        (1.0, 0.007, 3.024, 0.048)
    """
    between_0_and_1("level", level)
    values, in_b = checked_pair(value, arm)
    counts = counts_of(values, in_b)
    x_a, n_a, x_b, n_b = counts
    method, warned = "relative lift of a share (score; pooled z)", few_units(n_a, n_b)
    if x_a == 0.0:
        line = "arm A has no ones: there is no lift over a share of 0; take the difference"
        return Effect(nan, nan, nan, nan, n_a + n_b, method, (*warned, line))
    ratio = (x_b / n_b) / (x_a / n_a)
    error = ratio * sqrt(max(1.0 / x_b - 1.0 / n_b + 1.0 / x_a - 1.0 / n_a, 0.0)) if x_b > 0.0 else nan
    low, high = _limits(lambda r: _ratio_score(counts, r), (END, ratio, 1e9), critical(level), (0.0, inf))
    statistic, p_value = pooled_z(counts)
    return Effect(ratio - 1.0, error, low - 1.0, high - 1.0, n_a + n_b, method, warned, statistic, p_value)


def _ratio_score(counts: Counts, ratio: float) -> float:
    """(p_b - ratio p_a) over its error at the likeliest shares of that ratio."""
    x_a, n_a, x_b, n_b = counts
    a, b = (n_a + n_b) * ratio, -(n_b * ratio + x_b + n_a + x_a * ratio)
    root = sqrt(max(b * b - 4.0 * a * (x_a + x_b), 0.0))
    # the smaller root, without the cancellation of -b - root
    near_a = min(2.0 * (x_a + x_b) / (-b + root), 1.0)
    near_b = min(ratio * near_a, 1.0)
    variance = near_b * (1.0 - near_b) / n_b + ratio * ratio * near_a * (1.0 - near_a) / n_a
    return _over(x_b / n_b - ratio * x_a / n_a, variance)


def counts_of(values: Floats, in_b: Bools) -> Counts:
    """Ones and units of either arm."""
    return float(values[~in_b].sum()), int((~in_b).sum()), float(values[in_b].sum()), int(in_b.sum())


def pooled_z(counts: Counts) -> tuple[float, float]:
    """The z test of equal shares with pooled variance: statistic and two-sided p-value."""
    x_a, n_a, x_b, n_b = counts
    pooled = (x_a + x_b) / (n_a + n_b)
    null = sqrt(pooled * (1.0 - pooled) * (1.0 / n_a + 1.0 / n_b))
    statistic = (x_b / n_b - x_a / n_a) / null if null > 0.0 else 0.0
    return statistic, 2.0 * float(ndtr(-abs(statistic)))


def _over(gap: float, variance: float) -> float:
    if variance > 0.0:
        return gap / sqrt(variance)
    return 0.0 if gap == 0.0 else copysign(inf, gap)


def _limits(
    score: Callable[[float], float], around: tuple[float, float, float], z: float, ends: tuple[float, float]
) -> tuple[float, float]:
    """Where the score is z, and -z; an end of the scale where it never is."""
    from scipy.optimize import brentq

    least, middle, most = around

    def beyond(at: float, target: float) -> float:
        # a score that is infinite at the end of the scale is beyond z all the same
        return min(max(score(at), -1e6), 1e6) - target

    low, high = ends
    if middle > least and beyond(least, z) > 0.0:
        low = float(brentq(beyond, least, middle, args=(z,), xtol=1e-15))
    if middle < most and beyond(most, -z) < 0.0:
        high = float(brentq(beyond, middle, most, args=(-z,), xtol=1e-15))
    return low, high
