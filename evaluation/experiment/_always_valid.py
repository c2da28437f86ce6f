"""Experiments looked at while they run: mSPRT, confidence sequences, and what peeking costs.

All give limits after each unit (`Running`). mSPRT and the asymptotic sequence are two uses of Robbins' normal mixture;
bounded values have the predictable plug-in empirical Bernstein sequence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from driftline.evaluation.arrays import between_0_and_1
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment._levels import Effect, checked_pair, critical
from driftline.evaluation.experiment._means import wilson
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class Running:
    """Limits after each unit [n]. Before `start` units nothing is said: infinite limits, p-value 1."""

    n: Int64s
    """Units so far, both arms: 1..n."""
    value: Floats
    """Mean of B less mean of A so far; NaN until both arms have a unit."""
    std_error: Floats
    """Welch's; NaN until both arms have two."""
    low: Floats
    high: Floats
    p_value: Floats
    method: str
    warnings: tuple[str, ...] = ()

    def at(self, n: int) -> Effect:
        """What is said after n units."""
        if not 1 <= n <= len(self.n):
            raise InputError(f"n must lie between 1 and {len(self.n)}, got {n}")
        k = n - 1
        statistic = self.value[k] / self.std_error[k] if self.std_error[k] > 0.0 else np.nan
        return Effect(
            float(self.value[k]),
            float(self.std_error[k]),
            float(self.low[k]),
            float(self.high[k]),
            n,
            self.method,
            self.warnings,
            float(statistic),
            float(self.p_value[k]),
        )

    def last(self) -> Effect:
        """What is said after all units."""
        return self.at(len(self.n))

    def excludes_zero(self, start: int = 1) -> Bools:
        """Whether the interval excludes 0 after `start`, `start` + 1, ... units."""
        return np.asarray((self.low[start - 1 :] > 0.0) | (self.high[start - 1 :] < 0.0))


@dataclass(frozen=True, slots=True)
class Streams:
    """Running counts, means and Welch standard error of two arms, in order of arrival; arrays are [n]."""

    n: Int64s
    count_a: Floats
    count_b: Floats
    value: Floats
    std_error: Floats


def streams(value: ArrayLike, arm: ArrayLike) -> Streams:
    """Running sums of two arms; values are centred first, which keeps the variances' digits."""
    values, in_b = checked_pair(value, arm)
    centred = values - values.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        count_a, mean_a, var_a = _running(centred, ~in_b)
        count_b, mean_b, var_b = _running(centred, in_b)
        error = np.sqrt(var_a / count_a + var_b / count_b)
    return Streams(np.arange(1, len(values) + 1), count_a, count_b, mean_b - mean_a, error)


def _running(values: Floats, inside: Bools) -> tuple[Floats, Floats, Floats]:
    """Counts, means and variances (divisor n - 1) of the values inside, so far."""
    count = np.cumsum(inside).astype(np.float64)
    total = np.cumsum(np.where(inside, values, 0.0))
    square = np.cumsum(np.where(inside, values * values, 0.0))
    mean = total / count
    return count, mean, np.maximum(square - total * mean, 0.0) / (count - 1.0)


def checked_start(start: int, n: int) -> int:
    """The first look, from 4 units on (two an arm)."""
    if not 4 <= start <= n:
        raise InputError(f"start must lie between 4 and the number of units, {n}, got {start}")
    return int(start)


def mixture_limits(seen: Streams, tau_squared: Floats, start: int, level: float, method: str) -> Running:
    """Limits from the likelihood ratio mixed over effects ~ N(0, tau_squared) [n].

    With squared standard error v of the difference d: ratio = sqrt(v / (v + tau^2)) exp(d^2 tau^2 / (2 v (v +
    tau^2))); the interval holds the effects at which the ratio stays below 1 / alpha: half-width
    sqrt(v (v + tau^2) / tau^2 (2 log(1 / alpha) + log((v + tau^2) / v))). p-value: 1 over the largest ratio so far.
    """
    v = seen.std_error**2
    known = (seen.n >= start) & (v > 0.0)
    v = np.where(known, v, 1.0)
    d = np.where(known, seen.value, 0.0)
    tau = np.where(known, tau_squared, 1.0)
    log_ratio = 0.5 * np.log(v / (v + tau)) + d * d * tau / (2.0 * v * (v + tau))
    reach = np.sqrt(v * (v + tau) / tau * (2.0 * log(1.0 / (1.0 - level)) + np.log((v + tau) / v)))
    reach = np.where(known, reach, inf)
    p_value = np.exp(-np.maximum.accumulate(np.where(known, np.maximum(log_ratio, 0.0), 0.0)))
    centre = np.where(known, seen.value, 0.0)
    return Running(seen.n, seen.value, seen.std_error, centre - reach, centre + reach, p_value, method, _early(start))


