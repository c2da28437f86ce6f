"""Differences adjusted for what was known before: CUPED and post-stratification.

CUPED takes out what the users' earlier behaviour explains; post-stratification compares like with like and weighs the
strata.
"""

from dataclasses import replace
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import between_0_and_1, coded, columns, vector
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment._levels import (
    Effect,
    Levels,
    checked_pair,
    critical,
    difference,
    few_units,
    mean_levels,
    sums,
    t_effect,
    variances,
)
from driftline.evaluation.experiment._means import checked_ratio, ratio_levels
from driftline.evaluation.experiment._regression import both_fits, crowded, moved_by_the_mean
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

HURTS = 1.1
"""Errors that are this many times those of slopes of their own, and one slope for both arms has hurt."""


def cuped(*, value: ArrayLike, arm: ArrayLike, covariate: ArrayLike, level: float = 0.95) -> Effect:
    """Mean of B less mean of A, less what the arms' covariates differed by before the experiment.

    value, arm: [n], as in `welch`. covariate: [n] or [n, k], known before the experiment; nothing that the
    arm could have changed. theta solves the pooled within-arm normal equations; the estimate is
    (mean_b - mean_a) - theta . (covariate_b - covariate_a), which is the arm's coefficient in least squares of
    value on arm and covariates. The variance is Welch's, of value - theta . covariate (Deng, Xu, Kohavi & Walker
    2013; the sampling error of theta is of second order and left out: warned of under 20 units a covariate).
    Collinear covariates are allowed (least norm). One slope for both arms can hurt where arms are unequal and their
    slopes differ, beyond the plain difference even; a warning says so. `regression_adjusted` cannot: prefer it there.

    Example:
        >>> from driftline.evaluation.experiment import cuped
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> before = [1.0, 2.0, 2.5, 4.5, 2.0, 4.0, 5.5, 7.0]
        >>> found = cuped(value=value, arm=arm, covariate=before)
        >>> round(found.value, 3), round(found.std_error, 3)
        (1.026, 0.221)
    """
    between_0_and_1("level", level)
    values, in_b = checked_pair(value, arm)
    table = columns("covariate", covariate, len(values))
    levels = adjusted_levels(mean_levels(values, in_b), table, in_b)
    return difference(levels, level=level, method="difference of means (cuped, welch t)")


def cuped_ratio(
    *, numerator: ArrayLike, denominator: ArrayLike, arm: ArrayLike, covariate: ArrayLike, level: float = 0.95
) -> Effect:
    """`ratio` adjusted for covariates known before the experiment.

    As `cuped` on each unit's linearised ratio. Give the earlier numerator and denominator as two columns: least
    squares weighs them at least as well as the linearised earlier ratio does.

    Example:
        >>> from driftline.evaluation.experiment import cuped_ratio
        >>> found = cuped_ratio(
        ...     numerator=[1, 2, 0, 3, 4, 2],
        ...     denominator=[2, 2, 1, 4, 4, 3],
        ...     arm=[0, 0, 0, 1, 1, 1],
        ...     covariate=[1, 2, 0, 2, 4, 1],
        ... )
        >>> round(found.value, 4)
        -0.054
    """
    between_0_and_1("level", level)
    above, below, in_b = checked_ratio(numerator, denominator, arm)
    table = columns("covariate", covariate, len(above))
    levels = adjusted_levels(ratio_levels(above, below, in_b), table, in_b)
    return difference(levels, level=level, method="difference of ratios (cuped, delta, welch t)")


def variance_reduction(*, value: ArrayLike, arm: ArrayLike, covariate: ArrayLike, level: float = 0.95) -> Estimate:
    """Share of the within-arm variance that the covariates explain: R^2, pooled over the arms.

    .4 means that CUPED needs 60 % of the users. Normal interval by the influence function of R^2 (theta is at its
    optimum, so its own error does not enter), cut at 0 and 1.

    Example:
        >>> from driftline.evaluation.experiment import variance_reduction
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = variance_reduction(value=value, arm=arm, covariate=[1.0, 2.0, 2.5, 4.5, 2.0, 4.0, 5.5, 7.0])
        >>> round(found.value, 3)
        0.967
    """
    between_0_and_1("level", level)
    values, in_b = checked_pair(value, arm)
    table = _within(columns("covariate", covariate, len(values)), in_b)
    centred = _within(values[:, None], in_b)[:, 0]
    total = float((centred**2).sum())
    if not total > 0.0:
        raise InputError("the values do not vary within the arms: there is no variance to reduce")
    residual = centred - table @ _slopes(table, centred)
    left = float((residual**2).sum()) / total
    influence = (residual**2 - left * centred**2) / total
    error = float(np.sqrt((influence**2).sum()))
    reach = critical(level) * error
    low, high = max(1.0 - left - reach, 0.0), min(1.0 - left + reach, 1.0)
    return Estimate(1.0 - left, error, low, high, len(values), "variance reduction (within-arm R^2, influence)")


def adjusted_levels(levels: Levels, table: Floats, in_b: Bools) -> Levels:
    """Levels less theta . (the arm's mean covariates less the pooled ones)."""
    n_a, n_b = len(levels.own_a), len(levels.own_b)
    target = np.empty(len(table))
    target[~in_b], target[in_b] = levels.own_a * n_a, levels.own_b * n_b
    within = _within(table, in_b)
    theta = _slopes(within, target)
    mean = table.mean(axis=0)
    shift_a, shift_b = (float((table[inside].mean(axis=0) - mean) @ theta) for inside in (~in_b, in_b))
    explained, shared = within @ theta, (table - mean) @ theta / len(table)
    adjusted = replace(
        levels,
        a=levels.a - shift_a,
        b=levels.b - shift_b,
        own_a=levels.own_a - explained[~in_b] / n_a,
        own_b=levels.own_b - explained[in_b] / n_b,
        shared_a=shared[~in_b],
        shared_b=shared[in_b],
    )
    warnings = (*crowded(min(n_a, n_b), table.shape[1]), *_pooled(levels, adjusted, target, table, in_b))
    return replace(adjusted, warnings=(*levels.warnings, *warnings))


