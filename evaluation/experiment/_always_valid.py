"""Experiments looked at while they run: mSPRT, confidence sequences, and what peeking costs.

All give limits after each unit (`Running`). mSPRT and the asymptotic sequence are two uses of Robbins' normal mixture,
and say nothing until both arms have seen enough for a mean to be normal. What holds at any number of units is in
`_bounded.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from driftline.evaluation.arrays import between_0_and_1
from driftline.evaluation.estimate import Estimate, wilson
from driftline.evaluation.experiment._bounded import arms, bernstein_limits, betting_limits
from driftline.evaluation.experiment._levels import CARRIERS, Effect, checked_pair, critical
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class Running:
    """Limits after each unit [n]. Where nothing can be said yet: infinite limits, p-value 1."""

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
    carriers_a: Floats
    """Units' worth that carry A's variance so far: n (sum d^2 / n)^2 / (sum d^4 / n), d the deviations from the mean.
    About n / 3 for normal values, the number of events for rare ones, 0 where nothing varies."""
    carriers_b: Floats

    @property
    def enough(self) -> Bools:
        """Whether each arm has seen enough for its mean to be nearly normal [n].

        Measured over normal, Poisson, log-normal (1.5) values, revenue and rates of .5 to 10 %, at shares of .5, .1 and
        .02: with 20 carriers an arm at most 5 % of A/A streams of 4,000 ever exclude 0; with 10 up to 15 %, without any
        such rule up to 80 %.
        """
        return np.asarray((self.carriers_a >= CARRIERS) & (self.carriers_b >= CARRIERS))

    def refusal(self, row: int) -> tuple[str, ...]:
        """Why nothing is said after a unit; empty where something is."""
        return tuple(
            f"arm {name}: {carriers[row]:.1f} units' worth of {count[row]:,.0f} carry its variance, fewer than "
            f"{CARRIERS:.0f}: too few events, or too heavy a tail, for limits that lean on a normal mean; where values "
            "are bounded, confidence_sequence(kind='betting') holds at any number of units"
            for name, carriers, count in (
                ("A", self.carriers_a, self.count_a),
                ("B", self.carriers_b, self.count_b),
            )
            if not carriers[row] >= CARRIERS
        )


def streams(value: ArrayLike, arm: ArrayLike) -> Streams:
    """Running sums of two arms; values are centred and scaled first, which keeps the digits of their powers."""
    values, in_b = checked_pair(value, arm)
    centred = values - values.mean()
    scale = float(np.abs(centred).max()) or 1.0
    scaled = centred / scale
    count_a, mean_a, var_a, carriers_a = _running(scaled, ~in_b)
    count_b, mean_b, var_b, carriers_b = _running(scaled, in_b)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(var_a / count_a + var_b / count_b)
    n = np.arange(1, len(values) + 1)
    return Streams(n, count_a, count_b, (mean_b - mean_a) * scale, error * scale, carriers_a, carriers_b)


NOTHING = 1e-14
"""A variance below this share of the largest square is rounding."""


def _running(values: Floats, inside: Bools) -> tuple[Floats, Floats, Floats, Floats]:
    """Counts, means, variances (divisor n - 1) and carriers of the values inside, so far."""
    count = np.cumsum(inside).astype(np.float64)
    own = np.where(inside, values, 0.0)
    s1, s2, s3, s4 = (np.cumsum(own**k) for k in (1, 2, 3, 4))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = s1 / count
        square = s2 / count - mean * mean
        square = np.where(square > NOTHING, square, 0.0)
        fourth = s4 / count - mean * (4.0 * s3 / count - mean * (6.0 * s2 / count - 3.0 * mean * mean))
        carriers = np.where(square > 0.0, count * square * square / np.maximum(fourth, square * square), 0.0)
        return count, mean, square * (count / (count - 1.0)), carriers


def mixture_limits(seen: Streams, spread: Floats, level: float, method: str) -> Running:
    """Limits from the likelihood ratio mixed over effects ~ N(0, tau^2), and from its inverse a p-value.

    spread: tau over the standard error of the difference [n], r. With z = d / error: ratio = exp(z^2 r^2 / (2 (1 +
    r^2))) / sqrt(1 + r^2); the interval holds the effects at which the ratio stays below 1 / alpha: half-width
    error sqrt((1 + 1 / r^2) (2 log(1 / alpha) + log(1 + r^2))). Both are infinite, and p is 1, where an arm has seen
    too little.
    """
    known = seen.enough
    error = np.where(known, seen.std_error, 1.0)
    r_squared = np.where(known, spread, 1.0) ** 2
    z = np.where(known, seen.value, 0.0) / error
    log_ratio = 0.5 * (z * z * r_squared / (1.0 + r_squared) - np.log1p(r_squared))
    reach = error * np.sqrt((1.0 + 1.0 / r_squared) * (2.0 * log(1.0 / (1.0 - level)) + np.log1p(r_squared)))
    reach = np.where(known, reach, inf)
    p_value = np.where(known, np.exp(-np.maximum(log_ratio, 0.0)), 1.0)
    centre = np.where(known, seen.value, 0.0)
    return Running(
        seen.n, seen.value, seen.std_error, centre - reach, centre + reach, p_value, method, seen.refusal(-1)
    )


def msprt(value: ArrayLike, arm: ArrayLike, *, tau: float, level: float = 0.95) -> Running:
    """Mixture sequential probability ratio test of equal means, valid at any time of stopping.

    value, arm: [n] in order of arrival. tau: standard deviation of the effects that experiments of this kind have, in
    the value's unit; fixed beforehand, best near the effects one hopes to see. Effects under the alternative are
    N(0, tau^2); the p-value after n units is 1 over the likelihood ratio (Johari, Pekelis & Walsh 2015, "Always valid
    inference", eq. 9, with Welch's squared standard error for V / n, so arms may be of unequal size): the first time it
    falls below alpha decides, whatever comes later. Variances are estimated and means taken for normal: nothing is
    said before each arm has 20 units' worth of variance (`Streams.enough`). It supposes one effect throughout; where
    effects drift it follows their running mean.

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
    with np.errstate(divide="ignore", invalid="ignore"):
        return mixture_limits(seen, tau / seen.std_error, level, f"difference of means so far (msprt, tau {tau:g})")


SequenceKind = Literal["asymptotic", "betting", "empirical_bernstein"]


def confidence_sequence(
    value: ArrayLike,
    arm: ArrayLike,
    *,
    kind: SequenceKind = "asymptotic",
    planned: int = 5000,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
) -> Running:
    """Limits of mean B less mean A after every unit, all of them right together with probability `level`.

    value, arm: [n], one row a unit, in order of arrival. planned: units near which the limits are tightest, fixed
    beforehand. bounds: (low, high) of all possible values, known beforehand and never taken
    from the sample; `betting` and `empirical_bernstein` need them.

    | kind | for | of | narrow |
    |---|---|---|---|
    | `asymptotic` | any values, once each arm has 20 units' worth of variance | the running mean effect | yes |
    | `betting` | bounded values, at any number of units and any share of the arms | the effect, if means stay | less |
    | `empirical_bernstein` | the same | the difference of running means, though means move | least |

    `asymptotic`: d +- s sqrt((t rho^2 + 1) / (t^2 rho^2) log((t rho^2 + 1) / alpha^2)) with s^2 = t times Welch's
    squared standard error and rho^2 = (-2 log alpha + log(-2 log alpha + 1)) / planned (Waudby-Smith, Arbour, Sinha,
    Kennedy & Ramdas 2024, "Time-uniform central limit theory", Theorem 2.2). `betting`: a hedged betting sequence for
    each arm at half of alpha, and their difference (Waudby-Smith & Ramdas 2024, "Estimating means of bounded random
    variables by betting"). `empirical_bernstein`: the same with Howard, Ramdas, McAuliffe & Sekhon 2021, Theorem 4; it
    has no p-value (NaN). The p-value of the others is 1 over the evidence so far: below alpha where 0 is excluded.

    Example:
        >>> from driftline.evaluation.experiment import confidence_sequence
        >>> import numpy as np
        >>> arm = np.arange(400) % 2
        >>> value = np.tile([0.0, 1.0, 1.0, 2.0], 100)
        >>> found = confidence_sequence(value, arm, planned=400).last()
        >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
        (1.0, 0.85, 1.15)
        >>> found = confidence_sequence(value, arm, kind="betting", bounds=(0.0, 2.0)).last()
        >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
        (1.0, 0.77, 1.26)
    """
    between_0_and_1("level", level)
    if kind not in get_args(SequenceKind):
        raise InputError(f"kind {kind!r} is unknown; {hint(kind, get_args(SequenceKind))}")
    if planned < 1:
        raise InputError(f"planned must be at least 1 unit, got {planned}")
    if kind != "asymptotic":
        return _bounded(value, arm, kind, planned, _checked_bounds(kind, bounds), level)
    if bounds is not None:
        raise InputError("bounds belong to kinds 'betting' and 'empirical_bernstein'; the asymptotic one takes none")
    seen = streams(value, arm)
    spread = mixture_rho(planned, 1.0 - level) * np.sqrt(seen.n)
    method = f"running mean effect (asymptotic confidence sequence, tightest near {planned})"
    return mixture_limits(seen, spread, level, method)


def _bounded(
    value: ArrayLike, arm: ArrayLike, kind: SequenceKind, planned: int, bounds: tuple[float, float], level: float
) -> Running:
    values, in_b = checked_pair(value, arm)
    both = arms(values, in_b, bounds)
    if kind == "betting":
        limits = betting_limits(both, level, planned)
    elif kind == "empirical_bernstein":
        limits = bernstein_limits(both, level, planned)
    else:
        raise AssertionError(kind)
    seen = streams(values, in_b)
    what = "difference of means so far" if kind == "betting" else "difference of running means"
    method = f"{what} ({kind.replace('_', ' ')} confidence sequence, tightest near {planned})"
    p_value = np.exp(-np.maximum(limits.log_evidence, 0.0))
    return Running(seen.n, seen.value, seen.std_error, limits.low, limits.high, p_value, method)


def mixture_rho(planned: int, alpha: float) -> float:
    """The rho at which the asymptotic sequence is tightest near `planned` units (the paper's approximation)."""
    return sqrt((-2.0 * log(alpha) + log(-2.0 * log(alpha) + 1.0)) / planned)


def _checked_bounds(kind: str, bounds: tuple[float, float] | None) -> tuple[float, float]:
    if bounds is None:
        raise InputError(f"kind {kind!r} needs bounds=(low, high) of all possible values, known beforehand")
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
    low, high = wilson(alarms, streams)
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
    if not 4 <= start <= len(seen.n):
        raise InputError(f"start must lie between 4 and the number of units, {len(seen.n)}, got {start}")
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