def _early(start: int) -> tuple[str, ...]:
    if start >= 50:
        return ()
    return (f"looked at from {start} units on, fewer than 50: the variances are too uncertain for the promise to hold",)


def msprt(value: ArrayLike, arm: ArrayLike, *, tau: float, start: int = 50, level: float = 0.95) -> Running:
    """Mixture sequential probability ratio test of equal means, valid at any time of stopping.

    value, arm: [n] in order of arrival. tau: standard deviation of the effects that experiments of this kind have, in
    the value's unit; fixed beforehand, best near the effects one hopes to see. Effects under the alternative are
    N(0, tau^2); the p-value after n units is 1 over the largest likelihood ratio so far (Johari, Pekelis & Walsh 2015,
    "Always valid inference", eq. 9, with Welch's squared standard error for V / n, so arms may be of unequal size).
    Variances are estimated: the promise is asymptotic and starts at `start` units. It supposes one effect
    throughout; where effects drift it follows their running mean.

    Example:
        >>> from driftline.evaluation.experiment import msprt
        >>> import numpy as np
        >>> arm = np.arange(400) % 2
        >>> value = np.tile([0.0, 1.0, 1.0, 2.0], 100)
        >>> found = msprt(value, arm, tau=0.5)
        >>> round(float(found.p_value[49]), 4), round(found.last().value, 2), found.last().p_value < 0.01
        (0.0, 1.0, True)
    """
    between_0_and_1("level", level)
    if not 0.0 < tau < inf:
        raise InputError(f"tau must be above 0, got {tau}")
    seen = streams(value, arm)
    checked_start(start, len(seen.n))
    mixed = np.full(len(seen.n), tau * tau)
    return mixture_limits(seen, mixed, start, level, f"difference of means so far (msprt, tau {tau:g})")


CUT = 0.5
"""Bets stay below this (the paper's c)."""


def bernstein_sequence(value: Floats, level: float) -> tuple[Floats, Floats]:
    """Limits of the mean of values in [0, 1] after each of them [n]; intersected over time, within [0, 1].

    Waudby-Smith & Ramdas 2024, Theorem 2 with eq. 14 and 15: mu_t = (1/2 + sum x) / (t + 1), sigma_t^2 = (1/4 +
    sum (x_i - mu_i)^2) / (t + 1), lambda_t = min(sqrt(2 log(2/alpha) / (sigma_{t-1}^2 t log(1 + t))), 1/2),
    v_t = 4 (x_t - mu_{t-1})^2, psi(l) = (-log(1 - l) - l) / 4; centre sum(lambda x) / sum(lambda), half-width
    (log(2/alpha) + sum v psi(lambda)) / sum(lambda).
    """
    alpha = 1.0 - level
    t = np.arange(1, len(value) + 1, dtype=np.float64)
    mean = (0.5 + np.cumsum(value)) / (t + 1.0)
    variance = (0.25 + np.cumsum((value - mean) ** 2)) / (t + 1.0)
    before_mean = np.concatenate([[0.5], mean[:-1]])
    before_variance = np.concatenate([[0.25], variance[:-1]])
    bet = np.minimum(np.sqrt(2.0 * log(2.0 / alpha) / (before_variance * t * np.log1p(t))), CUT)
    spent = 4.0 * (value - before_mean) ** 2 * (-np.log1p(-bet) - bet) / 4.0
    total = np.cumsum(bet)
    centre = np.cumsum(bet * value) / total
    reach = (log(2.0 / alpha) + np.cumsum(spent)) / total
    low = np.maximum.accumulate(np.maximum(centre - reach, 0.0))
    high = np.minimum.accumulate(np.minimum(centre + reach, 1.0))
    return low, high


