"""Confidence sequences of two bounded means, right at every number of units and at any share of the arms.

Each arm has a sequence of its own at half of the error; the difference lies within B's limits less A's. Nothing is
asymptotic: an arm that has seen no event has wide limits. Betting supposes that an arm's mean stays the same and is
narrower; empirical Bernstein holds the running mean of an arm whose mean moves.
"""

from dataclasses import dataclass
from math import log, pi

import numpy as np
from scipy.special import gammainc, gammaln

from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Bools, Floats, Int64s

HORIZONS = 10.0 ** np.arange(4)
"""Planned units over these are what the bets are made for."""
CUT = 0.5
"""A bet risks at most this share of what it has (the paper's c)."""
PLACES = 512
"""Half of the places at which means are tried: so many over all of the bounds, and as many around the final means."""
AROUND = 12.0
"""The final means are looked at this many standard errors to either side."""
LOWEST = 1e-280
"""Less than this is nothing: whoever has lost so much does not win again."""
ROOT_STEPS = 60
"""Halvings of an interval in [0, 1]: below the last bit."""


@dataclass(frozen=True, slots=True)
class Arms:
    """Values of both arms in order of arrival, carried from `bounds` to [0, 1]; arrays are [n]."""

    value: Floats
    in_b: Bools
    low: float
    width: float

    def seen(self, in_b: bool) -> Int64s:
        """Units of one arm after each unit of either."""
        return np.cumsum(self.in_b == in_b)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of B's mean less A's in the value's own unit, and log of the evidence against equal means; all [n]."""

    low: Floats
    high: Floats
    log_evidence: Floats
    """At level 1 - alpha the limits exclude 0 where it is at least -log(alpha); NaN where there is none."""


def arms(value: Floats, in_b: Bools, bounds: tuple[float, float]) -> Arms:
    """Both arms within their bounds. InputError: a value outside."""
    low, high = bounds
    out = np.flatnonzero((value < low) | (value > high))
    if len(out):
        raise InputError(f"value {value[out[0]]:g} at row {out[0]} lies outside the bounds [{low:g}, {high:g}]")
    return Arms((value - low) / (high - low), in_b, low, high - low)


def betting_limits(both: Arms, level: float, planned: int) -> Limits:
    """Two gamblers an arm, one on each side of every mean m: hedged capital, averaged over several bets.

    Waudby-Smith & Ramdas 2024 ("Estimating means of bounded random variables by betting", Theorem 3 and section 4.3):
    capital prod(1 + l_i (x_i - m)) and prod(1 - l_i (x_i - m)), with bets l_t = sqrt(2 log(2 / a) / (s_{t-1}^2 h)) cut
    to c / m and c / (1 - m), c = 1/2, where a = alpha / 2 is the arm's error and s^2 the variance of what came before.
    Each horizon h, the planned units over 1, 10, 100 and 1,000, has a quarter of the capital; m is out where either
    gambler's reaches 2 / a. Means are tried at 1,024 places and rounded outwards.
    """
    share = (1.0 - level) / 2.0
    spread = np.empty(len(both.value))
    for side in (False, True):
        own = both.in_b == side
        spread[own] = _spread_before(both.value[own])
    unit = np.sqrt(2.0 * log(2.0 / share)) / spread
    horizon = np.sqrt(planned / HORIZONS)
    places = _places(both)
    out = np.empty((3, len(both.value)))
    _gamble(both.value, both.in_b, unit, 1.0 / horizon, places, 2.0 / share, out)
    with np.errstate(divide="ignore"):
        log_evidence = np.log(out[2]) - log(4.0)
    return Limits(out[0] * both.width, out[1] * both.width, log_evidence)


def _spread_before(value: Floats) -> Floats:
    """Standard deviation of one arm before each of its units, as if it had begun with one of 1/2."""
    t = np.arange(1, len(value) + 1, dtype=np.float64)
    mean = (0.5 + np.cumsum(value)) / (t + 1.0)
    variance = (0.25 + np.cumsum((value - mean) ** 2)) / (t + 1.0)
    return np.asarray(np.sqrt(np.concatenate([[0.25], variance[:-1]])))


