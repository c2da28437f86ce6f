"""Intervals that hold at every n, for independent rounds whose terms lie in a range known beforehand.

They cover the mean of the estimator's terms, which for methods that tame weights is not the policy's value.
"""

from math import log, sqrt

import numpy as np

from driftline.evaluation.off_policy.intervals.precision import Bounds, IntervalName
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.off_policy.terms import MARGINAL, MODEL_BASED, SELF_NORMALISED, Method, Terms, largest_tamed
from driftline.sim.errors import InputError
from driftline.sim.types import Floats


def per_round(terms: Terms) -> Floats:
    """Terms whose mean the estimator is [n]."""
    base = np.zeros(terms.n) if terms.base is None else terms.base
    return base if terms.top is None else base + terms.top


def hoeffding(values: Floats, low: float, high: float, level: float) -> tuple[float, float]:
    """Mean +- (high - low) sqrt(log(2 / alpha) / (2 n)) (Hoeffding 1963), alpha = 1 - level, two-sided."""
    mean, reach = float(values.mean()), (high - low) * sqrt(log(2.0 / (1.0 - level)) / (2 * len(values)))
    return mean - reach, mean + reach


def empirical_bernstein(values: Floats, low: float, high: float, level: float) -> tuple[float, float]:
    """Maurer & Pontil 2009, theorem 4, on both sides with alpha / 2 each.

    Mean +- [sqrt(2 V L / n) + 7 (high - low) L / (3 (n - 1))], L = log(4 / alpha), V the variance with divisor n - 1.
    """
    n = len(values)
    if n < 2:
        return low, high
    logs = log(4.0 / (1.0 - level))
    reach = sqrt(2.0 * float(np.var(values, ddof=1)) * logs / n) + 7.0 * (high - low) * logs / (3.0 * (n - 1))
    mean = float(values.mean())
    return mean - reach, mean + reach


def no_self_normalising(method: Method, interval: IntervalName) -> None:
    """A ratio of sums is no mean of terms."""
    if method in SELF_NORMALISED:
        raise InputError(
            f"interval {interval!r} does not exist for {method}, which divides by a random sum; use 'normal' or "
            "'bootstrap', or ips or dr"
        )


def term_range(
    rounds: Rounds, terms: Terms, lambda_: float, bounds: Bounds | None, interval: IntervalName
) -> tuple[float, float]:
    """The range in which every term must lie, from what is known beforehand; checked against the log."""
    no_self_normalising(terms.method, interval)
    bounds = known(bounds, interval)
    low, high = within_reward(rounds, terms.method, bounds)
    if terms.method == "dm":
        return low, high
    largest = largest_tamed(largest_weight(rounds, terms.method, bounds, interval), terms.method, lambda_)
    if terms.method in MODEL_BASED:
        return low - largest * (high - low), high + largest * (high - low)
    return min(0.0, largest * low), max(0.0, largest * high)


def known(bounds: Bounds | None, interval: IntervalName) -> Bounds:
    """The bounds, which such an interval cannot do without."""
    if bounds is None:
        raise InputError(f"interval {interval!r} needs bounds: what rewards and weights can be, not what this log has")
    return bounds


def within_reward(rounds: Rounds, method: Method, bounds: Bounds) -> tuple[float, float]:
    """The range of rewards; an error where the log or the reward model leaves it."""
    low, high = bounds.reward
    names = ("q_expected",) if method == "dm" else ("reward", "q_action", "q_expected")
    for name in names if method in MODEL_BASED else ("reward",):
        values = rounds.need(name, method)
        at = int(np.argmax(np.maximum(low - values, values - high)))
        if not low - 1e-9 <= values[at] <= high + 1e-9:
            raise InputError(f"{name}[{at}] is {values[at]:g}; bounds.reward says {low:g} to {high:g}")
    return low, high


def largest_weight(rounds: Rounds, method: Method, bounds: Bounds, interval: IntervalName) -> float:
    """The largest possible weight; an error where it is not stated or the log has a larger one."""
    if bounds.weight is None:
        raise InputError(f"interval {interval!r} of {method} needs bounds.weight, such as 1 / smallest propensity")
    weight = rounds.need("embedding_weight", method) if method in MARGINAL else rounds.weight
    at = int(np.argmax(weight))
    if weight[at] > bounds.weight * (1 + 1e-9):
        raise InputError(f"the weight of round {at} is {weight[at]:g}; bounds.weight says at most {bounds.weight:g}")
    return bounds.weight
