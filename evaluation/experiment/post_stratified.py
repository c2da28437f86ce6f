"""Post-stratification: compare like with like, then weigh the strata."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.arms import checked_codes, checked_values, sums
from driftline.evaluation.experiment.effect import Effect, checked_level, t_effect
from driftline.evaluation.experiment.levels import checked_pair
from driftline.evaluation.experiment.tails import few_units
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

SMALL = 10


def post_stratified(
    *,
    value: ArrayLike,
    arm: ArrayLike,
    stratum: ArrayLike,
    shares: ArrayLike | None = None,
    level: float = 0.95,
) -> Effect:
    """sum over strata of w_s (mean_b,s - mean_a,s).

    value, arm: [n], as in `welch`. stratum: any labels known before the experiment [n]. w_s: the stratum's share
    of all units, or the population's `shares` (one a stratum, in sorted order of the labels; made to sum to 1).
    Variance: sum w_s^2 (var_a,s / n_a,s + var_b,s / n_b,s), divisors n - 1 (Miratrix, Sekhon & Yu 2013, given the
    split); where the w_s are the sample's, plus sum w_s (effect_s - effect)^2 / n, since other users would bring
    other shares (Welch's variance holds that part too). Degrees of freedom by Satterthwaite over the cells.
    InputError: a stratum with fewer than 2 units of an arm; merge it with another.
    """
    checked_level(level)
    values, in_b = checked_pair(value, arm)
    codes, count = checked_codes("stratum", stratum, len(values))
    cell = codes * 2 + in_b
    size = np.bincount(cell, minlength=2 * count).reshape(count, 2)
    _check_cells(size, np.unique(np.asarray(stratum)))
    mean = (sums(cell, values, 2 * count).reshape(count, 2)) / size
    off = values - mean.reshape(-1)[cell]
    variance = sums(cell, off * off, 2 * count).reshape(count, 2) / (size - 1)
    weight = _weights(size, shares)
    effects = mean[:, 1] - mean[:, 0]
    effect = float(weight @ effects)
    parts = weight[:, None] ** 2 * variance / size
    between = float(weight @ (effects - effect) ** 2) / len(values) if shares is None else 0.0
    within = float(parts.sum())
    below = float((parts**2 / (size - 1)).sum())
    total = size.sum(axis=0)
    return t_effect(
        value=effect,
        variance=within + between,
        df=(within**2 / below) if below > 0.0 else float(len(values) - 2 * count),
        n=len(values),
        level=level,
        method=f"difference of means (post-stratified, {count} strata, t)",
        warnings=(*few_units(int(total[0]), int(total[1])), *_small_cells(size)),
    )


def _check_cells(size: Int64s, labels: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    thin = np.argwhere(size < 2)
    if len(thin):
        row, side = thin[0]
        name = "AB"[side]
        found = f"stratum {labels[row]!s} has {size[row, side]} units of arm {name}"
        raise InputError(f"{found}; at least 2 are needed: merge it with another")


def _weights(size: Int64s, shares: ArrayLike | None) -> Floats:
    if shares is None:
        return np.asarray(size.sum(axis=1) / size.sum())
    given = checked_values("shares", shares)
    if len(given) != len(size):
        raise InputError(f"shares has {len(given)} entries, there are {len(size)} strata")
    if not (given > 0.0).all():
        raise InputError(f"shares must be above 0, got {given.min()}")
    return np.asarray(given / given.sum())


def _small_cells(size: Int64s) -> tuple[str, ...]:
    small = int((size < SMALL).any(axis=1).sum())
    if not small:
        return ()
    return (f"{small} of {len(size)} strata have fewer than {SMALL} units of an arm: their variances are rough",)
