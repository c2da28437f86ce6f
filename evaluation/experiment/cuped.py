"""CUPED: what the users did before the experiment explains part of what they do in it."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment.arms import checked_table
from driftline.evaluation.experiment.effect import Effect, checked_level, critical
from driftline.evaluation.experiment.levels import Levels, checked_pair, difference, mean_levels
from driftline.evaluation.experiment.ratio import checked_ratio, ratio_levels
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats

CROWDED = 20
"""Fewer units than this for each covariate, in the smaller arm, and the standard error comes out too small."""


def cuped(*, value: ArrayLike, arm: ArrayLike, covariate: ArrayLike, level: float = 0.95) -> Effect:
    """Mean of B less mean of A, less what the arms' covariates differed by before the experiment.

    value, arm: [n], as in `welch`. covariate: [n] or [n, k], known before the experiment; nothing that the
    arm could have changed. theta solves the pooled within-arm normal equations; the estimate is
    (mean_b - mean_a) - theta . (covariate_b - covariate_a), which is the arm's coefficient in least squares of
    value on arm and covariates. The variance is Welch's, of value - theta . covariate (Deng, Xu, Kohavi & Walker
    2013; the sampling error of theta is of second order and left out: warned of under 20 units a covariate).
    Collinear covariates are allowed (least norm).
    """
    checked_level(level)
    values, in_b = checked_pair(value, arm)
    table = checked_table("covariate", covariate, len(values))
    levels = adjusted_levels(mean_levels(values, in_b), table, in_b)
    return difference(levels, level=level, method="difference of means (cuped, welch t)")


def cuped_ratio(
    *, numerator: ArrayLike, denominator: ArrayLike, arm: ArrayLike, covariate: ArrayLike, level: float = 0.95
) -> Effect:
    """`ratio` adjusted for covariates known before the experiment.

    As `cuped` on each unit's linearised ratio. Give the earlier numerator and denominator as two columns: least
    squares weighs them at least as well as the linearised earlier ratio does.
    """
    checked_level(level)
    above, below, in_b = checked_ratio(numerator, denominator, arm)
    table = checked_table("covariate", covariate, len(above))
    levels = adjusted_levels(ratio_levels(above, below, in_b), table, in_b)
    return difference(levels, level=level, method="difference of ratios (cuped, delta, welch t)")


def variance_reduction(*, value: ArrayLike, arm: ArrayLike, covariate: ArrayLike, level: float = 0.95) -> Estimate:
    """Share of the within-arm variance that the covariates explain: R^2, pooled over the arms.

    .4 means that CUPED needs 60 % of the users. Normal interval by the influence function of R^2 (theta is at its
    optimum, so its own error does not enter), cut at 0 and 1.
    """
    checked_level(level)
    values, in_b = checked_pair(value, arm)
    table = _within(checked_table("covariate", covariate, len(values)), in_b)
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
    crowded = min(n_a, n_b) / table.shape[1]
    warnings = levels.warnings
    if crowded < CROWDED:
        few = (
            f"{crowded:.0f} units a covariate in the smaller arm, fewer than {CROWDED}: the standard error is too small"
        )
        warnings = (*warnings, few)
    return replace(
        levels,
        a=levels.a - shift_a,
        b=levels.b - shift_b,
        own_a=levels.own_a - explained[~in_b] / n_a,
        own_b=levels.own_b - explained[in_b] / n_b,
        shared_a=shared[~in_b],
        shared_b=shared[in_b],
        warnings=warnings,
    )


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
