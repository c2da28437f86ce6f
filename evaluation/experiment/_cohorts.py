"""Effects by cohort and by exposure age, and how fast earlier knowledge loses its worth."""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from driftline.evaluation.arrays import between_0_and_1, coded, columns, vector
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment._levels import (
    Effect,
    Levels,
    checked_pair,
    critical,
    difference,
    mean_levels,
    sums,
    t_effect,
    whole_clusters,
)
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class CohortEffects:
    """One effect a cohort, and whether they differ."""

    cohort: tuple[str, ...]
    effects: tuple[Effect, ...]
    heterogeneity: float
    """Cochran's Q: sum (effect_c - weighted mean)^2 / error_c^2; chi-square with cohorts - 1 if all are equal."""
    p_value: float
    """Of equal effects. Look at single cohorts only where this is small, and adjust (`holm`)."""


def by_cohort(*, value: ArrayLike, arm: ArrayLike, cohort: ArrayLike, level: float = 0.95) -> CohortEffects:
    """Welch's difference in each cohort, with Cochran's test that they are one (Cochran 1954).

    value, arm: [n]. cohort: labels known before the experiment (country, week of joining) [n], sorted. InputError: a
    cohort with fewer than 2 units of an arm, or values that do not vary in it.

    Example:
        >>> from driftline.evaluation.experiment import by_cohort
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = by_cohort(value=value, arm=arm, cohort=["old", "old", "new", "new"] * 2)
        >>> found.cohort, [round(each.value, 2) for each in found.effects]
        (('new', 'old'), [3.5, 2.5])
    """
    between_0_and_1("level", level)
    values, in_b = checked_pair(value, arm)
    codes, count = coded("cohort", cohort, len(values))
    labels = np.unique(np.asarray(cohort))
    effects = []
    for k in range(count):
        rows = codes == k
        b = int(in_b[rows].sum())
        if min(b, int(rows.sum()) - b) < 2:
            raise InputError(
                f"cohort {labels[k]!s} has {int(rows.sum()) - b} units of A and {b} of B; at least 2 are needed"
            )
        effect = difference(
            mean_levels(values[rows], in_b[rows]), level=level, method=f"cohort {labels[k]!s} (welch t)"
        )
        if not effect.std_error > 0.0:
            raise InputError(f"cohort {labels[k]!s}: the values do not vary; there is no error to weigh it by")
        effects.append(effect)
    found = np.array([effect.value for effect in effects])
    weight = np.array([effect.std_error**-2 for effect in effects])
    q = float(weight @ (found - weight @ found / weight.sum()) ** 2)
    p_value = float(chdtrc(count - 1, q)) if count > 1 else float("nan")
    return CohortEffects(tuple(str(label) for label in labels), tuple(effects), q, p_value)


ALIKE = 3.0
"""Arms may differ in how many users are left by this many standard errors."""


@dataclass(frozen=True, slots=True)
class AgeCurve:
    """The effect at each exposure age [k], and whether it moves."""

    age: Floats
    effects: tuple[Effect, ...]
    trend: Effect
    """Slope of the effect per unit of age: below 0 novelty, above 0 primacy."""
    warnings: tuple[str, ...] = ()


def by_exposure_age(
    *, value: ArrayLike, arm: ArrayLike, user: ArrayLike, age: ArrayLike, level: float = 0.95
) -> AgeCurve:
    """Mean of B less mean of A among rows of equal age, users being the units.

    value, arm, user: one row a user's period or visit [n]; each user in one arm. age: time since the user's first
    exposure, already cut into a few steps (days, weeks) [n]. The effect at an age compares ratios of sums
    over users (rows may be many per user). `trend`: least squares of the effects on age, every age counting once; its
    error follows each user through all ages, so what a user does at one age is not taken for independent of
    what it does at the next. Only the users still there are compared: a warning says where the arms keep
    them at different rates at the last age, since then the curve mixes effect and selection.

    Example:
        >>> from driftline.evaluation.experiment import by_exposure_age
        >>> age = [0, 1, 0, 1, 0, 1, 0, 1]
        >>> value, arm = [1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 5.0, 4.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = by_exposure_age(value=value, arm=arm, user=[1, 1, 2, 2, 3, 3, 4, 4], age=age)
        >>> [round(each.value, 2) for each in found.effects], round(found.trend.value, 2)
        ([2.0, 1.0], -1.0)
    """
    between_0_and_1("level", level)
    values, in_b = checked_pair(value, arm)
    users, count = coded("user", user, len(values))
    sides = whole_clusters(users, count, in_b)
    ages = vector("age", age, len(values))
    steps, place = np.unique(ages, return_inverse=True)
    if len(steps) < 2:
        raise InputError(f"age takes {len(steps)} value; a curve needs at least 2")
    slope_of = (steps - steps.mean()) / ((steps - steps.mean()) ** 2).sum()
    effects, slope, influence = [], 0.0, np.zeros(count)
    for k, step in enumerate(steps):
        rows = place == k
        levels, on_user = _at_age(values[rows], in_b[rows], users[rows], sides, f"{step:g}")
        effects.append(difference(levels, level=level, method=f"exposure age {step:g} (users as clusters, welch t)"))
        slope += slope_of[k] * effects[-1].value
        influence += slope_of[k] * on_user
    size = int((~sides).sum()), int(sides.sum())
    trend = t_effect(
        value=float(slope),
        variance=sum(
            n / (n - 1) * float((influence[own] ** 2).sum()) for n, own in zip(size, (~sides, sides), strict=True)
        ),
        df=count - 2.0,
        n=count,
        level=level,
        method="slope of the effect in exposure age (users as clusters, t)",
    )
    return AgeCurve(steps, tuple(effects), trend, _selected(users[place == len(steps) - 1], sides))


