"""Effects where rows are not independent: rounds of one user, users of one cluster, blocks of a switchback."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import between_0_and_1, coded, vector
from driftline.evaluation.experiment._levels import (
    Effect,
    checked_pair,
    heavy_tail,
    mean_levels,
    satterthwaite,
    sums,
    t_effect,
    variances,
    whole_clusters,
)
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats, Int64s

Correction = Literal["CR0", "CR1", "CR2"]
FEW = 20


def cluster(
    *, value: ArrayLike, arm: ArrayLike, cluster: ArrayLike, correction: Correction = "CR2", level: float = 0.95
) -> Effect:
    """Mean over B's units less mean over A's, with a standard error that knows clusters.

    value, arm, cluster: one row a unit [n]; a cluster may lie in one arm (randomised by cluster) or in both.
    The estimate is the arm's coefficient in least squares of value on arm. `CR0`: the sandwich as it is (Liang &
    Zeger 1986). `CR1`: times G / (G - 1) (n - 1) / (n - 2), as Stata and statsmodels have it. Both use t with G - 1
    degrees of freedom. `CR2`: residuals scaled by (I - H_gg)^(-1/2), exactly unbiased for independent units of
    equal variance, with Satterthwaite degrees of freedom (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018); the
    choice for few or unequal clusters. `n` counts clusters. Warns under 20 clusters an arm.

    Example:
        >>> from driftline.evaluation.experiment import cluster
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = cluster(value=value, arm=arm, cluster=[1, 1, 2, 2, 3, 3, 4, 4])
        >>> round(found.value, 2), round(found.std_error, 3), found.n
        (3.0, 1.803, 4)
    """
    between_0_and_1("level", level)
    if correction not in get_args(Correction):
        raise InputError(f"correction {correction!r} is unknown; {hint(correction, get_args(Correction))}")
    values, in_b = checked_pair(value, arm)
    codes, count = coded("cluster", cluster, len(values))
    sides, means = [], []
    for name, inside in (("A", ~in_b), ("B", in_b)):
        mean = float(values[inside].mean())
        size = np.bincount(codes[inside], minlength=count).astype(np.float64)
        residual = sums(codes[inside], values[inside] - mean, count)
        sides.append(_Side(size.sum(), size, residual))
        means.append(mean)
        if int((size > 0).sum()) < 2:
            raise InputError(f"arm {name} has 1 cluster; at least 2 are needed")
    a, b = sides
    scores = _scores(b, correction) - _scores(a, correction)
    scale = count / (count - 1) * (len(values) - 1) / (len(values) - 2) if correction == "CR1" else 1.0
    in_a = a.size > 0
    return t_effect(
        value=means[1] - means[0],
        variance=scale * float((scores**2).sum()),
        df=_bell_mccaffrey(a, b) if correction == "CR2" else count - 1.0,
        n=count,
        level=level,
        method=f"difference of means (cluster-robust {correction}, t)",
        warnings=(
            *few_clusters(int(in_a.sum()), int((b.size > 0).sum())),
            *heavy_tail(scores[in_a], scores[~in_a]),
        ),
    )


def few_clusters(n_a: int, n_b: int) -> tuple[str, ...]:
    """A warning for each arm with fewer than 20 clusters."""
    return tuple(
        f"arm {name} has {n} clusters, fewer than {FEW}: cluster-robust errors are too small or very uncertain"
        for name, n in (("A", n_a), ("B", n_b))
        if n < FEW
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """One arm, cluster by cluster [G]; clusters without units in it have size 0."""

    units: float
    size: Floats
    residual: Floats
    """Sum of deviations from the arm's mean."""


def _scores(side: _Side, correction: Correction) -> Floats:
    """What each cluster adds to the deviation of the arm's mean."""
    if correction != "CR2":
        return side.residual / side.units
    # H_gg is 1 1' / units within an arm, so (I - H_gg)^(-1/2) multiplies its sums by this
    return side.residual / side.units / np.sqrt(1.0 - side.size / side.units)


