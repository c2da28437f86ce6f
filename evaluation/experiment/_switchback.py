"""Switchbacks: everybody is shown one arm for a block of time, then another; what carries over from block to block."""

from math import copysign, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import between_0_and_1, coded, one_of, vector, whole_numbers
from driftline.evaluation.experiment._levels import (
    Effect,
    checked_pair,
    critical,
    difference,
    mean_levels,
    satterthwaite,
    sums,
    t_effect,
    variances,
    whole_clusters,
)
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

SwitchbackInterval = Literal["block_t", "newey_west", "paired_t"]
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
    time after a block began (its earliest row's `time` [n]) are left out of every block, whether or not it changed
    arms, so that all blocks are read over the same part; what carries over longer stays in. `block_t`: Welch's t over
    blocks, right where arms were drawn independently for each block, or where blocks are independent. `paired_t`:
    blocks 0 and 1, 2 and 3, ... were drawn in pairs, one of each arm: Student's t over the pairs' differences, whatever
    pairs differ by (randomised blocks of two); needs whole numbers as blocks, and leaves out blocks that lack their
    other one. `newey_west`: Bartlett weights up to `lags` blocks (by default floor(4 (T / 100)^(2/9)); Newey & West
    1987, 1994) on the blocks in order, times T / (T - 2), t with T - 2 degrees of freedom: also right where
    neighbouring blocks are correlated and arms alternate slowly, given many blocks. `n` counts blocks, or pairs. Warns
    under 20 blocks an arm, where residuals of neighbouring blocks are correlated, and where blocks remember the one
    before: the effect differs between the halves of blocks that changed arms (given `time`), or block means follow the
    arm of the block before.

    Example:
        >>> from driftline.evaluation.experiment import switchback
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = switchback(value=value, arm=arm, block=[1, 1, 3, 3, 2, 2, 4, 4])
        >>> round(found.value, 2), found.n
        (3.0, 4)
    """
    between_0_and_1("level", level)
    one_of("interval", interval, get_args(SwitchbackInterval))
    values, in_b = checked_pair(value, arm)
    codes, count = coded("block", block, len(values))
    sides = whole_clusters(codes, count, in_b)
    times = None if time is None else vector("time", time, len(values))
    kept = _kept(codes, sides, times, washout)
    size = np.bincount(codes[kept], minlength=count)
    left = size > 0
    means = sums(codes[kept], values[kept], count)[left] / size[left]
    remembered = _remembered(values, codes, sides, times, kept)
    if interval == "paired_t":
        number = np.unique(whole_numbers("block", block, len(values)))
        return _paired(means, sides[left], number[left], level, remembered)
    sides = sides[left]
    for name, blocks in (("A", int((~sides).sum())), ("B", int(sides.sum()))):
        if blocks < 2:
            raise InputError(f"arm {name} has {blocks} blocks after the wash-out; at least 2 are needed")
    lags = _checked_lags(lags, len(means))
    warnings = (*_few_blocks(sides), *_emptied(count - len(means)), *remembered)
    return _compared(means, sides, interval, lags, level, warnings)


def _kept(codes: Int64s, sides: Bools, times: Floats | None, washout: float) -> Bools:
    """Rows outside the wash-out."""
    if not washout >= 0.0:
        raise InputError(f"washout must be at least 0, got {washout}")
    if times is None:
        if washout > 0.0:
            raise InputError("a washout needs the rows' time")
        return np.ones(len(codes), dtype=np.bool_)
    began, ended = _spans(codes, times, len(sides))
    if (ended[:-1] > began[1:]).any():
        k = int(np.flatnonzero(ended[:-1] > began[1:])[0])
        raise InputError(f"blocks overlap in time: block {k} ends at {ended[k]:g}, after block {k + 1} begins")
    return np.asarray(times - began[codes] >= washout)


def _spans(codes: Int64s, times: Floats, count: int) -> tuple[Floats, Floats]:
    """Each block's first and last time [count]."""
    began, ended = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(began, codes, times)
    np.maximum.at(ended, codes, times)
    return began, ended


def _checked_lags(lags: int | None, count: int) -> int:
    if lags is None:
        return min(int(4.0 * np.power(count / 100.0, 2.0 / 9.0)), count - 1)
    if not 0 <= lags < count:
        raise InputError(f"lags must lie between 0 and the number of blocks less 1, {count - 1}, got {lags}")
    return int(lags)


def _paired(means: Floats, sides: Bools, number: Int64s, level: float, remembered: tuple[str, ...]) -> Effect:
    """Student's t over pairs of blocks that are whole."""
    pair, place, size = np.unique(number // 2, return_inverse=True, return_counts=True)
    in_b = np.bincount(place, weights=sides)
    wrong = np.flatnonzero((size == 2) & (in_b != 1))
    if len(wrong):
        first = 2 * int(pair[wrong[0]])
        raise InputError(f"blocks {first} and {first + 1} are of one arm; paired_t needs one of each in every pair")
    whole = size == 2
    gap = np.bincount(place, weights=np.where(sides, means, -means))[whole]
    if len(gap) < 2:
        raise InputError(f"there are {len(gap)} whole pairs of blocks; at least 2 are needed")
    warnings: tuple[str, ...] = ()
    if len(gap) < FEW:
        warnings = (f"{len(gap)} pairs of blocks, fewer than {FEW}: the error of their difference is very uncertain",)
    if alone := int((~whole).sum()):
        warnings = (*warnings, f"{alone} blocks lack the other one of their pair, and are left out")
    return t_effect(
        value=float(gap.mean()),
        variance=float(gap.var(ddof=1)) / len(gap),
        df=len(gap) - 1.0,
        n=len(gap),
        level=level,
        method="difference of block means (switchback, paired t)",
        warnings=(*warnings, *remembered),
    )


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


SURE = 0.95
"""Level of the test for memory: 5 % of the switchbacks without any are warned of."""


def _remembered(values: Floats, codes: Int64s, sides: Bools, times: Floats | None, kept: Bools) -> tuple[str, ...]:
    """A warning where blocks remember the one before."""
    if times is not None:
        told = _between_halves(values[kept], codes[kept], sides, times[kept])
    else:
        told = _after_the_last(values[kept], codes[kept], sides)
    return (f"blocks remember ({told}): leave out a wash-out, or take longer blocks",) if told else ()


def _between_halves(values: Floats, codes: Int64s, sides: Bools, times: Floats) -> str:
    """Whether the effect is smaller in the first half of the blocks that changed arms; empty where that is not told.

    What carries over fades within a block, so it makes the first half more like the other arm: one-sided.
    """
    count = len(sides)
    changed = np.concatenate([[False], sides[1:] != sides[:-1]])
    own, value, time = (each[changed[codes]] for each in (codes, values, times))
    began, ended = _spans(own, time, count)
    late = time > began[own] / 2.0 + ended[own] / 2.0
    size = [np.bincount(own[half], minlength=count) for half in (~late, late)]
    both = (size[0] > 0) & (size[1] > 0)
    if min(int((both & sides).sum()), int((both & ~sides).sum())) < 2:
        return ""
    first, second = (
        sums(own[half], value[half], count)[both] / many[both] for half, many in zip((~late, late), size, strict=True)
    )
    early, after, gap = (
        difference(mean_levels(each, sides[both]), level=SURE, method="") for each in (first, second, second - first)
    )
    grows = copysign(1.0, early.value + after.value) * gap.statistic
    if not grows > critical(2.0 * SURE - 1.0, gap.df):
        return ""
    return f"the effect is {early.value:.3g} in the first halves of blocks that changed arms, {after.value:.3g} later"


def _after_the_last(values: Floats, codes: Int64s, sides: Bools) -> str:
    """Whether block means follow the arm of the block before, in least squares on own and last arm; empty if not."""
    size = np.bincount(codes, minlength=len(sides))
    now = (size[1:] > 0) & (size[:-1] > 0)
    design = np.column_stack([np.ones(int(now.sum())), sides[1:][now], sides[:-1][now]])
    if len(design) < 6 or np.linalg.matrix_rank(design) < 3:
        return ""  # arms that always alternate say nothing of it
    mean = (sums(codes, values, len(sides))[1:] / np.maximum(size[1:], 1))[now]
    slope, *_ = np.linalg.lstsq(design, mean, rcond=None)
    off, df = mean - design @ slope, len(design) - 3.0
    error = sqrt(float(off @ off) / df * float(np.linalg.inv(design.T @ design)[2, 2]))
    if not abs(slope[2]) > critical(SURE, df) * error:
        return ""
    return f"means are {slope[2]:+.3g} where the block before was of B"


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