def _at_age(values: Floats, in_b: Bools, users: Int64s, sides: Bools, name: str) -> tuple[Levels, Floats]:
    """The arms' levels among these rows, and each user's influence on their difference [users]."""
    found, influence = [], np.zeros(len(sides))
    for label, sign, inside in (("A", -1.0, ~in_b), ("B", 1.0, in_b)):
        own = users[inside]
        if len(np.unique(own)) < 2:
            raise InputError(f"exposure age {name} has fewer than 2 users of arm {label}")
        mean = float(values[inside].mean())
        on_user = sums(own, (values[inside] - mean) / len(own), len(sides))
        influence += sign * on_user
        found.append((mean, on_user[np.unique(own)]))
    (a, own_a), (b, own_b) = found
    return Levels(a, b, own_a, own_b), influence


def _selected(last: Int64s, sides: Bools) -> tuple[str, ...]:
    there = np.zeros(len(sides), dtype=np.bool_)
    there[last] = True
    p_a, p_b = float(there[~sides].mean()), float(there[sides].mean())
    error = sqrt(p_a * (1 - p_a) / (~sides).sum() + p_b * (1 - p_b) / sides.sum())
    if abs(p_b - p_a) <= ALIKE * error:
        return ()
    return (
        f"{p_a:.1%} of A's users and {p_b:.1%} of B's are seen at the last age: the curve mixes effect and selection",
    )


@dataclass(frozen=True, slots=True)
class LagBenefit:
    """What each covariate alone saves, by its lag [k]."""

    lag: Floats
    rho_squared: tuple[Estimate, ...]
    """Share of the within-arm variance that the covariate of this lag explains."""
    half_life: float
    """Lags after which rho^2 has halved, by a weighted line through log rho^2; infinite where it does not fall."""


def benefit_by_lag(
    *, value: ArrayLike, arm: ArrayLike, covariate: ArrayLike, lag: ArrayLike | None = None, level: float = 0.95
) -> LagBenefit:
    """rho^2 of values and earlier covariates, within arms and pooled, by how long before the experiment they lie.

    value, arm: [n]. covariate: one column a lag [n, k]. lag: the columns' lags [k], by default 1..k. Intervals on
    Fisher's scale atanh(rho) with an error from the influence function of rho, (x y - rho (x^2 + y^2) / 2) for
    standardised x, y, so values need not be normal; squared, with 0 as lower limit where rho's interval holds 0. The
    half-life supposes rho^2 = c 2^(-lag / half_life) and weighs each lag by the inverse variance of its log.

    Example:
        >>> from driftline.evaluation.experiment import benefit_by_lag
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = benefit_by_lag(value=value, arm=arm, covariate=[[v + 0.1, (-1) ** v] for v in map(int, value)])
        >>> [round(each.value, 2) for each in found.rho_squared]
        [1.0, 0.44]
    """
    between_0_and_1("level", level)
    values, in_b = checked_pair(value, arm)
    table = columns("covariate", covariate, len(values))
    lags = np.arange(1.0, table.shape[1] + 1) if lag is None else vector("lag", lag)
    if len(lags) != table.shape[1]:
        raise InputError(f"lag has {len(lags)} entries, covariate has {table.shape[1]} columns")
    y = _standardised(values, in_b, "value")
    found, weights = [], np.zeros(len(lags))
    for k in range(len(lags)):
        x = _standardised(table[:, k], in_b, f"covariate of lag {lags[k]:g}")
        rho = float(np.mean(x * y))
        error = sqrt(float(np.sum((x * y - rho * (x * x + y * y) / 2.0) ** 2))) / len(y)
        found.append(_squared(rho, error, len(y), level))
        weights[k] = (rho / (2.0 * error)) ** 2 if error > 0.0 else 0.0
    return LagBenefit(lags, tuple(found), _half_life(lags, np.array([e.value for e in found]), weights))


def _standardised(values: Floats, in_b: Bools, name: str) -> Floats:
    out = np.empty(len(values))
    for inside in (~in_b, in_b):
        out[inside] = values[inside] - values[inside].mean()
    spread = sqrt(float(np.mean(out * out)))
    if not spread > 0.0:
        raise InputError(f"the {name} does not vary within the arms: it has no correlation")
    return out / spread


def _squared(rho: float, error: float, n: int, level: float) -> Estimate:
    method = "rho^2 within arms (influence, fisher z)"
    if abs(rho) >= 1.0 - 1e-12:
        return Estimate(1.0, 0.0, 1.0, 1.0, n, method)
    reach = critical(level) * error / (1.0 - rho * rho)
    ends = np.tanh(np.arctanh(rho) + np.array([-reach, reach]))
    low = 0.0 if ends[0] <= 0.0 <= ends[1] else float(np.min(ends**2))
    return Estimate(rho * rho, 2.0 * abs(rho) * error, low, float(np.max(ends**2)), n, method)


def _half_life(lags: Floats, rho_squared: Floats, weights: Floats) -> float:
    usable = (rho_squared > 0.0) & (weights > 0.0)
    if usable.sum() < 2 or np.ptp(lags[usable]) == 0.0:
        return float("nan")
    w = weights[usable] / weights[usable].sum()
    x, y = lags[usable], np.log(rho_squared[usable])
    x = x - w @ x
    slope = float((w * x) @ y / ((w * x) @ x))
    return log(2.0) / -slope if slope < 0.0 else float("inf")
