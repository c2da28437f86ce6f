"""Differences of means, of ratios of sums and of shares: Welch, the delta method, Newcombe."""

from dataclasses import replace
from math import sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import between_0_and_1, vector
from driftline.evaluation.estimate import BOUNDED, FLAT, unvaried, wilson
from driftline.evaluation.experiment._levels import (
    Effect,
    Levels,
    checked_arm,
    checked_pair,
    critical,
    difference,
    few_units,
    mean_levels,
    residuals,
)
from driftline.evaluation.experiment._score import difference_limits, pooled_z
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats


def welch(
    value: ArrayLike, arm: ArrayLike, *, bounds: tuple[float, float] | None = None, level: float = 0.95
) -> Effect:
    """Mean of B less mean of A with Welch's t interval and test.

    value: one number a unit [n]. arm: 0 (A) or 1 (B) [n]. Variances have divisor n - 1; degrees of freedom by
    Welch-Satterthwaite (Welch 1947, Biometrika 34). Units must be independent: for rounds of users or clusters
    take `cluster`. bounds: smallest and largest possible value, known before the data; used only where no value
    varies in either arm (nobody clicked): then the limits are exact, each arm's at half the error
    (`estimate.unvaried`), and without bounds they are NaN. InputError: NaN, unequal lengths, an arm with fewer than 2
    units, a value outside the bounds.

    Example:
        >>> from driftline.evaluation.experiment import welch
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = welch(value, arm)
        >>> round(found.value, 2), round(found.low, 2), round(found.high, 2), round(found.p_value, 3)
        (3.0, -0.15, 6.15, 0.058)
    """
    between_0_and_1("level", level)
    values, in_b = checked_pair(value, arm)
    found = difference(mean_levels(values, in_b), level=level, method="difference of means (welch t)")
    if bounds is None:
        return found
    vector("value", values, low=bounds[0], high=bounds[1])
    return found if found.std_error > 0.0 else _unvaried(found, values[~in_b], values[in_b], bounds, level)


def _unvaried(found: Effect, a: Floats, b: Floats, bounds: tuple[float, float], level: float) -> Effect:
    """Exact limits of a difference of two means whose values do not vary, by union over the arms."""
    (low_a, high_a), (low_b, high_b) = (
        unvaried(float(each[0]), len(each), bounds, (1.0 + level) / 2.0) for each in (a, b)
    )
    warnings = (*(each for each in found.warnings if each != FLAT), BOUNDED)
    method = "difference of means (exact, values that do not vary)"
    return replace(found, low=low_b - high_a, high=high_b - low_a, method=method, warnings=warnings)


NEAR_ZERO = 10.0
"""A mean denominator is far from 0 when it is at least this many standard errors away."""


def ratio(*, numerator: ArrayLike, denominator: ArrayLike, arm: ArrayLike, level: float = 0.95) -> Effect:
    """sum(numerator) / sum(denominator) of B less that of A, by the delta method.

    numerator, denominator: one row a unit of randomisation [n]. A unit's influence on its arm's ratio R is
    (numerator - R denominator) / mean(denominator); variances have divisor n - 1, degrees of freedom are Welch's
    (Deng, Knoblich & Lu 2018, "Applying the delta method in metric analytics", eq. 4). Units with denominator 0
    stay in: they add to neither sum. InputError: NaN, a negative denominator, an arm whose denominators sum to 0.
    Warns where a mean denominator is less than 10 standard errors above 0: then the ratio is not nearly linear.

    Example:
        >>> from driftline.evaluation.experiment import ratio
        >>> found = ratio(numerator=[1, 2, 0, 3, 4, 2], denominator=[2, 2, 1, 4, 4, 3], arm=[0, 0, 0, 1, 1, 1])
        >>> round(found.value, 4), round(found.std_error, 4)
        (0.2182, 0.2691)
    """
    between_0_and_1("level", level)
    levels = ratio_levels(*checked_ratio(numerator, denominator, arm))
    return difference(levels, level=level, method="difference of ratios (delta, welch t)")


def checked_ratio(numerator: ArrayLike, denominator: ArrayLike, arm: ArrayLike) -> tuple[Floats, Floats, Bools]:
    """Numerators, denominators and membership of arm B, checked."""
    above = vector("numerator", numerator)
    below = vector("denominator", denominator, len(above), 0.0)
    in_b = checked_arm(arm, len(above))
    for name, inside in (("A", ~in_b), ("B", in_b)):
        if not below[inside].sum() > 0.0:
            raise InputError(f"the denominators of arm {name} sum to 0: it has no ratio")
    return above, below, in_b


