"""The difference of two means whose variances differ."""

from numpy.typing import ArrayLike

from driftline.evaluation.experiment.effect import Effect, checked_level
from driftline.evaluation.experiment.levels import checked_pair, difference, mean_levels


def welch(value: ArrayLike, arm: ArrayLike, *, level: float = 0.95) -> Effect:
    """Mean of B less mean of A with Welch's t interval and test.

    value: one number a unit [n]. arm: 0 (A) or 1 (B) [n]. Variances have divisor n - 1; degrees of freedom by
    Welch-Satterthwaite (Welch 1947, Biometrika 34). Units must be independent: for rounds of users or clusters
    take `cluster`. InputError: NaN, unequal lengths, an arm with fewer than 2 units.
    """
    checked_level(level)
    values, in_b = checked_pair(value, arm)
    return difference(mean_levels(values, in_b), level=level, method="difference of means (welch t)")
