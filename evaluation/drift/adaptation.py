"""How soon an agent is back after interests jumped: in visits, and in days."""

from dataclasses import dataclass
from math import inf, isinf, isnan, nan

import numpy as np

from driftline.evaluation.drift.change_curve import ChangeCurve, Rule, change_curve
from driftline.evaluation.intervals import poisson_weights
from driftline.sim.types import Bools, Floats, Int64s

REPLICATES = 200
CLEAR = 3.0
"""A peak counts as a loss when it exceeds this many standard errors."""


@dataclass(frozen=True, slots=True)
class Delay:
    """When a typical loss is made up, with its bootstrap interval over users.

    `value` is infinite where the loss was not made up within what was looked at (censored: the truth is more
    than `horizon`), NaN where there was no loss to make up. A limit may be infinite too.
    """

    value: float
    low: float
    high: float
    horizon: float
    """The last visit, or day, that was looked at."""
    points: int
    """Change points behind it."""

    @property
    def censored(self) -> bool:
        """Whether the loss was still there at the horizon."""
        return isinf(self.value)


def adaptation_delay(
    user: Int64s, time: Floats, regret: Floats, change_point: Bools, rule: Rule | None = None, seed: int = 0
) -> Delay:
    """Visits until regret is back after a change of interest.

    Arrays hold one row per visit, sorted by (user, visit). Per change point, regret less its mean over the
    (at most 10) visits before gives the excess; excesses are averaged over change points at equal numbers of
    visits since the change. The peak is the maximum of that curve's centred three-visit mean. From the peak
    on the curve is made non-increasing (isotonic least squares, weighted by visits; Robertson, Wright &
    Dykstra 1988), so "stays back" needs no second rule. The delay is the first visit, counted from 0 at the
    first visit after the change, at which it is down to 10 % of the peak. Censored if that is never within 30
    visits, or within as many as were seen at least five times. No delay (NaN) if the peak is not above three
    standard errors: who never knew better loses nothing. Change points with fewer than three earlier visits
    are left out.
    """
    rule = rule or Rule()
    return delay(change_curve(user, time, regret, change_point, rule), rule, seed)


def recovery_time(
    user: Int64s, time: Floats, regret: Floats, change_point: Bools, rule: Rule | None = None, seed: int = 0
) -> Delay:
    """Whole days until regret is back after a change of interest, from the first visit after it.

    As `adaptation_delay`, with the visits gathered by whole days since the first visit after the change; so
    it counts what a user sees, whatever the rate of visits. Day 0 is the first 24 hours; 30 days are looked
    at.
    """
    rule = rule or Rule()
    return delay(change_curve(user, time, regret, change_point, rule, by_day=True), rule, seed)


def delay(curve: ChangeCurve, rule: Rule, seed: int = 0) -> Delay:
    """When the curve is back, with an interval from a keyed bootstrap over its users."""
    points = int(curve.points.sum())
    start = int(np.searchsorted(curve.offsets, 0))
    excess, count = curve.excess()
    seen = _seen(count[start:], rule)
    if seen == 0:
        return Delay(nan, nan, nan, nan, points)
    value, peak = _first_back(excess[start : start + seen], count[start : start + seen], rule)
    horizon = float(seen - 1)
    if isnan(value) or _is_noise(curve, slice(start, start + seen), peak, rule):
        return Delay(nan, nan, nan, horizon, points)
    low, high = _interval(curve, slice(start, start + seen), rule, seed)
    return Delay(value, low, high, horizon, points)


def _first_back(excess: Floats, count: Floats, rule: Rule) -> tuple[float, int]:
    """First offset at which the loss is made up (infinite: never; NaN: there was none), and the peak's."""
    smooth = _smooth(excess, count, rule.window)
    peak = int(np.argmax(smooth))
    height = float(smooth[peak])
    if not height > 0.0:
        return nan, peak
    from scipy.optimize import isotonic_regression

    falling = isotonic_regression(excess[peak:], weights=count[peak:], increasing=False).x
    back = np.flatnonzero(falling <= rule.share * height)
    return (float(peak + back[0]) if len(back) else inf), peak


def _smooth(values: Floats, count: Floats, window: int) -> Floats:
    """Centred mean over `window` offsets, weighted by count, shorter at both ends."""
    ones = np.ones(window)
    below = np.convolve(count, ones, "full")
    at = slice(window // 2, window // 2 + len(values))
    return np.convolve(values * count, ones, "full")[at] / below[at]


def _seen(count: Floats, rule: Rule) -> int:
    """How many offsets in a row, from 0, are seen after enough change points."""
    thin = np.flatnonzero(count < rule.least_points)
    return int(thin[0]) if len(thin) else len(count)


def _is_noise(curve: ChangeCurve, seen: slice, peak: int, rule: Rule) -> bool:
    """Whether the peak's three-visit mean is within `CLEAR` standard errors of no loss at all."""
    first = max(peak - rule.window // 2, 0)
    at = slice(seen.start + first, min(seen.start + peak + rule.window // 2 + 1, seen.stop))
    total, count = curve.total[:, at].sum(axis=1), curve.count[:, at].sum(axis=1)
    n = int((count > 0).sum())
    if n < 2:
        return False
    mean = total.sum() / count.sum()
    error = np.sqrt(((total - mean * count) ** 2).sum() * n / (n - 1)) / count.sum()
    return bool(mean <= CLEAR * error)


def _interval(curve: ChangeCurve, seen: slice, rule: Rule, seed: int) -> tuple[float, float]:
    if (curve.points > 0).sum() < 2:
        return nan, nan
    found = []
    for weights in poisson_weights(curve.user, seed, REPLICATES):
        excess, count = curve.excess(weights)
        if (count[seen] > 0).all():
            found.append(_first_back(excess[seen], count[seen], rule)[0])
    known = np.sort([x for x in found if not isnan(x)])
    if len(known) < REPLICATES // 2:
        return nan, nan
    # plain order statistics, since censored replicates are infinite
    return float(known[int(0.025 * len(known))]), float(known[int(0.975 * len(known))])