def _bell_mccaffrey(a: _Side, b: _Side) -> float:
    """(tr G'G)^2 / tr (G'G)^2 for the CR2 quadratic form under independent units of equal variance.

    Per arm, with s_g = 1 / (units sqrt(1 - size_g / units)): (G'G)_gg = size_g / units^2 and, for g != h,
    -s_g s_h size_g size_h / units; the arms add.
    """
    diagonal = a.size / a.units**2 + b.size / b.units**2
    own, mixed = 0.0, 1.0
    pulls = []
    for side in (a, b):
        pull = side.size / side.units / np.sqrt(1.0 - side.size / side.units)
        own += _off_diagonal(pull) / side.units**2
        pulls.append(pull)
        mixed /= side.units
    squares = float((diagonal**2).sum()) + own + 2.0 * mixed * _cross(pulls[0], pulls[1])
    return float(diagonal.sum()) ** 2 / squares


def _off_diagonal(pull: Floats) -> float:
    """Sum over g != h of (pull_g pull_h)^2."""
    squares = pull * pull
    return float(squares.sum()) ** 2 - float((squares**2).sum())


def _cross(a: Floats, b: Floats) -> float:
    """Sum over g != h of (a_g a_h)(b_g b_h)."""
    product = a * b
    return float(product.sum()) ** 2 - float((product**2).sum())


SwitchbackInterval = Literal["block_t", "newey_west"]


def switchback(
    *,
    value: ArrayLike,
    arm: ArrayLike,
    block: ArrayLike,
    time: ArrayLike | None = None,
    washout: float = 0.0,
    interval: SwitchbackInterval = "block_t",
    lags: int | None = None,
    level: float = 0.95,
) -> Effect:
    """Mean of B's block means less that of A's; every block counts once.

    value, arm: [n]. block: number of the period, ascending in time, wholly in one arm [n]. washout: rows within this
    time after a block that changed arms began (its earliest row's `time` [n]) are left out; what carries over longer
    stays in. `block_t`: Welch's t over blocks, right where arms were drawn independently for each block, or
    where blocks are independent. `newey_west`: Bartlett weights up to `lags` blocks (by default floor(4 (T /
    100)^(2/9)); Newey & West 1987, 1994) on the blocks in order, times T / (T - 2), t with T - 2 degrees of freedom:
    also right where neighbouring blocks are correlated and arms alternate slowly, given many blocks. `n`
    counts blocks. Warns under 20 blocks an arm and where residuals of neighbouring blocks are correlated.

    Example:
        >>> from driftline.evaluation.experiment import switchback
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = switchback(value=value, arm=arm, block=[1, 1, 3, 3, 2, 2, 4, 4])
        >>> round(found.value, 2), found.n
        (3.0, 4)
    """
    between_0_and_1("level", level)
    if interval not in get_args(SwitchbackInterval):
        raise InputError(f"interval {interval!r} is unknown; {hint(interval, get_args(SwitchbackInterval))}")
    values, in_b = checked_pair(value, arm)
    codes, count = coded("block", block, len(values))
    sides = whole_clusters(codes, count, in_b)
    kept = _kept(codes, sides, time, washout)
    size = np.bincount(codes[kept], minlength=count)
    left = size > 0
    means = sums(codes[kept], values[kept], count)[left] / size[left]
    sides = sides[left]
    for name, blocks in (("A", int((~sides).sum())), ("B", int(sides.sum()))):
        if blocks < 2:
            raise InputError(f"arm {name} has {blocks} blocks after the wash-out; at least 2 are needed")
    lags = _checked_lags(lags, len(means))
    return _compared(means, sides, interval, lags, level, (*_few_blocks(sides), *_emptied(count - len(means))))


