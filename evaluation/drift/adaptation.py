"""What a change of interest costs, aligned at change points, and how soon an agent is back: in visits, in days."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, isinf, isnan, nan

import numpy as np

from driftline.evaluation.bootstrap import user_counts
from driftline.sim.types import Bools, Floats, Int32s, Int64s


@dataclass(frozen=True, slots=True)
class Rule:
    """How change points are aligned and when a loss counts as made up."""

    before: int = 10
    """The level before a change is the mean over at most this many visits."""
    after: int = 30
    """Visits, or days, that are looked at after a change; a later return is censored."""
    least_before: int = 3
    """A change point with fewer earlier visits has no level to return to and is left out."""
    least_points: int = 5
    """The curve ends at the first offset with fewer visits behind it than this."""
    window: int = 3
    """Visits, or days, of the centred mean whose maximum is the peak of the loss."""
    share: float = 0.1
    """A loss is made up when it is down to this share of its peak (90 % of the way back)."""


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


@dataclass(frozen=True, slots=True)
class ChangeCurve:
    """Excess regret over each change point's own earlier level, summed per user; arrays are [users, offsets].

    An offset's excess compares every change point with itself, so the curve does not bend because other users
    stand behind its far end. A change point's curve ends where the same user's next one begins.
    """

    offsets: Int32s
    """Visits (or days) since the change, from -before; 0 is the first visit (or day) after it."""
    user: Int64s
    total: Floats
    """Summed excess."""
    count: Floats
    """How many visits stand behind it."""
    level_total: Floats
    """Summed earlier levels [users]."""
    points: Floats
    """How many change points the user has [users]."""

    def excess(self, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """Mean excess and count behind it per offset, users weighted; NaN where nobody was seen."""
        w = np.ones(len(self.user)) if weights is None else weights
        total, count = np.einsum("u,uk->k", w, self.total), np.einsum("u,uk->k", w, self.count)
        return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0), count

    def level(self) -> float:
        """Mean regret before a change."""
        return float(self.level_total.sum() / max(self.points.sum(), 1.0))

    def error(self) -> Floats:
        """Standard error of the mean excess per offset: whole users are the independent units."""
        value, count = self.excess()
        residual = np.where(self.count > 0, self.total - np.nan_to_num(value) * self.count, 0.0)
        n = (self.count > 0).sum(axis=0)
        squares = (residual**2).sum(axis=0) * n / np.maximum(n - 1, 1)
        error: Floats = np.divide(np.sqrt(squares), count, out=np.full_like(count, np.nan), where=n > 1)
        return error

    def smoothed(self, window: int) -> "ChangeCurve":
        """Sums over `window` offsets around each, never reaching across the change."""
        start = int(np.searchsorted(self.offsets, 0))
        total, count = (
            np.hstack([window_sums(part[:, :start], window), window_sums(part[:, start:], window)])
            for part in (self.total, self.count)
        )
        return replace(self, total=total, count=count)


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

    Example:
        >>> from driftline.evaluation.drift import adaptation_delay
        >>> import numpy as np
        >>> user, visit = np.repeat(np.arange(20), 20), np.tile(np.arange(20), 20)
        >>> noise = np.random.default_rng(0).normal(0.0, 0.01, 400)
        >>> cost = 0.2 + np.where(visit >= 10, 0.5 ** (visit - 10.0), 0.0) + noise
        >>> adaptation_delay(user, visit / 2.0, cost, visit == 10).value
        4.0
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

    Example:
        >>> from driftline.evaluation.drift import recovery_time
        >>> import numpy as np
        >>> user, visit = np.repeat(np.arange(20), 20), np.tile(np.arange(20), 20)
        >>> noise = np.random.default_rng(0).normal(0.0, 0.01, 400)
        >>> cost = 0.2 + np.where(visit >= 10, 0.5 ** (visit - 10.0), 0.0) + noise
        >>> recovery_time(user, visit / 2.0, cost, visit == 10).value
        3.0
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
    for weights in user_counts(curve.user, seed, REPLICATES):
        excess, count = curve.excess(weights)
        if (count[seen] > 0).all():
            found.append(_first_back(excess[seen], count[seen], rule)[0])
    return replicate_limits(found)


def replicate_limits(values: Sequence[float]) -> tuple[float, float]:
    """Limits of 95 % of `REPLICATES` delays, those without one left out; NaN where that is more than half.

    Plain order statistics: a censored replicate is infinite, and so may a limit be.
    """
    known = np.sort([value for value in values if not isnan(value)])
    if len(known) < REPLICATES // 2:
        return nan, nan
    return float(known[int(0.025 * len(known))]), float(known[int(0.975 * len(known))])


def change_curve(
    user: Int64s,
    time: Floats,
    regret: Floats,
    change_point: Bools,
    rule: Rule | None = None,
    by_day: bool = False,
) -> ChangeCurve:
    """Align visits, sorted by (user, visit), at their change points.

    A visit counts after the last change point of its user and, within `rule.before` visits, before the next.
    With `by_day` the offset after a change is the whole days since the first visit after it (earlier visits
    keep their visit offset). regret: per visit; NaN is not allowed.
    """
    rule = rule or Rule()
    row = np.arange(len(user))
    last, following = last_change(user, change_point), _next_change(user, change_point)
    early = (following >= 0) & (following - row <= rule.before)
    anchor = following[early]
    level_n = np.bincount(anchor, minlength=len(user)).astype(np.float64)
    level = np.bincount(anchor, regret[early], minlength=len(user)) / np.maximum(level_n, 1.0)
    eligible = change_point & (level_n >= rule.least_before)

    since = np.floor(time - time[np.maximum(last, 0)] + 1e-9).astype(np.int64) if by_day else row - last
    late = (last >= 0) & eligible[np.maximum(last, 0)] & (since <= rule.after)
    early &= eligible[np.maximum(following, 0)]
    users, code = np.unique(user, return_inverse=True)
    width = rule.before + 1 + rule.after
    place = code * width + rule.before
    cell = np.concatenate([(place + since)[late], (place + row - following)[early]])
    excess = np.concatenate([(regret - level[np.maximum(last, 0)])[late], (regret - level[following])[early]])
    shape, size = (len(users), width), len(users) * width
    return ChangeCurve(
        offsets=np.arange(-rule.before, rule.after + 1, dtype=np.int32),
        user=users,
        total=_summed(cell, excess, size).reshape(shape),
        count=np.bincount(cell, minlength=size).astype(np.float64).reshape(shape),
        level_total=_summed(code[eligible], level[eligible], len(users)),
        points=np.bincount(code[eligible], minlength=len(users)).astype(np.float64),
    )


def stacked(curves: list[ChangeCurve]) -> ChangeCurve:
    """Several runs' curves as one; users are renumbered, since a user of another seed is another user."""
    return ChangeCurve(
        curves[0].offsets,
        np.arange(sum(len(curve.user) for curve in curves)),
        np.concatenate([curve.total for curve in curves]),
        np.concatenate([curve.count for curve in curves]),
        np.concatenate([curve.level_total for curve in curves]),
        np.concatenate([curve.points for curve in curves]),
    )


