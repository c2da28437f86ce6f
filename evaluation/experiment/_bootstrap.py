"""Differences and lifts by the bootstrap: Poisson counts, so a million users need no array of resamples."""

from dataclasses import replace
from math import nan
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from driftline.evaluation.arrays import between_0_and_1, coded, vector
from driftline.evaluation.bootstrap import resampled_sums
from driftline.evaluation.estimate import FLAT
from driftline.evaluation.experiment._levels import Effect, checked_pair, few_units, heavy_tail, residuals, sums
from driftline.evaluation.experiment._lift import no_lift
from driftline.evaluation.terms import Clusters
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats

BootstrapInterval = Literal["bca", "percentile", "basic", "normal"]
LEAST_REPLICATES = 100


def bootstrap(
    *,
    value: ArrayLike,
    arm: ArrayLike,
    denominator: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    relative: bool = False,
    interval: BootstrapInterval = "bca",
    replicates: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Effect:
    """B's level less A's (over A's size, as in `lift`, where `relative`), with a bootstrap interval.

    value, arm: [n]; the level is a mean, or sum(value) / sum(denominator). Each unit, or each whole `cluster` [n],
    counts Poisson(1) times in a replicate, keyed by (seed, row or cluster's place, replicate): no array of
    resamples is ever held (Chamandy, Muralidharan, Najmi & Naidu 2012; Hanley & MacGibbon 2006). `percentile`;
    `basic`; `normal`; `bca`: bias-corrected and accelerated, the acceleration from the influence function instead
    of n leave-one-out fits (Efron 1987; Davison & Hinkley 1997, eq. 5.21 f). `p_value` is the smallest level
    at which the percentile interval excludes 0, never below 2 / (replicates + 1). The spread has divisor n, so it
    falls short by a share of 1 / (2 n). Time grows with n times replicates, about 1 s for 10^8.

    Example:
        >>> from driftline.evaluation.experiment import bootstrap
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = bootstrap(value=value, arm=arm, replicates=500)
        >>> round(found.value, 2), found.low < found.value < found.high
        (3.0, True)
    """
    _check(interval, replicates, level)
    values, in_b = checked_pair(value, arm)
    below = np.ones(len(values)) if denominator is None else vector("denominator", denominator, len(values))
    clusters = None if cluster is None else coded("cluster", cluster, len(values))
    sides = [_gathered(name, inside, values, below, clusters) for name, inside in (("A", ~in_b), ("B", in_b))]
    (a, on_a), (b, on_b) = (_level(*side) for side in sides)
    drawn = replicate_levels(values, below, in_b, clusters, replicates, seed)
    defined = np.isfinite(drawn[0]) & np.isfinite(drawn[1])
    copy_a, copy_b = (each[defined] for each in drawn)
    what, kind = "units" if clusters is None else "clusters", "relative lift" if relative else "difference"
    method = f"{kind} (bootstrap of {what}, {interval}, {replicates} replicates)"
    n = len(values) if clusters is None else clusters[1]
    warnings = (*few_units(len(on_a), len(on_b), what), *_left_out(replicates - len(copy_a), what))
    said = Effect(nan, nan, nan, nan, n, method, warnings)
    size: Floats | float = 1.0
    to_a, to_b, point = -1.0, 1.0, b - a
    if relative:
        base = np.quantile(copy_a, _tails(level))
        if base[0] <= 0.0 <= base[1]:
            return replace(said, warnings=(*warnings, no_lift(a, *base)))
        copy_a, copy_b = copy_a[copy_a != 0.0], copy_b[copy_a != 0.0]
        size, to_a, to_b, point = np.abs(copy_a), -b / a / abs(a), 1.0 / abs(a), (b - a) / abs(a)
    return _told(said, point, (copy_b - copy_a) / size, (to_a * on_a, to_b * on_b), interval, level)


def _told(
    said: Effect, point: float, copies: Floats, influence: tuple[Floats, Floats], interval: str, level: float
) -> Effect:
    """With its number, limits and test from the replicates."""
    if not any(part.any() for part in influence):
        return replace(said, value=point, std_error=0.0, warnings=(*said.warnings, FLAT))
    low, high = _limits(point, copies, influence, interval, level)
    error = float(np.std(copies, ddof=1))
    return replace(
        said,
        value=point,
        std_error=error,
        low=low,
        high=high,
        warnings=(*said.warnings, *heavy_tail(*influence)),
        statistic=point / error,
        p_value=_p_value(copies),
    )


def _left_out(replicates: int, what: str) -> tuple[str, ...]:
    """Replicates in which an arm drew nothing: of n units none counts once in e^n."""
    if not replicates:
        return ()
    return (f"bootstrap: in {replicates} replicates an arm drew none of its {what}; they are left out",)


def _tails(level: float) -> Floats:
    return np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0])


