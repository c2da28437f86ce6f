"""Intervals that hold at every n, and at every n at once, for independent rounds whose terms lie in a known range.

They cover the mean of the estimator's terms, which for methods that tame weights is not the policy's value.

Confidence sequences are made by betting against the value: the predictable plug-in empirical-Bernstein sequence of
Waudby-Smith & Ramdas (2024, "Estimating means of bounded random variables by betting", theorem 2), in its one-sided
form. For x_1, x_2, ... >= 0 with a common mean, independent or at least with that mean given the past, at every t with
probability at least 1 - alpha

    mean >= [sum l_i x_i - log(1 / alpha) - sum (x_i - m_{i-1})^2 psi(l_i)] / sum l_i,   psi(l) = -log(1 - l) - l,

where l_i in [0, 1/2] and the running mean m_{i-1} <= 1 depend on x_1 .. x_{i-1} only. The lower limit needs no
upper bound on x (Fan's inequality needs x_i - m_{i-1} >= -1 only), so importance weights may be as large as they
like; the upper limit is the same for the mirrored reward (Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro 2024).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log, log1p, sqrt

import numpy as np

from driftline.evaluation.interval import Bounds, IntervalName
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats


def per_round(terms: Terms) -> Floats:
    """Terms whose mean the estimator is [n]."""
    base = np.zeros(terms.n) if terms.base is None else terms.base
    return base if terms.top is None else base + terms.top


def hoeffding(values: Floats, low: float, high: float, level: float) -> tuple[float, float]:
    """Mean +- (high - low) sqrt(log(2 / alpha) / (2 n)) (Hoeffding 1963), alpha = 1 - level, two-sided.

    Examples:
        >>> low, high = hoeffding(np.tile([0.0, 1.0], 500), 0.0, 1.0, level=0.95)
        >>> round(low, 3), round(high, 3)
        (0.457, 0.543)
    """
    mean, reach = float(values.mean()), (high - low) * sqrt(log(2.0 / (1.0 - level)) / (2 * len(values)))
    return mean - reach, mean + reach


def empirical_bernstein(values: Floats, low: float, high: float, level: float) -> tuple[float, float]:
    """Maurer & Pontil 2009, theorem 4, on both sides with alpha / 2 each.

    Mean +- [sqrt(2 V L / n) + 7 (high - low) L / (3 (n - 1))], L = log(4 / alpha), V the variance with divisor n - 1.

    Examples:
        >>> low, high = empirical_bernstein(np.tile([0.0, 1.0], 500), 0.0, 1.0, level=0.95)
        >>> round(low, 3), round(high, 3)
        (0.443, 0.557)
    """
    n = len(values)
    if n < 2:
        return low, high
    logs = log(4.0 / (1.0 - level))
    reach = sqrt(2.0 * float(np.var(values, ddof=1)) * logs / n) + 7.0 * (high - low) * logs / (3.0 * (n - 1))
    mean = float(values.mean())
    return mean - reach, mean + reach


def known(bounds: Bounds | None, interval: IntervalName) -> Bounds:
    """The bounds, which such an interval cannot do without."""
    if bounds is None:
        raise InputError(f"interval {interval!r} needs bounds: what rewards and weights can be, not what this log has")
    return bounds


def within_reward(rounds: Rounds, names: Iterable[str], bounds: Bounds) -> tuple[float, float]:
    """The range of rewards; an error where a vector of the log, or of the reward model, leaves it."""
    low, high = bounds.reward
    for name in names:
        values = rounds.need(name, "an interval with bounds")
        at = int(np.argmax(np.maximum(low - values, values - high)))
        if not low - 1e-9 <= values[at] <= high + 1e-9:
            raise InputError(f"{name}[{at}] is {values[at]:g}; bounds.reward says {low:g} to {high:g}")
    return low, high


LARGEST_BET = 0.5


@dataclass(frozen=True, slots=True)
class Sequence:
    """Limits after each round [n]; each already holds the best limit so far, so they only tighten."""

    low: Floats
    high: Floats


@kernel
def lower_sequence(values: Floats, alpha: float) -> Floats:
    """Lower limits of the mean of values >= 0 after each of them [n], all at once with error alpha.

    l_t = min(1/2, sqrt(2 log(1 / alpha) / (s_{t-1} t log(1 + t)))), with s_t = (1/4 + sum (x_i - m_i)^2) / (t + 1)
    and m_t = min(1, (1/2 + sum x_i) / (t + 1)). Limits are never below 0 and never fall.
    """
    out = np.empty(values.size)
    mean, spread = 0.5, 0.25
    total, squares = 0.5, 0.25
    bets, won, paid = 0.0, 0.0, log(1.0 / alpha)
    best = 0.0
    for i in range(values.size):
        t = i + 1.0
        bet = min(LARGEST_BET, sqrt(2.0 * log(1.0 / alpha) / (spread * t * log1p(t))))
        x = values[i]
        bets += bet
        won += bet * x
        paid += (x - mean) * (x - mean) * (-log1p(-bet) - bet)
        best = max(best, (won - paid) / bets)
        out[i] = best
        total += x
        mean = min(1.0, total / (t + 1.0))
        squares += (x - mean) * (x - mean)
        spread = squares / (t + 1.0)
    return out


def bounded_sequence(values: Floats, low: float, high: float, level: float) -> Sequence:
    """Limits of the mean of values in [low, high]; (1 - level) / 2 on each side.

    Examples:
        >>> limits = bounded_sequence(np.full(500, 0.5), 0.0, 1.0, level=0.95)
        >>> bool((np.diff(limits.high - limits.low) <= 0).all()), bool(limits.low[-1] < 0.5 < limits.high[-1])
        (True, True)
    """
    alpha, width = (1.0 - level) / 2, high - low
    lower = low + width * lower_sequence((values - low) / width, alpha)
    upper = high - width * lower_sequence((high - values) / width, alpha)
    return Sequence(lower, upper)


def weighted_sequence(reward: Floats, weight: Floats, low: float, high: float, level: float) -> Sequence:
    """Limits of E[w r] for rewards in [low, high] and weights >= 0 with mean 1 and no known bound.

    Both w (r - low) and w (high - r) are at least 0; the second gives the upper limit, since E[w] = 1.

    Examples:
        >>> limits = weighted_sequence(np.tile([0.0, 1.0], 500), np.ones(1000), 0.0, 1.0, level=0.95)
        >>> bool(limits.low[-1] < 0.5 < limits.high[-1])
        True
    """
    alpha, width = (1.0 - level) / 2, high - low
    lower = low + width * lower_sequence(weight * (reward - low) / width, alpha)
    upper = high - width * lower_sequence(weight * (high - reward) / width, alpha)
    return Sequence(lower, upper)