def last_change(user: Int64s, change_point: Bools) -> Int64s:
    """Row of the last change point of the same user up to and including each row, -1 for none [n]."""
    row = np.arange(len(user))
    start = np.maximum.accumulate(np.where(_starts(user), row, 0)) if len(user) else row
    last = np.maximum.accumulate(np.where(change_point, row, -1)) if len(user) else row
    return np.where(last >= start, last, -1)


def _next_change(user: Int64s, change_point: Bools) -> Int64s:
    """Row of the next change point of the same user after each row, -1 for none [n]."""
    n = len(user)
    found = np.full(n, -1, np.int64)
    if n < 2:
        return found
    upcoming = np.minimum.accumulate(np.where(change_point, np.arange(n), n)[::-1])[::-1]
    later = upcoming[1:]
    same_user = (later < n) & (user[np.minimum(later, n - 1)] == user[:-1])
    found[:-1] = np.where(same_user, later, -1)
    return found


def _summed(cell: Int64s, values: Floats, size: int) -> Floats:
    """Sums of values by cell; real numbers even where there is nothing to sum."""
    return np.bincount(cell, values, minlength=size).astype(np.float64)


def _starts(user: Int64s) -> Bools:
    return np.concatenate([[True], user[1:] != user[:-1]])


def window_sums(sums: Floats, window: int) -> Floats:
    """Each column's sums together with its neighbours', `window` in all, fewer at both ends [rows, columns]."""
    padded = np.pad(sums, ((0, 0), (window // 2, window // 2)))
    return np.asarray(sum(padded[:, k : k + sums.shape[1]] for k in range(window)))