def _kept(codes: Int64s, sides: Bools, time: ArrayLike | None, washout: float) -> Bools:
    """Rows outside the wash-out."""
    if not washout >= 0.0:
        raise InputError(f"washout must be at least 0, got {washout}")
    if washout == 0.0:
        return np.ones(len(codes), dtype=np.bool_)
    if time is None:
        raise InputError("a washout needs the rows' time")
    times = vector("time", time, len(codes))
    began, ended = np.full(len(sides), np.inf), np.full(len(sides), -np.inf)
    np.minimum.at(began, codes, times)
    np.maximum.at(ended, codes, times)
    if (ended[:-1] > began[1:]).any():
        k = int(np.flatnonzero(ended[:-1] > began[1:])[0])
        raise InputError(f"blocks overlap in time: block {k} ends at {ended[k]:g}, after block {k + 1} begins")
    changed = np.concatenate([[False], sides[1:] != sides[:-1]])
    return np.asarray(~changed[codes] | (times - began[codes] >= washout))


def _checked_lags(lags: int | None, count: int) -> int:
    if lags is None:
        return min(int(4.0 * np.power(count / 100.0, 2.0 / 9.0)), count - 1)
    if not 0 <= lags < count:
        raise InputError(f"lags must lie between 0 and the number of blocks less 1, {count - 1}, got {lags}")
    return int(lags)


def _compared(
    means: Floats, sides: Bools, interval: SwitchbackInterval, lags: int, level: float, warnings: tuple[str, ...]
) -> Effect:
    levels = mean_levels(means, sides)
    parts = variances(levels.own_a, levels.own_b)
    count = len(means)
    score = np.empty(count)
    score[~sides], score[sides] = -levels.own_a, levels.own_b
    long_run = newey_west(score, lags) * count / (count - 2)
    method, variance = "block t", sum(parts)
    df = satterthwaite(parts, (len(levels.own_a), len(levels.own_b)))
    if interval == "newey_west":
        method, variance, df = f"newey-west, {lags} lags, t", long_run, count - 2.0
    residual = np.empty(count)
    residual[~sides], residual[sides] = levels.own_a * len(levels.own_a), levels.own_b * len(levels.own_b)
    return t_effect(
        value=levels.b - levels.a,
        variance=variance,
        df=df,
        n=count,
        level=level,
        method=f"difference of block means (switchback, {method})",
        warnings=(*warnings, *_correlated(residual, sqrt(long_run / sum(parts)) if sum(parts) > 0.0 else 1.0)),
    )


def newey_west(score: Floats, lags: int) -> float:
    """Long-run variance of a sum: sum s_t^2 + 2 sum_l (1 - l / (lags + 1)) sum_t s_t s_{t-l}."""
    total = float((score * score).sum())
    for lag in range(1, lags + 1):
        total += 2.0 * (1.0 - lag / (lags + 1.0)) * float((score[lag:] * score[:-lag]).sum())
    return total


def _few_blocks(sides: Bools) -> tuple[str, ...]:
    return tuple(
        f"arm {name} has {blocks} blocks, fewer than {FEW}: the error of block means is very uncertain"
        for name, blocks in (("A", int((~sides).sum())), ("B", int(sides.sum())))
        if blocks < FEW
    )


def _emptied(blocks: int) -> tuple[str, ...]:
    return (f"{blocks} blocks are empty after the wash-out",) if blocks else ()


def _correlated(residual: Floats, ratio: float) -> tuple[str, ...]:
    total = float((residual * residual).sum())
    lag_one = float((residual[1:] * residual[:-1]).sum()) / total if total > 0.0 else 0.0
    if abs(lag_one) <= 2.0 / sqrt(len(residual)):
        return ()
    found = f"lag 1: {lag_one:.2f}; Newey-West error {ratio:.2f} times that of the block t"
    advice = "take longer blocks, and trust block_t only if each block's arm was drawn independently"
    return (f"neighbouring blocks are correlated ({found}): {advice}",)
