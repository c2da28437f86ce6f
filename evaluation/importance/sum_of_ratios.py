"""A sum of ratios of means over independent units, with its interval: what every weighted estimator here is.

A sum of ratios of means over independent units, with its interval: what every weighted estimator here is.

V = sum_j mean_i(above_ij) / mean_i(below_ij). A plain mean is one ratio with below = 1; a self-normalised
estimator divides by its own weights, once per position or step.

What importance weights say against an estimate: support, effective sample size, largest weight, mean weight.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from driftline.evaluation.estimate import REPLICATES, Estimate, poisson_weights
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats, Int64s

Interval = Literal["normal", "bootstrap"]
INTERVALS = ("normal", "bootstrap")
BLOCK = 4096
"""Units whose bootstrap counts are held at once."""
FEW = 30
"""Below this many units, or this many behind the standard error, a normal interval is too short."""


@dataclass(frozen=True, slots=True)
class SumOfRatios:
    """One row per slate or trajectory, one column per ratio."""

    above: Floats
    """Numerators [n, J]."""
    below: Floats | None
    """Denominators [n, J]; None: all 1, so that the sum of ratios is a plain mean."""

    def value(self) -> float:
        """The estimate; NaN where a denominator is 0."""
        if not len(self.above):
            return np.nan
        return float(_ratios(self.above.sum(axis=0), self._below_sum()).sum())

    def influence(self) -> Floats:
        """What each unit adds to the error of the value (delta method), mean 0 [n]."""
        ratio = _ratios(self.above.sum(axis=0), self._below_sum())
        if self.below is None:
            return np.asarray((self.above - ratio).sum(axis=1))
        mean = self._below_sum() / len(self.above)
        return np.asarray(((self.above - ratio * self.below) / np.where(mean == 0, np.nan, mean)).sum(axis=1))

    def _below_sum(self) -> Floats:
        if self.below is None:
            return np.full(self.above.shape[1], float(len(self.above)))
        return np.asarray(self.below.sum(axis=0))


@dataclass(frozen=True, slots=True)
class Asked:
    """How an interval is made: the arguments that all estimators share, checked."""

    interval: Interval = "normal"
    level: float = 0.95
    seed: int = 0
    cluster: ArrayLike | None = None

    def __post_init__(self) -> None:
        if self.interval not in INTERVALS:
            raise InputError(f"interval is {self.interval!r}: {hint(str(self.interval), INTERVALS)}")
        if not 0.0 < self.level < 1.0:
            raise InputError(f"level is {self.level}, it must lie between 0 and 1")


def estimate(
    method: str, sums: SumOfRatios, asked: Asked, warnings: tuple[str, ...] = (), unit: str = "slates"
) -> Estimate:
    """Value and interval.

    normal: value +- z x standard error by the delta method (divisor n - 1); with `cluster` [n] the influences of a
    cluster are added first (sandwich, G / (G - 1); Liang & Zeger 1986). bootstrap: percentiles of 400 replicates that
    draw whole clusters, or units, by keyed Poisson counts and recompute every denominator; deviations are widened by
    sqrt(G / (G - 1)). NaN limits with fewer than two units.
    """
    # sums down a few columns are five times faster when columns are contiguous
    below = None if sums.below is None else np.asfortranarray(sums.below)
    sums = SumOfRatios(np.asfortranarray(sums.above), below)
    n = len(sums.above)
    code, groups = _clusters(asked.cluster, n)
    unit = unit if code is None else "clusters"
    value = sums.value()
    kind = "delta" if sums.below is not None else "normal"
    label = "bootstrap" if asked.interval == "bootstrap" else kind
    method = f"{method} ({label}, by cluster)" if code is not None else f"{method} ({label})"
    if groups < 2 or not np.isfinite(value):
        return Estimate(value, np.nan, np.nan, np.nan, groups, method, (*warnings, *_none(value, groups, unit)))
    if asked.interval == "bootstrap":
        error, low, high = _bootstrap(sums, code, groups, value, asked)
        return Estimate(value, error, low, high, groups, method, (*warnings, *_few(groups, None, unit)))
    influence = _by_group(sums.influence(), code, groups)
    error = _error(influence, n)
    reach = float(ndtri(0.5 + asked.level / 2)) * error
    return Estimate(
        value, error, value - reach, value + reach, groups, method, (*warnings, *_few(groups, influence, unit))
    )


def mean_error(values: Floats, cluster: ArrayLike | None = None) -> float:
    """Standard error of the mean of values [n], cluster-robust where `cluster` [n] is given; NaN below two units."""
    code, groups = _clusters(cluster, len(values))
    return _error(_by_group(values - values.mean(), code, groups), len(values)) if groups > 1 else np.nan


def _error(influence: Floats, n: int) -> float:
    return float(np.sqrt((influence**2).sum() * len(influence) / (len(influence) - 1))) / n


def _by_group(values: Floats, code: Int64s | None, groups: int) -> Floats:
    return values if code is None else np.bincount(code, values, groups).astype(np.float64, copy=False)


def _bootstrap(
    sums: SumOfRatios, code: Int64s | None, groups: int, value: float, asked: Asked
) -> tuple[float, float, float]:
    below = sums.below if sums.below is not None else np.ones((len(sums.above), 1))
    both = np.concatenate([sums.above.sum(axis=1, keepdims=True) if sums.below is None else sums.above, below], axis=1)
    if code is not None:
        both = np.stack([np.bincount(code, column, groups) for column in both.T], axis=1)
    drawn = np.zeros((REPLICATES, both.shape[1]))
    for at in range(0, groups, BLOCK):
        part = slice(at, at + BLOCK)
        counts = poisson_weights(np.arange(groups)[part], asked.seed, REPLICATES)
        # no BLAS: the sums must not depend on its number of threads
        drawn += np.einsum("ru,uj->rj", counts, both[part])
    half = both.shape[1] // 2
    replicates = _ratios(drawn[:, :half], drawn[:, half:]).sum(axis=1)
    replicates = value + (replicates[np.isfinite(replicates)] - value) * np.sqrt(groups / (groups - 1))
    if len(replicates) < REPLICATES // 2:
        return np.nan, np.nan, np.nan
    tail = 50.0 * (1.0 - asked.level)
    low, high = np.percentile(replicates, [tail, 100.0 - tail])
    return float(replicates.std()), float(low), float(high)


def _clusters(cluster: ArrayLike | None, n: int) -> tuple[Int64s | None, int]:
    if cluster is None:
        return None, n
    array = np.asarray(cluster)
    if array.shape != (n,):
        raise InputError(f"cluster has shape {array.shape}, expected ({n},)")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"cluster of row {int(np.argmax(~np.isfinite(array)))} is not a number")
    distinct, code = np.unique(array, return_inverse=True)
    return code.astype(np.int64), len(distinct)


def _none(value: float, groups: int, unit: str) -> tuple[str, ...]:
    if groups < 2:
        return (f"{groups} {unit}: an interval needs at least two",)
    return (f"value is {value}: no interval can be told",)


def _few(groups: int, influence: Floats | None, unit: str) -> tuple[str, ...]:
    if groups < FEW:
        return (f"only {groups} {unit}: below {FEW} the interval is too short",)
    if influence is None:
        return ()
    square = influence**2
    total = float((square**2).sum())
    behind = float(square.sum()) ** 2 / total if total > 0 else float(groups)
    if behind < FEW:
        rests = f"the standard error rests on about {behind:.0f} of {groups} {unit} (below {FEW})"
        return (f"{rests}: few large terms decide it, the interval is probably too short",)
    return ()


def _ratios(above: Floats, below: Floats) -> Floats:
    out = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    return np.asarray(np.divide(above, below, out=out, where=below != 0))


LEAST_SHARE = 0.1
"""Effective sample size below this share of the units is named."""
LEAST_SIZE = 100.0
"""So is one below this number (or below half of the units, where there are fewer than 200)."""
LARGEST_SHARE = 0.05
"""A single weight that holds more than this share of all weight is named (from 40 units on)."""
MEAN_ERRORS = 3.0
"""A mean weight this many standard errors from 1 is named; with J columns at the same rate for all together."""


def weight_warnings(
    weights: Floats, unit: str = "slates", column: str = "position", cluster: ArrayLike | None = None
) -> tuple[str, ...]:
    """Warnings about weights [n] or [n, J], one line each, about the worst column.

    effective sample size: (sum w)^2 / sum w^2 (Kish 1965). mean weight: E[w] = 1 where the logged propensities are
    right and the target policy shows only what the logging policy can show; the mass it puts elsewhere is what is
    missing to 1. Tested two-sided at 3 standard errors (of cluster sums, where `cluster` [n] is given), Bonferroni
    over the columns.
    """
    table = np.asfortranarray(weights if weights.ndim == 2 else weights[:, None])
    n, columns = table.shape
    if n == 0:
        return (f"no {unit}",)
    total = table.sum(axis=0)
    if not total.any():
        return (
            f"the target policy shows none of the {n} logged {unit}: nothing can be learned about it from this log",
        )
    return (*size_warnings(table, unit, column), *_mean(table, column if columns > 1 else "", cluster))


def size_warnings(table: Floats, unit: str, column: str) -> tuple[str, ...]:
    """Of weights [n, J]: effective sample size and largest weight."""
    n, total = len(table), table.sum(axis=0)
    square = (table * table).sum(axis=0)
    size = np.divide(total * total, square, out=np.zeros_like(total), where=square > 0)
    worst = int(np.argmin(size))
    where = f" at {column} {worst}" if len(total) > 1 else ""
    found = []
    if size[worst] < min(LEAST_SIZE, n / 2) or size[worst] < LEAST_SHARE * n:
        found.append(
            f"effective sample size {size[worst]:.1f} of {n} {unit}{where}: few heavy weights decide, "
            "the interval is probably too short"
        )
    share = np.divide(table.max(axis=0), total, out=np.zeros_like(total), where=total > 0)
    worst = int(np.argmax(share))
    if n * LARGEST_SHARE >= 2 and share[worst] > LARGEST_SHARE:
        where = f" at {column} {worst}" if len(total) > 1 else ""
        found.append(f"largest weight {table[:, worst].max():.4g}{where} is {100 * share[worst]:.0f} % of all weight")
    return tuple(found)


def _mean(table: Floats, column: str, cluster: ArrayLike | None) -> tuple[str, ...]:
    columns = table.shape[1]
    mean = table.mean(axis=0)
    error = np.array([mean_error(each, cluster) for each in table.T])
    if np.isnan(error).any():
        return ()
    away = np.divide(mean - 1.0, error, out=np.where(np.abs(mean - 1.0) > 1e-9, np.inf, 0.0), where=error > 1e-12)
    worst = int(np.argmax(np.abs(away)))
    tail = float(ndtr(-MEAN_ERRORS)) / columns
    if abs(away[worst]) <= -float(ndtri(tail)):
        return ()
    where = f" at {column} {worst}" if column else ""
    meaning = (
        "the target policy shows what the logging policy cannot (or hardly ever) show, or propensities are wrong"
        if away[worst] < 0
        else "logged propensities are too small, or target propensities too large"
    )
    return (f"mean weight {mean[worst]:.4g}{where} is {abs(away[worst]):.1f} standard errors from 1: {meaning}",)
