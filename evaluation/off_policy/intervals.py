"""Delta, concentration, anytime.

Standard errors by the delta method: the spread of each round's influence on the value.

For mean(base) + mean(top) / mean(bottom) the influence of round i is

    psi_i = base_i - mean(base) + (top_i - R bottom_i) / mean(bottom),   R = mean(top) / mean(bottom),

and the variance of the value is sum psi_i^2 / (n (n - 1)). The normaliser is never treated as fixed (for SNIPS:
Owen 2013, "Monte Carlo theory, methods and examples", ch. 9.2). With clusters the psi are first summed in each
cluster c: G / (G - 1) sum_c (sum_{i in c} psi_i)^2 / n^2 (Liang & Zeger 1986), G being the number of clusters.

How an interval is asked for.

Intervals that hold at every n, for independent rounds whose terms lie in a range known beforehand.

They cover the mean of the estimator's terms, which for methods that tame weights is not the policy's value.

Intervals that hold at every n at once: confidence sequences by betting against the value.

The predictable plug-in empirical-Bernstein sequence of Waudby-Smith & Ramdas (2024, "Estimating means of bounded
random variables by betting", theorem 2), in its one-sided form. For x_1, x_2, ... >= 0 with a common mean,
independent or at least with that mean given the past, at every t with probability at least 1 - alpha

    mean >= [sum l_i x_i - log(1 / alpha) - sum (x_i - m_{i-1})^2 psi(l_i)] / sum l_i,   psi(l) = -log(1 - l) - l,

where l_i in [0, 1/2] and the running mean m_{i-1} <= 1 depend on x_1 .. x_{i-1} only. The lower limit needs no
upper bound on x (Fan's inequality needs x_i - m_{i-1} >= -1 only), so importance weights may be as large as they
like; the upper limit is the same for the mirrored reward (Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro 2024).
"""

from dataclasses import dataclass
from math import inf, log, log1p, nan, sqrt
from typing import Literal, get_args

import numpy as np

from driftline.evaluation.estimate import t_quantile
from driftline.evaluation.off_policy.rounds import Codes, Rounds, one_of, share
from driftline.evaluation.off_policy.terms import MARGINAL, MODEL_BASED, SELF_NORMALISED, Method, Terms, largest_tamed
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats


@dataclass(frozen=True, slots=True)
class Delta:
    """A value and what the delta method says about it."""

    value: float
    std_error: float
    units: int
    """Independent units: rounds, or clusters."""
    effective_units: float
    """(sum psi^2)^2 / sum psi^4: on how many units the variance rests; a third of them for normal psi."""


@kernel
def _square_sums(base: Floats, top: Floats, bottom: Floats, ratio: float, scale: float, shift: float) -> Floats:
    """Sums of psi^2 and psi^4; empty arrays stand for base = 0, top = 0, bottom = 1."""
    n = max(base.size, top.size)
    squares = 0.0
    fourths = 0.0
    for i in range(n):
        psi = -shift
        if base.size:
            psi += base[i]
        if top.size:
            psi += (top[i] - ratio * (bottom[i] if bottom.size else 1.0)) / scale
        squares += psi * psi
        fourths += psi * psi * psi * psi
    return np.array([squares, fourths])


NOTHING = np.empty(0)


def value_of(terms: Terms) -> float:
    """The estimator's value."""
    base = 0.0 if terms.base is None else float(terms.base.mean())
    top, bottom = _means(terms)
    return base + top / bottom


def influence(terms: Terms) -> Floats:
    """The psi of every round [n]; they sum to 0."""
    top, bottom = _means(terms)
    psi = np.zeros(terms.n)
    if terms.base is not None:
        psi += terms.base - terms.base.mean()
    if terms.top is not None:
        psi += (terms.top - (top / bottom) * (1.0 if terms.bottom is None else terms.bottom)) / bottom
    return psi


def delta(terms: Terms, cluster: tuple[Codes, int] | None = None) -> Delta:
    """Value and standard error; NaN errors for fewer than two units. Replay's units are the rounds that match."""
    value = value_of(terms)
    if cluster is None:
        units = terms.used
        squares, fourths = _sums(terms)
    else:
        sums = np.bincount(cluster[0], weights=influence(terms), minlength=cluster[1])
        units = cluster[1]
        squares, fourths = float(np.sum(sums**2)), float(np.sum(sums**4))
    if units < 2:
        return Delta(value, nan, units, nan)
    std_error = sqrt(squares * (units / (units - 1))) / terms.n
    effective = squares * squares / fourths if fourths > 0 else nan
    return Delta(value, std_error, units, effective)


