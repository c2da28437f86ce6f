"""The relative lift, B over A less 1: by the delta method, on the scale of logs, or by Fieller's theorem."""

from dataclasses import replace
from math import exp, inf, log, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import between_0_and_1, columns, vector
from driftline.evaluation.experiment._adjusted import adjusted_levels
from driftline.evaluation.experiment._levels import (
    Effect,
    Levels,
    checked_arm,
    critical,
    few_units,
    heavy_tail,
    mean_levels,
    satterthwaite,
    t_effect,
    variances,
)
from driftline.evaluation.experiment._means import checked_ratio, ratio_levels
from driftline.sim.errors import InputError, hint

LiftInterval = Literal["delta", "log", "fieller"]
CLEAR = 4.0
"""The delta method wants A's level at least this many standard errors from 0."""


def lift(
    *,
    value: ArrayLike,
    arm: ArrayLike,
    denominator: ArrayLike | None = None,
    covariate: ArrayLike | None = None,
    interval: LiftInterval = "delta",
    level: float = 0.95,
) -> Effect:
    """B's level over A's less 1: .03 is three per cent more than A.

    value, arm: [n], as in `welch`; with `denominator` the level is a ratio of sums, as in `ratio`; with
    `covariate` [n] or [n, k] it is adjusted as in `cuped` (both may be given). The adjusted levels of the arms
    move together, through the covariates' pooled mean; the variance has that term. `delta`: gradient
    (-b / a^2, 1 / a), symmetric Student's interval. `log`: the same on the scale of log(b / a), for levels above 0;
    its limits never fall below -1. `fieller`: all ratios r for which b - r a is within the
    critical value of 0 (Fieller 1954; Franz 2007): right also where A's level is uncertain, then asymmetric;
    where A's level is not clearly away from 0 the set is unbounded, a limit is infinite and a warning says so.
    Degrees of freedom are Welch's, at the delta gradient. `p_value` is that of the interval: delta tests the
    lift, log the log-ratio, fieller the difference.

    Example:
        >>> from driftline.evaluation.experiment import lift
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = lift(value=value, arm=arm)
        >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
        (1.2, -0.56, 2.96)
    """
    between_0_and_1("level", level)
    if interval not in get_args(LiftInterval):
        raise InputError(f"interval {interval!r} is unknown; {hint(interval, get_args(LiftInterval))}")
    levels = _levels_of(value, arm, denominator, covariate)
    if levels.a == 0.0:
        raise InputError("the level of arm A is 0: a relative lift has no meaning; take the difference")
    gradient = (-levels.b / levels.a**2, 1.0 / levels.a)
    in_a, in_b = levels.influence(*gradient)
    parts = variances(in_a, in_b)
    found = t_effect(
        value=levels.b / levels.a - 1.0,
        variance=sum(parts),
        df=satterthwaite(parts, (len(in_a), len(in_b))),
        n=levels.n,
        level=level,
        method=f"relative lift ({interval}, welch t)",
        warnings=(*levels.warnings, *few_units(len(in_a), len(in_b)), *heavy_tail(in_a, in_b)),
    )
    return found if not found.std_error > 0.0 else _with_interval(found, levels, interval, level)


def _levels_of(value: ArrayLike, arm: ArrayLike, denominator: ArrayLike | None, covariate: ArrayLike | None) -> Levels:
    if denominator is None:
        values = vector("value", value)
        in_b = checked_arm(arm, len(values))
        levels = mean_levels(values, in_b)
    else:
        values, below, in_b = checked_ratio(value, denominator, arm)
        levels = ratio_levels(values, below, in_b)
    if covariate is None:
        return levels
    return adjusted_levels(levels, columns("covariate", covariate, len(values)), in_b)


def _with_interval(found: Effect, levels: Levels, interval: LiftInterval, level: float) -> Effect:
    """The interval that was asked for, with a warning where A is too near 0 for it."""
    var_a = sum(variances(*levels.influence(1.0, 0.0)))
    clear = abs(levels.a) / sqrt(var_a) if var_a > 0.0 else inf
    if interval == "fieller":
        return _by_fieller(found, levels, var_a, level)
    if clear < CLEAR:
        near = f"arm A's level is only {clear:.1f} standard errors from 0; {interval} needs about 4: take fieller"
        found = replace(found, warnings=(*found.warnings, near))
    return found if interval == "delta" else _by_log(found, levels, level)


def _by_log(found: Effect, levels: Levels, level: float) -> Effect:
    if not (levels.a > 0.0 and levels.b > 0.0):
        raise InputError(f"interval 'log' needs levels above 0, got A {levels.a:.6g} and B {levels.b:.6g}")
    quotient = levels.b / levels.a
    on_log = t_effect(
        value=log(quotient), variance=(found.std_error / quotient) ** 2, df=found.df, n=found.n, level=level, method=""
    )
    return replace(
        found,
        low=exp(on_log.low) - 1.0,
        high=exp(on_log.high) - 1.0,
        statistic=on_log.statistic,
        p_value=on_log.p_value,
    )


def _by_fieller(found: Effect, levels: Levels, var_a: float, level: float) -> Effect:
    on_a, on_b = levels.influence(1.0, 0.0), levels.influence(0.0, 1.0)
    cov = sum(len(x) * float(np.cov(x, y)[0, 1]) for x, y in zip(on_a, on_b, strict=True))
    low, high, unbounded = fieller(levels.a, levels.b, var_a, sum(variances(*on_b)), cov, critical(level, found.df))
    spread = sum(variances(*levels.influence(-1.0, 1.0)))
    test = t_effect(value=levels.b - levels.a, variance=spread, df=found.df, n=found.n, level=level, method="")
    return replace(
        found,
        low=low - 1.0,
        high=high - 1.0,
        warnings=(*found.warnings, unbounded) if unbounded else found.warnings,
        statistic=test.statistic,
        p_value=test.p_value,
    )


def fieller(a: float, b: float, var_a: float, var_b: float, cov: float, t: float) -> tuple[float, float, str]:
    """Limits of b / a, and a warning that is empty where the set is an interval.

    Solves (b - r a)^2 <= t^2 (var_b - 2 r cov + r^2 var_a), a quadratic in r.
    """
    square = a * a - t * t * var_a
    middle = a * b - t * t * cov
    inside = middle * middle - square * (b * b - t * t * var_b)
    if square > 0.0:
        root = sqrt(max(inside, 0.0))
        return (middle - root) / square, (middle + root) / square, ""
    text = "arm A's level is not told from 0 at this level: "
    if square == 0.0 or inside <= 0.0:
        return -inf, inf, text + "no lift can be excluded"
    root = sqrt(inside)
    low, high = sorted(((middle - root) / square, (middle + root) / square))
    return -inf, inf, f"{text}only lifts in ({low - 1.0:.4g}, {high - 1.0:.4g}) are excluded"
