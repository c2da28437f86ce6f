"""A number with its interval: Student's t, shares, values that do not vary, and folds of whole users."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import expm1, isinf, log1p, nan, sqrt

import numpy as np
from scipy.special import ndtri, stdtrit

from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval. NaN limits: the interval cannot be told (fewer than two units)."""

    value: float
    std_error: float
    low: float
    high: float
    n: int
    """How many independent units (users, rounds, slates, seeds) stand behind it."""
    method: str = ""
    """What was estimated and how the interval was made, such as `snips (delta)`."""
    warnings: tuple[str, ...] = ()
    """What speaks against trusting it, one line each; empty where nothing does."""


LEVEL = 0.95
ENOUGH_SEEDS = 5
"""With fewer, an interval over seeds says little, and the one over users stands beside it."""


def t_interval(values: Floats) -> Estimate:
    """The mean of independent values with Student's interval (n - 1 degrees of freedom).

    Examples:
        >>> found = t_interval(np.array([1.0, 2.0, 3.0]))
        >>> found.value, round(found.low, 3), round(found.high, 3)
        (2.0, -0.484, 4.484)
    """
    n = len(values)
    mean = float(np.mean(values)) if n else nan
    if n < 2:
        return Estimate(mean, nan, nan, nan, n)
    error = float(np.std(values, ddof=1)) / sqrt(n)
    reach = t_quantile(0.5 + LEVEL / 2, n - 1) * error
    return Estimate(mean, error, mean - reach, mean + reach, n)


def normal_reach(std_error: float, level: float = LEVEL) -> float:
    """Half the width of the two-sided normal interval.

    Examples:
        >>> round(normal_reach(1.0), 3)
        1.96
    """
    return float(ndtri(0.5 + level / 2)) * std_error


def t_quantile(share: float, freedom: float) -> float:
    """Quantile of Student's t with `freedom` degrees of freedom; the normal's where they are infinite.

    Examples:
        >>> round(t_quantile(0.975, 10), 3)
        2.228
    """
    return float(ndtri(share) if isinf(freedom) else stdtrit(freedom, share))