def bernstein_difference(value: Floats, in_b: Bools, bounds: tuple[float, float], level: float) -> Running:
    """Each arm at half of alpha, then B's limits less A's; in the order of arrival."""
    low, high = bounds
    out = np.flatnonzero((value < low) | (value > high))
    if len(out):
        raise InputError(f"value {value[out[0]]:g} at row {out[0]} lies outside the bounds [{low:g}, {high:g}]")
    width, half = high - low, (1.0 + level) / 2.0
    n = np.arange(1, len(value) + 1)
    low_a, high_a, mean_a = _held(value, ~in_b, low, width, half)
    low_b, high_b, mean_b = _held(value, in_b, low, width, half)
    nan = np.full(len(value), np.nan)
    return Running(
        n,
        mean_b - mean_a,
        nan,
        low_b - high_a,
        high_b - low_a,
        nan,
        "difference of means so far (empirical Bernstein confidence sequence, predictable plug-in)",
    )


def _held(value: Floats, inside: Bools, low: float, width: float, level: float) -> tuple[Floats, Floats, Floats]:
    """One arm's limits and mean after each unit of either arm."""
    own = value[inside]
    seen = np.cumsum(inside)
    from_low, from_high = bernstein_sequence((own - low) / width, level)
    # before the arm's first unit all that is known are the bounds
    lower = np.concatenate([[0.0], from_low])[seen] * width + low
    upper = np.concatenate([[1.0], from_high])[seen] * width + low
    mean = np.concatenate([[np.nan], np.cumsum(own) / np.arange(1, len(own) + 1)])[seen]
    return lower, upper, mean


SequenceKind = Literal["asymptotic", "empirical_bernstein"]


def confidence_sequence(
    value: ArrayLike,
    arm: ArrayLike,
    *,
    kind: SequenceKind = "asymptotic",
    planned: int = 5000,
    bounds: tuple[float, float] | None = None,
    start: int = 50,
    level: float = 0.95,
) -> Running:
    """Limits of mean B less mean A after every unit, all of them right together with probability `level`.

    value, arm: [n] in order of arrival. `asymptotic`: d +- s sqrt((t rho^2 + 1) / (t^2 rho^2) log((t rho^2 + 1) /
    alpha^2)) with s^2 = t times Welch's squared standard error (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024,
    "Time-uniform central limit theory", Theorem 2.2), from `start` units on; rho^2 = (-2 log alpha + log(-2 log
    alpha + 1)) / planned makes it tightest near `planned` units, which must be fixed beforehand. Under drift it holds
    the running mean effect. `empirical_bernstein`: for values within `bounds` (low, high), at every n and with no
    appeal to large numbers: the predictable plug-in of Waudby-Smith & Ramdas 2024 ("Estimating means of
    bounded random variables by betting", Theorem 2) for each arm at half of alpha, and their difference; it is wider,
    and supposes constant means. `p_value` is 1 over the largest mixture ratio so far; empirical Bernstein has
    none (NaN).

    Example:
        >>> from driftline.evaluation.experiment import confidence_sequence
        >>> import numpy as np
        >>> arm = np.arange(400) % 2
        >>> value = np.tile([0.0, 1.0, 1.0, 2.0], 100)
        >>> found = confidence_sequence(value, arm, planned=400).last()
        >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
        (1.0, 0.85, 1.15)
    """
    between_0_and_1("level", level)
    if kind not in get_args(SequenceKind):
        raise InputError(f"kind {kind!r} is unknown; {hint(kind, get_args(SequenceKind))}")
    if kind == "empirical_bernstein":
        return bernstein_difference(*checked_pair(value, arm), _checked_bounds(bounds), level)
    if bounds is not None:
        raise InputError("bounds belong to kind 'empirical_bernstein'; the asymptotic sequence takes none")
    if planned < 1:
        raise InputError(f"planned must be at least 1 unit, got {planned}")
    seen = streams(value, arm)
    checked_start(start, len(seen.n))
    rho = mixture_rho(planned, 1.0 - level)
    # the mixture's variance in the effect's own unit
    with np.errstate(invalid="ignore"):
        mixed = rho * rho * seen.n * seen.std_error**2
    method = f"running mean effect (asymptotic confidence sequence, tightest near {planned})"
    return mixture_limits(seen, mixed, start, level, method)


