"""Curves over visits: how good an agent is with new users, and regret summed up. Users are the units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import one_of
from driftline.evaluation.bootstrap import resample_users, user_counts
from driftline.evaluation.drift.adaptation import CLEAR, REPLICATES, Delay, replicate_limits
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

LENGTH = 20
"""Visits of a curve, by default."""
PLATEAU = 5
"""Visits at the end whose mean is the level that is reached."""
SHARE = 0.9
"""Something is learned when this share of the way to that level is made."""


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Means by visit number, from a user's first visit on."""

    mean: tuple[Estimate, ...]
    """One per visit, from visit 0; units are users."""
    plateau: Estimate
    """Mean over the last five visits of the curve."""
    learned: Delay
    """First visit at which 90 % of the way from the first visit to the plateau is made."""
    users: int
    left_out: int
    """Users with too few visits."""


def cold_start_curve(
    user: ArrayLike,
    value: ArrayLike,
    *,
    length: int = LENGTH,
    better: Literal["higher", "lower"] = "higher",
    complete: bool = True,
    seed: int = 0,
) -> LearningCurve:
    """Mean value at each of a new user's first `length` visits.

    Arrays hold one row per visit, sorted by (user, visit), and begin with each user's very first one: pass cold
    users only. value [n]: reward (`better="higher"`), regret or tracking error (`"lower"`). `complete`: only
    users with at least `length` visits, so that every point is about the same users; otherwise users who stay
    longer, who may be the easier ones, stand behind the far end. `learned`: the curve is made monotone by
    isotonic least squares weighted by users (Robertson, Wright & Dykstra 1988); it is the first visit at which 90 %
    of the way from the first visit's fitted value to the plateau (mean of the last five visits) is made, NaN where
    the plateau is not better than the first visit by three standard errors. Intervals: bootstrap over users.

    Example:
        >>> from driftline.evaluation.drift import cold_start_curve
        >>> import numpy as np
        >>> user, visit = np.repeat(np.arange(30), 20), np.tile(np.arange(20), 30)
        >>> found = cold_start_curve(user, 1.0 - 0.5**visit)
        >>> found.learned.value, found.users
        (4.0, 30)
    """
    who = visits_in_order(user, {"value": value})
    worth = np.asarray(value, dtype=np.float64)
    one_of("better", better, ("higher", "lower"))
    if length < PLATEAU + 1:
        raise InputError(f"length is {length}; it must be at least {PLATEAU + 1} visits")
    if not np.isfinite(worth).all():
        raise InputError(f"value of row {int(np.flatnonzero(~np.isfinite(worth))[0])} is not finite")
    users, total, count, left_out = _by_visit(who, worth, length, complete)
    names = [f"value at visit {v}" for v in range(length)] + ["plateau"]
    last = slice(length - PLATEAU, length)
    totals, counts = [*total, total[last].sum(axis=0)], [*count, count[last].sum(axis=0)]
    made = ratios(users, totals, counts, seed, names)
    sign = 1.0 if better == "higher" else -1.0
    learned = _learned(sign * total, count, user_counts(users, seed, REPLICATES))
    return LearningCurve(tuple(made[:-1]), made[-1], learned, len(users), left_out)


def dynamic_regret(value_best: Floats, value_shown: Floats) -> Floats:
    """Cumulative regret after each visit [n], in units of reward, visits in order of time.

    sum_{s <= t} (value_best_s - value_shown_s): the comparator is the best slate of *each* moment, not the
    best fixed one in hindsight (Zinkevich 2003; Besbes, Gur & Zeevi 2015). Its slope tells what drift costs:
    a straight line means that the agent never catches up.

    Example:
        >>> from driftline.evaluation.drift import dynamic_regret
        >>> import numpy as np
        >>> dynamic_regret(np.array([0.5, 0.5, 0.5]), np.array([0.5, 0.1, 0.4])).round(3).tolist()
        [0.0, 0.4, 0.5]
    """
    if len(value_best) != len(value_shown):
        raise InputError(f"values need equal lengths, got {len(value_best)} and {len(value_shown)}")
    return np.cumsum(value_best - value_shown)


