"""A few planned looks: stop early when the boundary is crossed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.arms import checked_values
from driftline.evaluation.experiment.effect import Effect
from driftline.evaluation.experiment.running import streams
from driftline.evaluation.experiment.spending import Boundaries, Convention, Spending, boundaries
from driftline.evaluation.experiment.tails import few_units
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


@dataclass(frozen=True, slots=True)
class GroupSequential:
    """What the looks saw; arrays have one entry a look [k]."""

    look: Int64s
    """Units so far at each look."""
    boundary: Boundaries
    z: Floats
    """Difference over Welch's standard error at each look."""
    low: Floats
    """Repeated confidence limits: difference -+ boundary times standard error."""
    high: Floats
    stopped: int | None
    """Place of the first look that crossed; null where none did."""
    effect: Effect
    """At the look that stopped, or at the last one, with its repeated confidence interval."""


def group_sequential(
    value: ArrayLike,
    arm: ArrayLike,
    *,
    looks: ArrayLike,
    planned: int,
    alpha: float = 0.05,
    spending: Spending = "obrien_fleming",
    convention: Convention = "per_side",
    exponent: float = 3.0,
) -> GroupSequential:
    """Two-sided test of equal means with early stopping, by error spending.

    value, arm: [n] in order of arrival. looks: ascending numbers of units at which one looked [k], at most n and
    planned. planned: units at which the experiment ends; information fractions are looks / planned. `spending`,
    `convention` and `exponent`: see `spending.boundaries`. z is normal at every look (Welch's standard error; arms of a
    few dozen units are the least). The repeated confidence intervals hold at all looks together (Jennison &
    Turnbull 1989). The estimate at an early stop is biased away from 0; `warnings` say so.
    """
    seen = streams(value, arm)
    at = _checked_looks(looks, planned, len(seen.n))
    k = at - 1
    thin = np.flatnonzero((seen.count_a[k] < 2) | (seen.count_b[k] < 2))
    if len(thin):
        raise InputError(f"look {thin[0] + 1}, at {at[thin[0]]} units, has an arm with fewer than 2 units")
    bound = boundaries(at / planned, alpha=alpha, spending=spending, convention=convention, exponent=exponent)
    d, error = seen.value[k], seen.std_error[k]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = d / error
        reach = np.where(error > 0.0, bound.z * error, np.inf)
    crossed = np.flatnonzero(np.abs(z) >= bound.z)
    stopped = int(crossed[0]) if len(crossed) else None
    last = len(at) - 1 if stopped is None else stopped
    warnings = few_units(int(seen.count_a[k[0]]), int(seen.count_b[k[0]]))
    if stopped is not None and at[stopped] < planned:
        warnings = (*warnings, "stopped early: the estimate is biased away from 0; the interval holds")
    effect = Effect(
        float(d[last]),
        float(error[last]),
        float(d[last] - reach[last]),
        float(d[last] + reach[last]),
        int(at[last]),
        f"difference of means (group-sequential, {spending}, {convention}; repeated interval)",
        warnings,
        float(z[last]),
    )
    return GroupSequential(at, bound, z, d - reach, d + reach, stopped, effect)


def _checked_looks(looks: ArrayLike, planned: int, n: int) -> Int64s:
    given = checked_values("looks", looks)
    if not len(given) or (given != np.floor(given)).any() or given[0] < 4 or (np.diff(given) <= 0).any():
        raise InputError(f"looks must be ascending numbers of units, from 4 on, got {given.tolist()}")
    if given[-1] > n or given[-1] > planned:
        raise InputError(f"the last look, at {given[-1]:g} units, is beyond the {n} seen or the {planned} planned")
    return given.astype(np.int64)