def mixture_rho(planned: int, alpha: float) -> float:
    """The rho at which the asymptotic sequence is tightest near `planned` units (the paper's approximation)."""
    return sqrt((-2.0 * log(alpha) + log(-2.0 * log(alpha) + 1.0)) / planned)


def _checked_bounds(bounds: tuple[float, float] | None) -> tuple[float, float]:
    if bounds is None:
        raise InputError("kind 'empirical_bernstein' needs bounds=(low, high): it is for bounded values")
    low, high = bounds
    if not -inf < low < high < inf:
        raise InputError(f"bounds must be finite with low below high, got {bounds}")
    return float(low), float(high)


Method = Callable[[Floats, Int64s], Running]
Draw = Callable[[np.random.Generator, int], Floats]


def peeked(
    method: Method,
    *,
    streams: int = 1000,
    n: int = 5000,
    start: int = 50,
    draw: Draw | None = None,
    share: float = 0.5,
    seed: int = 0,
) -> Estimate:
    """Share of A/A streams in which `method`, looked at after every unit from `start` to n, ever excludes 0.

    method: of (value [n], arm [n]) -> `Running`. draw: of (generator, n) -> values, standard normal by default.
    Each unit goes to B with probability `share`. Stream k is drawn by a generator seeded with (seed, k), whatever the
    number of streams. Wilson's interval; n counts streams. A method that promises 95 % may exclude 0 in 5 %.

    Example:
        >>> from driftline.evaluation.experiment import peeked
        >>> from driftline.evaluation.experiment import peeked_t
        >>> rate = peeked(peeked_t, streams=50, n=500).value
        >>> rate > 0.05  # whoever looks again and again finds something
        True
    """
    if streams < 1 or not 1 <= start <= n:
        raise InputError(f"need at least 1 stream and 1 <= start <= n, got {streams} streams, start {start}, n {n}")
    alarms = 0
    for k in range(streams):
        rng = np.random.default_rng([seed, k])
        arm = (rng.random(n) < share).astype(np.int64)
        value = rng.standard_normal(n) if draw is None else draw(rng, n)
        alarms += bool(method(value, arm).excludes_zero(start).any())
    rate = alarms / streams
    low, high = wilson(alarms, streams, critical(0.95))
    return Estimate(
        rate, sqrt(rate * (1 - rate) / streams), low, high, streams, "false alarms of peeked A/A streams (wilson)"
    )


def peeked_t(value: ArrayLike, arm: ArrayLike, *, start: int = 50, level: float = 0.95) -> Running:
    """The ordinary interval (Welch's error, normal) after every unit.

    Right at any one n fixed beforehand, wrong for whoever looks again and stops when it pleases; here so that the
    checks of the others have something to catch.

    Example:
        >>> from driftline.evaluation.experiment import peeked_t
        >>> import numpy as np
        >>> arm = np.arange(400) % 2
        >>> value = np.tile([0.0, 1.0, 1.0, 2.0], 100)
        >>> found = peeked_t(value, arm).last()
        >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
        (1.0, 0.9, 1.1)
    """
    between_0_and_1("level", level)
    seen = streams(value, arm)
    checked_start(start, len(seen.n))
    known = (seen.n >= start) & (seen.std_error > 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = np.where(known, critical(level) * seen.std_error, np.inf)
        p_value = np.where(known, 2.0 * ndtr(-np.abs(seen.value / seen.std_error)), 1.0)
    centre = np.where(known, seen.value, 0.0)
    warning = "a fixed-sample interval: looking more than once breaks it"
    return Running(
        seen.n,
        seen.value,
        seen.std_error,
        centre - reach,
        centre + reach,
        p_value,
        "difference of means so far (normal, not valid under peeking)",
        (warning,),
    )