def visit_mean(user: Int64s, values: Floats, *, seed: int = 0, method: str = "mean over visits") -> Estimate:
    """Mean over visits [n] with a bootstrap interval over whole users (see `resample_users`); NaN is left out.

    Example:
        >>> from driftline.evaluation.drift import visit_mean
        >>> import numpy as np
        >>> round(visit_mean(np.array([1, 1, 2]), np.array([1.0, 0.0, 0.5])).value, 3)
        0.5
    """
    users, code = np.unique(user, return_inverse=True)
    known = ~np.isnan(values)
    total = np.bincount(code[known], values[known], minlength=len(users)).astype(np.float64)
    count = np.bincount(code[known], minlength=len(users)).astype(np.float64)
    return ratios(users, [total], [count], seed, [method])[0]


def _by_visit(who: Int64s, worth: Floats, length: int, complete: bool) -> tuple[Int64s, Floats, Floats, int]:
    """The users that count, sums and numbers of values by visit [length, users], and how many users are left out."""
    users, code, visits = np.unique(who, return_inverse=True, return_counts=True)
    # users' visits stand together, but their users need not ascend
    begins = np.flatnonzero(np.concatenate([[True], who[1:] != who[:-1]])) if len(who) else np.empty(0, np.int64)
    visit = np.arange(len(who)) - np.repeat(begins, visits[code[begins]])
    kept = visits >= length if complete else np.ones(len(users), bool)
    if not kept.any():
        raise InputError(f"none of {len(users)} users has {length} visits; shorten `length`")
    rows = kept[code] & (visit < length)
    new = np.cumsum(kept) - 1
    shape = (length, int(kept.sum()))
    cell = visit[rows] * shape[1] + new[code[rows]]
    total = np.bincount(cell, worth[rows], minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    return users[kept], total, count, len(users) - shape[1]


def _learned(total: Floats, count: Floats, weights: Floats) -> Delay:
    length, users = total.shape
    value = _first_learned(total.sum(axis=1), count.sum(axis=1))
    whole = (count > 0).all(axis=0)
    gain = (total[-PLATEAU:].sum(axis=0) / PLATEAU - total[0])[whole]
    error = float(gain.std(ddof=1)) / sqrt(len(gain)) if len(gain) > 1 else nan
    if isnan(error) or not gain.mean() > CLEAR * error:
        return Delay(nan, nan, nan, float(length - 1), users)
    # no BLAS: the sums must not depend on its number of threads
    above, below = np.einsum("ru,vu->rv", weights, total), np.einsum("ru,vu->rv", weights, count)
    drawn = [_first_learned(*pair) for pair in zip(above, below, strict=True)]
    return Delay(value, *replicate_limits(drawn), float(length - 1), users)


def _first_learned(total: Floats, count: Floats) -> float:
    """NaN where a visit has no user or nothing was gained, infinite where the way is never made."""
    if (count <= 0).any():
        return nan
    from scipy.optimize import isotonic_regression

    curve = total / count
    fitted = isotonic_regression(curve, weights=count).x
    goal = float(total[-PLATEAU:].sum() / count[-PLATEAU:].sum())
    if not goal > fitted[0]:
        return nan
    there = np.flatnonzero(fitted >= fitted[0] + SHARE * (goal - fitted[0]))
    return float(there[0]) if len(there) else inf


def ratios(
    users: Int64s, totals: Sequence[Floats], counts: Sequence[Floats], seed: int, methods: Sequence[str]
) -> list[Estimate]:
    """Several ratios of sums over the same users [users], resampled together."""
    several = [Terms(top=total, bottom=count, used=count > 0) for total, count in zip(totals, counts, strict=True)]
    found = resample_users(several, user_counts(users, seed))
    return [each.estimate(f"{method} (bootstrap)") for each, method in zip(found, methods, strict=True)]


def visits_in_order(user: ArrayLike, columns: Mapping[str, ArrayLike]) -> Int64s:
    """The users [n]; InputError unless every column has one entry per visit and each user's visits are together."""
    who = np.asarray(user)
    if who.ndim != 1 or who.dtype.kind not in "iu":
        raise InputError(f"user must be whole numbers [n], got {who.dtype} {who.shape}")
    for name, column in columns.items():
        if np.shape(column)[:1] != who.shape:
            raise InputError(f"{name} has shape {np.shape(column)} for {len(who)} visits")
    starts = np.flatnonzero(np.concatenate([[True], who[1:] != who[:-1]])) if len(who) else np.empty(0, np.int64)
    if len(np.unique(who[starts])) != len(starts):
        raise InputError("a user's visits must stand together, in order of time: sort by (user, visit)")
    return who.astype(np.int64)
