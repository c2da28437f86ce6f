"""How fast what was known before the experiment loses its worth, as interests drift."""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment.arms import checked_table, checked_values
from driftline.evaluation.experiment.effect import checked_level, critical
from driftline.evaluation.experiment.levels import checked_pair
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats


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
    """
    checked_level(level)
    values, in_b = checked_pair(value, arm)
    table = checked_table("covariate", covariate, len(values))
    lags = np.arange(1.0, table.shape[1] + 1) if lag is None else checked_values("lag", lag)
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