def _check(interval: str, replicates: int, level: float) -> None:
    between_0_and_1("level", level)
    if interval not in get_args(BootstrapInterval):
        raise InputError(f"interval {interval!r} is unknown; {hint(interval, get_args(BootstrapInterval))}")
    if replicates < LEAST_REPLICATES:
        raise InputError(f"replicates must be at least {LEAST_REPLICATES}, got {replicates}")


def _gathered(
    name: str, inside: Bools, values: Floats, below: Floats, cluster: Clusters | None
) -> tuple[Floats, Floats]:
    """One arm's numerators and denominators, one row a unit or cluster."""
    own, under = values[inside], below[inside]
    if cluster is not None:
        place = cluster[0][inside]
        present = np.unique(place)
        own, under = (sums(place, each, cluster[1])[present] for each in (own, under))
    if len(own) < 2:
        raise InputError(f"arm {name} has {len(own)} cluster; at least 2 are needed")
    if not under.sum() > 0.0:
        raise InputError(f"the denominators of arm {name} sum to {under.sum():g}: it has no ratio")
    return own, under


def _level(above: Floats, below: Floats) -> tuple[float, Floats]:
    """An arm's ratio of sums, and what each of its units or clusters adds to it."""
    value = float(above.sum() / below.sum())
    return value, residuals(above, value, below) / below.sum()


def replicate_levels(
    values: Floats, below: Floats, in_b: Bools, cluster: Clusters | None, replicates: int, seed: int
) -> tuple[Floats, Floats]:
    """Each arm's ratio of sums in each replicate [replicates]; NaN where an arm has drawn nothing."""
    columns = [np.where(inside, each, 0.0) for inside in (~in_b, in_b) for each in (values, below)]
    drawn = resampled_sums(columns, cluster, seed, replicates)
    with np.errstate(divide="ignore", invalid="ignore"):
        return drawn[:, 0] / drawn[:, 1], drawn[:, 2] / drawn[:, 3]


def _limits(
    point: float, copies: Floats, influence: tuple[Floats, Floats], interval: str, level: float
) -> tuple[float, float]:
    tails = _tails(level)
    if interval == "normal":
        low, high = point + ndtri(tails) * np.std(copies, ddof=1)
        return float(low), float(high)
    if interval == "bca":
        tails = _bca_tails(point, copies, influence, tails)
    low, high = np.quantile(copies, tails)
    if interval == "basic":
        low, high = 2.0 * point - high, 2.0 * point - low
    return float(low), float(high)


def _bca_tails(point: float, copies: Floats, influence: tuple[Floats, Floats], tails: Floats) -> Floats:
    """Which quantiles of the replicates BCa takes."""
    below = (float(np.mean(copies < point)) + float(np.mean(copies <= point))) / 2.0
    bias = ndtri(min(max(below, 0.5 / len(copies)), 1.0 - 0.5 / len(copies)))
    cubes = sum(float((part**3).sum()) for part in influence)
    squares = sum(float((part**2).sum()) for part in influence)
    acceleration = cubes / squares**1.5 / 6.0
    z = bias + ndtri(tails)
    return np.asarray(ndtr(bias + z / (1.0 - acceleration * z)))


def _p_value(copies: Floats) -> float:
    below, above = int((copies <= 0.0).sum()), int((copies >= 0.0).sum())
    return min(1.0, 2.0 * (min(below, above) + 1) / (len(copies) + 1))