def _places(both: Arms) -> Floats:
    """Means to try, ascending within (0, 1), dense where the last units leave them.

    Whether a mean is out does not depend on the other means, so they may be chosen after the values are seen.
    """
    even = np.sin(pi * (np.arange(PLACES) + 0.5) / (2 * PLACES)) ** 2
    near = []
    for side in (False, True):
        own = both.value[both.in_b == side]
        reach = AROUND * max(float(own.std()), 1.0 / len(own)) / np.sqrt(len(own))
        near.append(np.linspace(own.mean() - reach, own.mean() + reach, PLACES // 2))
    found = np.unique(np.concatenate([even, *near]))
    return np.asarray(found[(found > 0.0) & (found < 1.0)])


@kernel
def _gamble(value: Floats, in_b: Bools, unit: Floats, bets: Floats, places: Floats, bound: float, out: Floats) -> None:
    """Fills low and high limits of the difference, and the evidence against equal means, times four [3, n]."""
    count, many = len(places), len(bets)
    most_more, most_less = CUT / places, CUT / (1.0 - places)
    # of the gamblers who say "more than m" [0] and "less than m" [1], for each arm: by bet, and the average
    capital, mean = np.ones((2, 2, many, count)), np.ones((2, 2, count))
    low, high = np.zeros(2), np.ones(2)
    # number of places that are out from below, and from above
    below, above = np.zeros(2, np.int64), np.zeros(2, np.int64)
    for row in range(len(value)):
        # one unit: its arm's gamblers win or lose
        arm = np.int64(in_b[row])
        mean[arm] = 0.0
        for k in range(many):
            bet = unit[row] * bets[k]
            for g in range(count):
                away = value[row] - places[g]
                more = capital[arm, 0, k, g] * (1.0 + min(bet, most_more[g]) * away)
                less = capital[arm, 1, k, g] * (1.0 - min(bet, most_less[g]) * away)
                more, less = more if more > LOWEST else 0.0, less if less > LOWEST else 0.0
                capital[arm, 0, k, g], capital[arm, 1, k, g] = more, less
                mean[arm, 0, g] += more / many
                mean[arm, 1, g] += less / many
        # "more" falls with m and "less" rises: the places that are out lie at the ends
        while below[arm] < count and mean[arm, 0, below[arm]] >= bound:
            below[arm] += 1
        while below[arm] > 0 and mean[arm, 0, below[arm] - 1] < bound:
            below[arm] -= 1
        while above[arm] < count and mean[arm, 1, count - 1 - above[arm]] >= bound:
            above[arm] += 1
        while above[arm] > 0 and mean[arm, 1, count - above[arm]] < bound:
            above[arm] -= 1
        low[arm] = places[below[arm] - 1] if below[arm] > 0 else 0.0
        high[arm] = places[count - above[arm]] if above[arm] > 0 else 1.0
        out[0, row] = low[1] - high[0]
        out[1, row] = high[1] - low[0]
        # the limits exclude 0 where one arm's "more" and the other's "less" are both rich at neighbouring means
        most = 0.0
        for g in range(1, count):
            b_above = min(mean[1, 0, g], mean[0, 1, g - 1])
            a_above = min(mean[0, 0, g], mean[1, 1, g - 1])
            most = max(most, max(b_above, a_above))
        out[2, row] = most


def bernstein_limits(both: Arms, level: float, planned: int) -> Limits:
    """Of running means, though the means move: Howard, Ramdas, McAuliffe & Sekhon 2021, Theorem 4.

    An arm's mean so far deviates from the running mean of its expectations by less than u(V) / t, where V = 1 + sum
    (x_i - mean_{i-1})^2 and u is the gamma-exponential mixture boundary (their Proposition 9) with scale 1, tightest
    where V is what `planned` units of variance 1/4 have. Half of the arm's error to either side.
    """
    error = (1.0 - level) / 4.0
    sides = [_bernstein(both, side, error, planned) for side in (False, True)]
    (low_a, high_a), (low_b, high_b) = sides
    nan = np.full(len(both.value), np.nan)
    return Limits((low_b - high_a) * both.width, (high_b - low_a) * both.width, nan)


def _bernstein(both: Arms, in_b: bool, error: float, planned: int) -> tuple[Floats, Floats]:
    own = both.value[both.in_b == in_b]
    seen = both.seen(in_b)
    t = np.arange(1, len(own) + 1, dtype=np.float64)
    mean = np.cumsum(own) / t
    before = np.concatenate([[0.5], mean[:-1]])
    spent = np.cumsum((own - before) ** 2)
    reach = gamma_exponential(spent, error, rho=_tuned(planned / 8.0, error)) / t
    # before the arm's first unit all that is known are the bounds
    low = np.concatenate([[0.0], np.maximum(mean - reach, 0.0)])[seen]
    high = np.concatenate([[1.0], np.minimum(mean + reach, 1.0)])[seen]
    return low, high


def gamma_exponential(spent: Floats, error: float, *, rho: float) -> Floats:
    """The sum that a process with variance `spent` [n] and scale 1 exceeds, ever, with probability `error` at most."""
    from_s, to_s = np.zeros(len(spent)), np.full(len(spent), 1.0)
    threshold = -log(error)
    while (short := _mixture(to_s, spent, rho) < threshold).any():
        to_s = np.where(short, 2.0 * to_s, to_s)
    for _ in range(ROOT_STEPS):
        at = 0.5 * (from_s + to_s)
        short = _mixture(at, spent, rho) < threshold
        from_s, to_s = np.where(short, at, from_s), np.where(short, to_s, at)
    return to_s


def _mixture(s: Floats, v: Floats, rho: float) -> Floats:
    """Log of the mixed supermartingale at sum s and variance v (their eq. 66, c = 1)."""
    start = rho * log(rho) - gammaln(rho) - np.log(gammainc(rho, rho))
    shape, at = v + rho, s + v + rho
    return np.asarray(start + gammaln(shape) + np.log(gammainc(shape, at)) - shape * np.log(at) + s + v)


def _tuned(variance: float, error: float) -> float:
    """The rho at which the boundary is tightest near a variance (their section 3.5, one-sided)."""
    two = 2.0 * error
    return variance / (-2.0 * log(two) + log(-2.0 * log(two) + 1.0))