def normal_limits(found: Delta, level: float, clustered: bool) -> tuple[float, float]:
    """Symmetric limits: normal quantile, or Student's t with clusters - 1 degrees of freedom."""
    freedom = found.units - 1 if clustered else inf
    if found.units < 2:
        return nan, nan
    quantile = t_quantile(0.5 + level / 2, freedom)
    return found.value - quantile * found.std_error, found.value + quantile * found.std_error


def _means(terms: Terms) -> tuple[float, float]:
    top = 0.0 if terms.top is None else float(terms.top.mean())
    bottom = 1.0 if terms.bottom is None else float(terms.bottom.mean())
    if bottom == 0.0:
        raise InputError(f"{terms.method}: all weights are 0, there is nothing to normalise by")
    return top, bottom


def _sums(terms: Terms) -> tuple[float, float]:
    top, bottom = _means(terms)
    shift = 0.0 if terms.base is None else float(terms.base.mean())
    base, above, below = (NOTHING if each is None else each for each in (terms.base, terms.top, terms.bottom))
    squares, fourths = _square_sums(base, above, below, top / bottom, bottom, shift)
    return float(squares), float(fourths)


IntervalName = Literal["normal", "bootstrap", "hoeffding", "empirical_bernstein", "anytime"]
INTERVALS: tuple[IntervalName, ...] = get_args(IntervalName)
REPLICATES = 1000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known beforehand about the size of rewards and weights. Never take it from the log itself."""

    reward: tuple[float, float] = (0.0, 1.0)
    """Smallest and largest possible reward; the reward model's predictions must keep to it too."""
    weight: float | None = None
    """Largest possible importance weight, such as 1 / smallest propensity."""

    def __post_init__(self) -> None:
        low, high = self.reward
        if not low < high:
            raise InputError(f"bounds.reward is {self.reward}; the first must be below the second")
        if self.weight is not None and not self.weight >= 1.0:
            raise InputError(f"bounds.weight is {self.weight:g}; must be at least 1, since weights are 1 on average")


@dataclass(frozen=True, slots=True)
class Precision:
    """Which interval, at which level.

    `normal`: delta method, normal quantile; with clusters, Student's t with clusters - 1 degrees of freedom.
    `bootstrap`: percentiles over Poisson counts. `hoeffding`, `empirical_bernstein`: hold at every n, given bounds.
    `anytime`: holds at every n at once, so the log may be looked at as often as one likes.
    """

    interval: IntervalName = "normal"
    level: float = LEVEL
    seed: int = 0
    """Of the bootstrap."""
    replicates: int = REPLICATES
    """Of the bootstrap."""
    bounds: Bounds | None = None
    """For the intervals that hold at every n."""

    def __post_init__(self) -> None:
        one_of("interval", self.interval, INTERVALS)
        share("level", self.level)
        if self.replicates < 2:
            raise InputError(f"replicates is {self.replicates}; must be at least 2")


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
    """Limits of the mean of values in [low, high]; (1 - level) / 2 on each side."""
    alpha, width = (1.0 - level) / 2, high - low
    lower = low + width * lower_sequence((values - low) / width, alpha)
    upper = high - width * lower_sequence((high - values) / width, alpha)
    return Sequence(lower, upper)


def weighted_sequence(reward: Floats, weight: Floats, low: float, high: float, level: float) -> Sequence:
    """Limits of E[w r] for rewards in [low, high] and weights >= 0 with mean 1 and no known bound.

    Both w (r - low) and w (high - r) are at least 0; the second gives the upper limit, since E[w] = 1.
    """
    alpha, width = (1.0 - level) / 2, high - low
    lower = low + width * lower_sequence(weight * (reward - low) / width, alpha)
    upper = high - width * lower_sequence(weight * (high - reward) / width, alpha)
    return Sequence(lower, upper)


def confidence_sequence(
    rounds: Rounds, terms: Terms, *, lambda_: float, bounds: Bounds | None, level: float
) -> Sequence:
    """Limits after each round, in the log's order. Plain weighting needs bounds.reward only."""
    no_self_normalising(terms.method, "anytime")
    if terms.method in ("ips", "mips"):
        low, high = within_reward(rounds, terms.method, known(bounds, "anytime"))
        weight = rounds.weight if terms.method == "ips" else rounds.need("embedding_weight", "mips")
        return weighted_sequence(rounds.reward, weight, low, high, level)
    low, high = term_range(rounds, terms, lambda_, bounds, "anytime")
    return bounded_sequence(per_round(terms), low, high, level)
