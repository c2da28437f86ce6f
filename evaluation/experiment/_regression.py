"""Regression adjustment with interactions (Lin 2013): slopes of its own for each arm, and errors that need no model."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import between_0_and_1, columns, one_of
from driftline.evaluation.experiment._levels import (
    NAMES,
    Effect,
    checked_pair,
    few_units,
    heavy_tail,
    residuals,
    rounded_down,
    satterthwaite,
    t_effect,
)
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats

Correction = Literal["HC2", "HC3"]
Target = Literal["population", "sample"]
CROWDED = 20
"""Fewer units than this for each covariate, in the smaller arm, and the standard error is rough."""


def regression_adjusted(
    *,
    value: ArrayLike,
    arm: ArrayLike,
    covariate: ArrayLike,
    correction: Correction = "HC2",
    target: Target = "population",
    level: float = 0.95,
) -> Effect:
    """B less A at the covariates' mean, each arm by a regression of its own.

    value, arm: [n], as in `welch`. covariate: [n] or [n, k], known before the experiment; nothing that the arm could
    have changed. The estimate is the arm's coefficient in least squares of value on arm, centred covariates and their
    product (Lin 2013). It is never less precise than the plain difference in large samples, whatever the slopes and
    the shares of the arms; `cuped`, which has one slope for both arms, can be. `HC2`: squared residuals over 1 - h, h
    the unit's leverage, unbiased for equal variances; `HC3`: over (1 - h)^2, about what leaving each unit out gives,
    safer in small arms (MacKinnon & White 1985). With target `sample` that is the whole variance, as least squares has
    it: the effect is that on these very units. With `population` the units were drawn from more, who would bring
    another mean of the covariates: plus d' S d / n, d the difference of slopes and S the covariance of the covariates
    (Negi & Wooldridge 2021). Student's interval, Satterthwaite's degrees of freedom over the arms' n - k - 1 and n - 1.
    Collinear covariates are allowed (least norm). InputError: an arm with fewer than k + 2 units, or a unit that alone
    decides a slope.

    Example:
        >>> from driftline.evaluation.experiment import regression_adjusted
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> before = [1.0, 2.0, 2.5, 4.5, 2.0, 4.0, 5.5, 7.0]
        >>> found = regression_adjusted(value=value, arm=arm, covariate=before)
        >>> round(found.value, 3), round(found.std_error, 3)
        (1.072, 0.36)
    """
    between_0_and_1("level", level)
    one_of("correction", correction, get_args(Correction))
    one_of("target", target, get_args(Target))
    values, in_b = checked_pair(value, arm)
    table = columns("covariate", covariate, len(values))
    a, b = both_fits(values, table, in_b)
    influence = [fit.influence(name, correction) for name, fit in zip(NAMES, (a, b), strict=True)]
    n = len(values)
    parts = [float(each @ each) for each in influence]
    sizes = [len(fit.residual) - fit.rank for fit in (a, b)]
    if target == "population":
        parts, sizes = [*parts, moved_by_the_mean(a, b, table)], [*sizes, n]
    return t_effect(
        value=b.level - a.level,
        variance=sum(parts),
        df=satterthwaite(tuple(parts), tuple(sizes)),
        n=n,
        level=level,
        method=f"difference of means (regression-adjusted, {correction}, t)",
        warnings=(
            *crowded(min(len(each) for each in influence), max(a.rank, b.rank)),
            *few_units(len(influence[0]), len(influence[1])),
            *heavy_tail(*influence),
        ),
    )


def moved_by_the_mean(a: "Fit", b: "Fit", table: Floats) -> float:
    """Variance of the effect because other units would bring another mean of the covariates: d' S d / n."""
    moved = (table - table.mean(axis=0)) @ (b.slope - a.slope)
    return float(moved @ moved) / (len(table) - 1) / len(table)


def crowded(smaller: int, covariates: int) -> tuple[str, ...]:
    """A warning where the smaller arm has few units for each covariate."""
    each = smaller / max(covariates, 1)
    if each >= CROWDED:
        return ()
    return (
        f"{rounded_down(each)} units a covariate in the smaller arm, fewer than {CROWDED}: the error may be too small",
    )


@dataclass(frozen=True, slots=True)
class Fit:
    """Least squares of one arm's values on its covariates, read at a stated mean of the covariates."""

    level: float
    """What the regression says at that mean."""
    slope: Floats
    """[k]"""
    rank: int
    """Independent covariates."""
    residual: Floats
    leverage: Floats
    weight: Floats
    """Of each unit's value in `level`; they sum to 1."""

    def influence(self, name: str, correction: Correction) -> Floats:
        """What each unit adds to the deviation of the level; the sum of squares is its variance."""
        free = 1.0 - self.leverage
        if free.min() < 1e-9:
            at = int(free.argmin())
            raise InputError(f"covariate: unit {at} of arm {name} alone decides a slope; drop that covariate")
        return np.asarray(self.weight * self.residual / (np.sqrt(free) if correction == "HC2" else free))


def both_fits(values: Floats, table: Floats, in_b: Bools) -> tuple[Fit, Fit]:
    """Each arm's regression, read at the mean of both arms' covariates [k]."""
    mean = table.mean(axis=0)
    return _fit("A", values[~in_b], table[~in_b], mean), _fit("B", values[in_b], table[in_b], mean)


def _fit(name: str, value: Floats, table: Floats, mean: Floats) -> Fit:
    n, k = table.shape
    if n < k + 2:
        raise InputError(f"arm {name} has {n} units for {k} covariates; at least {k + 2} are needed")
    own, middle = table.mean(axis=0), float(value.mean())
    off, centred = residuals(value, middle), table - own
    # columns of very different scale must not be taken for collinear
    scale = np.sqrt((centred**2).sum(axis=0))
    scale[scale <= 1e-14 * sqrt(n) * np.abs(own)] = np.inf
    left, size, right = np.linalg.svd(centred / scale, full_matrices=False)
    kept = size > n * np.finfo(float).eps * size.max(initial=0.0)
    left, right = left[:, kept], right[kept]
    slope = right.T @ (left.T @ off / size[kept]) / scale
    return Fit(
        level=middle - float((own - mean) @ slope),
        slope=slope,
        rank=int(kept.sum()),
        residual=residuals(off, 1.0, centred @ slope),
        leverage=1.0 / n + (left**2).sum(axis=1),
        weight=1.0 / n - left @ (right @ ((own - mean) / scale) / size[kept]),
    )
