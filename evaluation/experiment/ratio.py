"""Ratio metrics: clicks per visit, revenue per session; the user is the unit, not the visit."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.arms import checked_arm, checked_values
from driftline.evaluation.experiment.effect import Effect, checked_level
from driftline.evaluation.experiment.levels import Levels, difference
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats

NEAR_ZERO = 10.0
"""A mean denominator is far from 0 when it is at least this many standard errors away."""


def ratio(*, numerator: ArrayLike, denominator: ArrayLike, arm: ArrayLike, level: float = 0.95) -> Effect:
    """sum(numerator) / sum(denominator) of B less that of A, by the delta method.

    numerator, denominator: one row a unit of randomisation [n]. A unit's influence on its arm's ratio R is
    (numerator - R denominator) / mean(denominator); variances have divisor n - 1, degrees of freedom are Welch's
    (Deng, Knoblich & Lu 2018, "Applying the delta method in metric analytics", eq. 4). Units with denominator 0
    stay in: they add to neither sum. InputError: NaN, a negative denominator, an arm whose denominators sum to 0.
    Warns where a mean denominator is less than 10 standard errors above 0: then the ratio is not nearly linear.
    """
    checked_level(level)
    levels = ratio_levels(*checked_ratio(numerator, denominator, arm))
    return difference(levels, level=level, method="difference of ratios (delta, welch t)")


def checked_ratio(numerator: ArrayLike, denominator: ArrayLike, arm: ArrayLike) -> tuple[Floats, Floats, Bools]:
    """Numerators, denominators and membership of arm B, checked."""
    above = checked_values("numerator", numerator)
    below = checked_values("denominator", denominator, len(above))
    in_b = checked_arm(arm, len(above))
    negative = np.flatnonzero(below < 0)
    if len(negative):
        raise InputError(f"denominator must not be negative, got {below[negative[0]]} at row {negative[0]}")
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
    return value, (above - value * below) / total, near