def ratio_levels(above: Floats, below: Floats, in_b: Bools) -> Levels:
    """Each arm's ratio of sums."""
    a, influence_a, near_a = _one_arm("A", above[~in_b], below[~in_b])
    b, influence_b, near_b = _one_arm("B", above[in_b], below[in_b])
    return Levels(a, b, influence_a, influence_b, warnings=(*near_a, *near_b))


def _one_arm(name: str, above: Floats, below: Floats) -> tuple[float, Floats, tuple[str, ...]]:
    n, total = len(above), float(below.sum())
    value = float(above.sum()) / total
    error = float(below.std(ddof=1)) * np.sqrt(n)
    near: tuple[str, ...] = ()
    if total < NEAR_ZERO * error:
        far = f"only {total / error:.1f} standard errors above 0"
        near = (f"arm {name}: the mean denominator is {far}; the delta method needs about {NEAR_ZERO:.0f}",)
    return value, residuals(above, value, below) / total, near


ProportionInterval = Literal["newcombe", "wald", "agresti_caffo", "score"]
THIN = 5.0


def proportions(
    value: ArrayLike, arm: ArrayLike, *, interval: ProportionInterval = "newcombe", level: float = 0.95
) -> Effect:
    """Share of ones in B less that in A.

    value: 0 or 1 a unit [n]. `newcombe`: hybrid of the two Wilson score intervals (Newcombe 1998, method 10),
    which stays sensible for rare rewards; `wald`: unpooled normal; `agresti_caffo`: Wald after one success and one
    failure are added to each arm, centred there (Agresti & Caffo 2000); `score`: the differences that the score test
    does not reject (Mee 1984). `std_error` is the unpooled one, sqrt(sum p (1 - p) / n); `statistic` and `p_value` are
    those of the pooled z test, which is the score test at 0: they may differ from the interval at the margin, but for
    `score`. Warns where an expected cell of the 2 x 2 table is below 5.

    Example:
        >>> from driftline.evaluation.experiment import proportions
        >>> found = proportions([0] * 90 + [1] * 10 + [0] * 80 + [1] * 20, [0] * 100 + [1] * 100)
        >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
        (0.1, 0.0, 0.199)
    """
    between_0_and_1("level", level)
    if interval not in get_args(ProportionInterval):
        raise InputError(f"interval {interval!r} is unknown; {hint(interval, get_args(ProportionInterval))}")
    values, in_b = checked_pair(value, arm)
    wrong = np.flatnonzero((values != 0.0) & (values != 1.0))
    if len(wrong):
        at = wrong[0]
        raise InputError(f"value[{at}] is {values[at]:g}; must be 0 or 1: for other numbers take welch")
    hits = (float(values[~in_b].sum()), float(values[in_b].sum()))
    units = (int((~in_b).sum()), int(in_b.sum()))
    low, high = _limits(hits, units, interval, level)
    p_a, p_b = hits[0] / units[0], hits[1] / units[1]
    error = sqrt(p_a * (1 - p_a) / units[0] + p_b * (1 - p_b) / units[1])
    pooled = sum(hits) / sum(units)
    statistic, p_value = pooled_z((hits[0], units[0], hits[1], units[1]))
    return Effect(
        p_b - p_a,
        error,
        low,
        high,
        sum(units),
        f"difference of proportions ({interval}; pooled z)",
        (*few_units(*units), *_thin_cells(pooled, units, interval)),
        statistic,
        p_value,
    )


def _thin_cells(pooled: float, units: tuple[int, int], interval: str) -> tuple[str, ...]:
    least = min(pooled, 1.0 - pooled) * min(units)
    if least >= THIN:
        return ()
    return (f"an expected cell is {least:.1f}, below 5: the z test and the {interval} interval are rough",)


def _limits(hits: tuple[float, float], units: tuple[int, int], interval: str, level: float) -> tuple[float, float]:
    if interval == "score":
        return difference_limits((hits[0], units[0], hits[1], units[1]), level)
    if interval == "agresti_caffo":
        hits, units = (hits[0] + 1.0, hits[1] + 1.0), (units[0] + 2, units[1] + 2)
    (p_a, p_b), (n_a, n_b) = (hits[0] / units[0], hits[1] / units[1]), units
    gap = p_b - p_a
    if interval != "newcombe":
        reach = critical(level) * sqrt(p_a * (1 - p_a) / n_a + p_b * (1 - p_b) / n_b)
        return max(gap - reach, -1.0), min(gap + reach, 1.0)
    (low_a, high_a), (low_b, high_b) = wilson(hits[0], n_a, level), wilson(hits[1], n_b, level)
    return gap - sqrt((p_b - low_b) ** 2 + (high_a - p_a) ** 2), gap + sqrt((high_b - p_b) ** 2 + (p_a - low_a) ** 2)
