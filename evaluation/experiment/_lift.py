"""The relative lift, (B - A) / |A|: by the delta method, on the scale of logs, or by Fieller's theorem."""

from dataclasses import dataclass, replace
from math import copysign, exp, inf, log, nan, sqrt
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
    rounded_down,
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
    """(B's level less A's) / |A's level|: .03 is better than A by three per cent of its size.

    Above 0 exactly where B is above A, also where A is below 0 (profit, or rewards in [-1, 1]): the first thing asked
    of a relative change (Tornqvist, Vartia & Vartia 1985). For levels above 0 it is b / a - 1.

    value, arm: [n], as in `welch`; with `denominator` the level is a ratio of sums, as in `ratio`; with
    `covariate` [n] or [n, k] it is adjusted as in `cuped` (both may be given). The adjusted levels of the arms
    move together, through the covariates' pooled mean; the variance has that term. `delta`: gradient
    sign(a) (-b / a^2, 1 / a), symmetric Student's interval. `log`: the same on the scale of log(b / a), for levels
    above 0; its limits never fall below -1. Neither has an answer where A's own interval (Student's, of this level)
    meets 0, since then not even the sign of what is divided by is known: value and limits are NaN and a warning says
    so. `fieller`: all ratios r for which b - r a is within the critical value of 0 (Fieller 1954; Franz 2007): right
    also where A's level is uncertain, then asymmetric; where it is not told from 0, both limits are infinite.
    Degrees of freedom are Welch's, at the delta gradient; fieller has those of the difference. `p_value` is that of the
    interval: delta tests the lift, log the log-ratio, fieller the difference.

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
    base = _base(levels, level)
    method = f"relative lift ({interval}, welch t)"
    if base.meets_0 and interval != "fieller":
        why = no_lift(base.value, base.value - base.reach, base.value + base.reach)
        return Effect(nan, nan, nan, nan, levels.n, method, (*levels.warnings, why))
    if levels.a == 0.0:
        return Effect(nan, nan, -inf, inf, levels.n, method, (*levels.warnings, UNBOUNDED))
    size = abs(levels.a)
    in_a, in_b = levels.influence(-levels.b / levels.a / size, 1.0 / size)
    parts = variances(in_a, in_b)
    found = t_effect(
        value=(levels.b - levels.a) / size,
        variance=sum(parts),
        df=satterthwaite(parts, (len(in_a), len(in_b))),
        n=levels.n,
        level=level,
        method=method,
        warnings=(*levels.warnings, *few_units(len(in_a), len(in_b)), *heavy_tail(in_a, in_b)),
    )
    return found if not found.std_error > 0.0 else _with_interval(found, levels, base, interval, level)


@dataclass(frozen=True, slots=True)
class _Base:
    """Arm A's own level with its variance, and half the width of its interval."""

    value: float
    variance: float
    reach: float

    @property
    def meets_0(self) -> bool:
        return abs(self.value) <= self.reach

    @property
    def far(self) -> float:
        """Standard errors from 0."""
        return abs(self.value) / sqrt(self.variance) if self.variance > 0.0 else inf


def _base(levels: Levels, level: float) -> _Base:
    parts = variances(*levels.influence(1.0, 0.0))
    df = satterthwaite(parts, (len(levels.own_a), len(levels.own_b)))
    return _Base(levels.a, sum(parts), critical(level, df) * sqrt(sum(parts)))


def no_lift(value: float, low: float, high: float) -> str:
    """Why there is no relative lift over a level of arm A with an interval that meets 0."""
    found = f"arm A's level, {value:.4g} [{low:.4g}, {high:.4g}], is not told from 0"
    return f"{found}: a relative lift has no meaning; take the difference"


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


def _with_interval(found: Effect, levels: Levels, base: _Base, interval: LiftInterval, level: float) -> Effect:
    """The interval that was asked for, with a warning where A is too near 0 for it."""
    if interval == "fieller":
        return _by_fieller(found, levels, base.variance, level)
    if base.far < CLEAR:
        near = f"arm A's level is only {rounded_down(base.far)} errors from 0; {interval} needs about 4: take fieller"
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
    parts = variances(*levels.influence(-1.0, 1.0))
    # the test is that of the difference, so its degrees of freedom are too
    found = replace(found, df=satterthwaite(parts, (len(levels.own_a), len(levels.own_b))))
    on_a, on_b = levels.influence(1.0, 0.0), levels.influence(0.0, 1.0)
    cov = sum(len(x) * float(np.cov(x, y)[0, 1]) for x, y in zip(on_a, on_b, strict=True))
    sign, t = copysign(1.0, levels.a), critical(level, found.df)
    ends = [sign * (r - 1.0) for r in fieller(levels.a, levels.b, var_a, sum(variances(*on_b)), cov, t)]
    low, high = sorted(ends)
    test = t_effect(value=levels.b - levels.a, variance=sum(parts), df=found.df, n=found.n, level=level, method="")
    return replace(
        found,
        low=low,
        high=high,
        warnings=found.warnings if low > -inf else (*found.warnings, UNBOUNDED),
        statistic=test.statistic,
        p_value=test.p_value,
    )


UNBOUNDED = "arm A's level is not told from 0 at this level: no lift can be excluded; take the difference"


def fieller(a: float, b: float, var_a: float, var_b: float, cov: float, t: float) -> tuple[float, float]:
    """Limits of b / a; infinite ones where a is not told from 0, whose sign is then unknown too.

    Solves (b - r a)^2 <= t^2 (var_b - 2 r cov + r^2 var_a), a quadratic in r.
    """
    square = a * a - t * t * var_a
    if not square > 0.0:
        return -inf, inf
    middle = a * b - t * t * cov
    root = sqrt(max(middle * middle - square * (b * b - t * t * var_b), 0.0))
    return (middle - root) / square, (middle + root) / square