def _pooled(levels: Levels, adjusted: Levels, target: Floats, table: Floats, in_b: Bools) -> tuple[str, ...]:
    """A warning where one slope for both arms gives a clearly larger error than a slope for each would."""
    if min(len(levels.own_a), len(levels.own_b)) < table.shape[1] + 2:
        return ()
    plain, one = (sqrt(sum(variances(*each.influence(-1.0, 1.0)))) for each in (levels, adjusted))
    fits = both_fits(target, table, in_b)
    parts = [float((fit.weight * fit.residual) @ (fit.weight * fit.residual)) for fit in fits]
    own = sqrt(sum(parts) + moved_by_the_mean(*fits, table))
    if not one > HURTS * own:
        return ()
    found = f"standard error {one:.3g}, {own:.3g} with a slope for each arm and {plain:.3g} without covariates"
    return (f"the arms' slopes differ ({found}): take regression_adjusted",)


def _within(table: Floats, in_b: Bools) -> Floats:
    """Columns less their arm's mean."""
    out = np.empty_like(table)
    for inside in (~in_b, in_b):
        out[inside] = table[inside] - table[inside].mean(axis=0)
    return out


def _slopes(within: Floats, target: Floats) -> Floats:
    # columns of very different scale must not be taken for collinear
    scale = np.sqrt((within**2).sum(axis=0))
    scale[scale == 0.0] = 1.0
    return np.asarray(np.linalg.lstsq(within / scale, target, rcond=None)[0] / scale)


SMALL = 10
"""Fewer units of an arm in a stratum than this, and its variance is rough."""


def post_stratified(
    *,
    value: ArrayLike,
    arm: ArrayLike,
    stratum: ArrayLike,
    shares: ArrayLike | None = None,
    level: float = 0.95,
) -> Effect:
    """sum over strata of w_s (mean_b,s - mean_a,s).

    value, arm: [n], as in `welch`. stratum: any labels known before the experiment [n]. w_s: the stratum's share
    of all units, or the population's `shares` (one a stratum, in sorted order of the labels; made to sum to 1).
    Variance: sum w_s^2 (var_a,s / n_a,s + var_b,s / n_b,s), divisors n - 1 (Miratrix, Sekhon & Yu 2013, given the
    split); where the w_s are the sample's, plus sum w_s (effect_s - effect)^2 / n, since other users would bring
    other shares (Welch's variance holds that part too). Degrees of freedom by Satterthwaite over the cells.
    InputError: a stratum with fewer than 2 units of an arm; merge it with another.

    Example:
        >>> from driftline.evaluation.experiment import post_stratified
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = post_stratified(value=value, arm=arm, stratum=[0, 0, 1, 1, 0, 0, 1, 1])
        >>> round(found.value, 2), round(found.std_error, 3)
        (3.0, 0.81)
    """
    between_0_and_1("level", level)
    values, in_b = checked_pair(value, arm)
    codes, count = coded("stratum", stratum, len(values))
    cell = codes * 2 + in_b
    size = np.bincount(cell, minlength=2 * count).reshape(count, 2)
    _check_cells(size, np.unique(np.asarray(stratum)))
    mean = (sums(cell, values, 2 * count).reshape(count, 2)) / size
    off = values - mean.reshape(-1)[cell]
    variance = sums(cell, off * off, 2 * count).reshape(count, 2) / (size - 1)
    weight = _weights(size, shares)
    effects = mean[:, 1] - mean[:, 0]
    effect = float(weight @ effects)
    parts = weight[:, None] ** 2 * variance / size
    between = float(weight @ (effects - effect) ** 2) / len(values) if shares is None else 0.0
    within = float(parts.sum())
    below = float((parts**2 / (size - 1)).sum())
    total = size.sum(axis=0)
    return t_effect(
        value=effect,
        variance=within + between,
        df=(within**2 / below) if below > 0.0 else float(len(values) - 2 * count),
        n=len(values),
        level=level,
        method=f"difference of means (post-stratified, {count} strata, t)",
        warnings=(*few_units(int(total[0]), int(total[1])), *_small_cells(size)),
    )


def _check_cells(size: Int64s, labels: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    thin = np.argwhere(size < 2)
    if len(thin):
        row, side = thin[0]
        name = "AB"[side]
        found = f"stratum {labels[row]!s} has {size[row, side]} units of arm {name}"
        raise InputError(f"{found}; at least 2 are needed: merge it with another")


def _weights(size: Int64s, shares: ArrayLike | None) -> Floats:
    if shares is None:
        return np.asarray(size.sum(axis=1) / size.sum())
    given = vector("shares", shares)
    if len(given) != len(size):
        raise InputError(f"shares has {len(given)} entries, there are {len(size)} strata")
    if not (given > 0.0).all():
        raise InputError(f"shares must be above 0, got {given.min()}")
    return np.asarray(given / given.sum())


def _small_cells(size: Int64s) -> tuple[str, ...]:
    small = int((size < SMALL).any(axis=1).sum())
    if not small:
        return ()
    return (f"{small} of {len(size)} strata have fewer than {SMALL} units of an arm: their variances are rough",)