def wilson(hits: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a share of hits among n (Wilson 1927, no continuity correction).

    Examples:
        >>> low, high = wilson(1, 10)
        >>> round(low, 4), round(high, 4)
        (0.0179, 0.4042)
    """
    z = normal_reach(1.0, level)
    share, room = hits / n, z * z / n
    centre = (share + room / 2) / (1 + room)
    reach = sqrt(share * (1 - share) * room + room * room / 4) / (1 + room)
    # exact at the ends, where rounding would leave 1e-17
    return (0.0 if hits == 0 else centre - reach), (1.0 if hits == n else centre + reach)


FLAT = "the values do not vary: there is no standard error and no interval"
"""The one warning beside NaN limits, where nothing varies and nothing is known of what might have come."""
BOUNDED = "the values do not vary: the limits are the exact ones that their bounds and their number leave"


def unvaried(at: float, n: float, bounds: tuple[float, float], level: float = LEVEL) -> tuple[float, float]:
    """Exact limits of the mean of n independent values that all came out as `at`; they hold at every n.

    bounds: smallest and largest possible value, known beforehand. Values elsewhere have at most the probability
    q = 1 - (1 - level)^(1 / n), else all n would hardly agree; the mean is furthest off where they lie at a bound
    (Clopper & Pearson 1934 with no hits; "rule of three"). One-sided where `at` is a bound itself: all zeros of
    rewards in [0, 1] give [0, q]. `InputError` where `at` lies outside the bounds.

    Examples:
        >>> low, high = unvaried(0.0, 100, (0.0, 1.0))
        >>> low, round(high, 4)
        (0.0, 0.0295)
    """
    low, high = bounds
    if not low <= at <= high or not low < high:
        raise InputError(f"bounds are {low:g} and {high:g}; the first must be below the second, and values between")
    elsewhere = -expm1(log1p(-level) / n)
    return at - elsewhere * (at - low), at + elsewhere * (high - at)


def stratified_t(parts: Sequence[Estimate]) -> Estimate:
    """The mean of the means of independent groups, each with its own standard error over its own units.

    Student's interval with the degrees of freedom of Welch (1947) and Satterthwaite (1946); it speaks of these very
    groups, and says nothing about others. parts: means with Student's intervals, such as one a seed. NaN limits where a
    part has none.

    Examples:
        >>> found = stratified_t([t_interval(np.array([1.0, 2.0, 3.0])), t_interval(np.array([2.0, 3.0, 4.0]))])
        >>> found.value, round(found.low, 3), round(found.high, 3), found.n
        (2.5, 1.367, 3.633, 6)
    """
    value, units = float(np.mean([part.value for part in parts])), sum(part.n for part in parts)
    squares = [part.std_error**2 for part in parts]
    whole = sum(squares)
    error = sqrt(whole) / len(parts)
    parts_of_freedom = sum(square**2 / (part.n - 1) for square, part in zip(squares, parts, strict=True) if square > 0)
    reach = t_quantile(0.5 + LEVEL / 2, whole**2 / parts_of_freedom) * error if parts_of_freedom > 0 else error
    return Estimate(value, error, value - reach, value + reach, units)


def paired_t(a: Floats, b: Floats) -> Estimate:
    """The mean of b - a over pairs with Student's interval.

    Examples:
        >>> paired_t(np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 5.0])).value
        0.5
    """
    if len(a) != len(b):
        raise ValueError(f"pairs need equal lengths, got {len(a)} and {len(b)}")
    return t_interval(b - a)


def smallest_difference(std_error: float, n: int, power: float = 0.8) -> float:
    """The smallest true difference that a two-sided 5 % t test on n units shows with this power.

    Solves for the non-centrality at which the noncentral t exceeds the critical value (Cohen 1988, ch. 2),
    times the standard error as estimated. NaN for fewer than two units.

    Examples:
        >>> round(smallest_difference(0.1, 20), 3)
        0.295
    """
    if n < 2:
        return nan
    # a slow import, and scipy.special has no noncentral t with an accurate upper tail
    from scipy.stats import nct

    critical = t_quantile(0.5 + LEVEL / 2, n - 1)
    low, high = 0.0, 1.0
    while nct.sf(critical, n - 1, high) < power:
        high *= 2.0
    for _ in range(60):
        middle = (low + high) / 2
        reached = nct.sf(critical, n - 1, middle) + nct.cdf(-critical, n - 1, middle) >= power
        low, high = (low, middle) if reached else (middle, high)
    return high * std_error


def user_folds(user: Int64s, *, folds: int = 3, seed: int = 0) -> Int64s:
    """The fold 0..folds - 1 of each round [n]: users in a keyed order are dealt out in turn.

    user: [n] whole numbers or any labels (labels are keyed by their sorted rank). Folds differ by at most one user. The
    order of rounds plays no part. InputError: folds below 2, fewer users than folds.

    Examples:
        >>> fold = user_folds(np.array([5, 5, 9, 9, 2]), folds=3)
        >>> bool(fold[0] == fold[1]), sorted(set(fold.tolist()))
        (True, [0, 1, 2])
    """
    if folds < 2:
        raise InputError(f"folds is {folds}; at least 2 are needed, or each round is scored by a model that knows it")
    label, place = np.unique(np.asarray(user), return_inverse=True)
    if len(label) < folds:
        raise InputError(f"user has {len(label)} distinct values for {folds} folds; a fold needs at least 1 user")
    key = label.astype(np.int64) if np.issubdtype(label.dtype, np.integer) else np.arange(len(label))
    order = np.lexsort((key, keyed.uniforms(seed, keyed.Stream.FOLDS, key, key >> 32)))
    fold = np.empty(len(label), dtype=np.int64)
    fold[order] = np.arange(len(label)) % folds
    return np.asarray(fold[place], dtype=np.int64)
