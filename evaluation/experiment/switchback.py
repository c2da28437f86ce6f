"""Switchbacks: the whole market changes arms from block to block."""

from math import sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.arms import checked_codes, checked_values, sums, whole_clusters
from driftline.evaluation.experiment.effect import Effect, checked_level, t_effect
from driftline.evaluation.experiment.levels import checked_pair, mean_levels, satterthwaite, variances
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats, Int64s

SwitchbackInterval = Literal["block_t", "newey_west"]
FEW = 20


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
    """
    checked_level(level)
    if interval not in get_args(SwitchbackInterval):
        raise InputError(f"interval {interval!r} is unknown; {hint(interval, get_args(SwitchbackInterval))}")
    values, in_b = checked_pair(value, arm)
    codes, count = checked_codes("block", block, len(values))
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


def _kept(codes: Int64s, sides: Bools, time: ArrayLike | None, washout: float) -> Bools:
    """Rows outside the wash-out."""
    if not washout >= 0.0:
        raise InputError(f"washout must be at least 0, got {washout}")
    if washout == 0.0:
        return np.ones(len(codes), dtype=np.bool_)
    if time is None:
        raise InputError("a washout needs the rows' time")
    times = checked_values("time", time, len(codes))
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
