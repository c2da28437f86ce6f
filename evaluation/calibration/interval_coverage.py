"""Do intervals hold what they promise to hold?"""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.calibration.forecasts import row_mean
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import LEVEL, normal_reach
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals held the truth, on which side they missed it, and how wide they were."""

    coverage: Estimate
    """Share of intervals with low <= truth <= high."""
    below: float
    """Share of intervals that lie above the truth (it is below them)."""
    above: float
    """Share of intervals that lie below the truth."""
    width: Estimate
    """Mean width."""
    score: Estimate
    """Mean interval score at the nominal level: lower is better."""


def interval_coverage(
    low: ArrayLike, high: ArrayLike, truth: ArrayLike, *, level: float = LEVEL, cluster: ArrayLike | None = None
) -> Coverage:
    """Judge intervals of nominal coverage `level` by what was true; all arrays [n], limits inclusive.

    Coverage's interval: Wilson's score interval (Wilson 1927, no continuity correction) for independent rows,
    std_error sqrt(c (1 - c) / n); with clusters (users), Student's t over them. Interval score (Gneiting &
    Raftery 2007, eq. 43): width + 2 / alpha (low - truth)+ + 2 / alpha (truth - high)+, alpha = 1 - level. A
    truth or limit of NaN is an error: decide first what a missing interval means. Infinite limits are legal
    and hold everything on their side. A warning tells where the nominal level is outside coverage's interval.
    """
    a, b, t = _checked(low, high, truth, level)
    held, alpha = (a <= t) & (t <= b), 1.0 - level
    below, above = t < a, t > b
    width = b - a
    score = width + 2.0 / alpha * (np.where(below, a - t, 0.0) + np.where(above, t - b, 0.0))
    found = _wilson(held) if cluster is None else row_mean(held.astype(np.float64), cluster, "coverage")
    told = (f"intervals of nominal {level:g} hold the truth in {found.value:.3g} of all cases",)
    outside = not found.low <= level <= found.high
    return Coverage(
        replace(found, warnings=told if outside else ()),
        float(below.mean()),
        float(above.mean()),
        _mean(width, cluster, "width"),
        _mean(score, cluster, "interval score"),
    )


def _wilson(held: Bools) -> Estimate:
    n, share = len(held), float(held.mean())
    z = normal_reach(1.0)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # rounding must not put 0 or 1 outside an interval that ends there
    low, high = max(min(middle - reach, share), 0.0), min(max(middle + reach, share), 1.0)
    return Estimate(share, sqrt(share * (1 - share) / n), low, high, n, "coverage (wilson)")


def _mean(values: Floats, cluster: ArrayLike | None, method: str) -> Estimate:
    if np.isfinite(values).all():
        return row_mean(values, cluster, method)
    return Estimate(np.inf, np.nan, np.nan, np.nan, len(values), method, ("some intervals are infinitely wide",))


def _checked(low: ArrayLike, high: ArrayLike, truth: ArrayLike, level: float) -> tuple[Floats, Floats, Floats]:
    a, b, t = (np.asarray(x, dtype=np.float64) for x in (low, high, truth))
    if a.ndim != 1 or a.shape != b.shape or a.shape != t.shape:
        raise InputError(f"low {a.shape}, high {b.shape} and truth {t.shape} need one entry per interval")
    if not len(a):
        raise InputError("there are no intervals")
    if not 0.0 < level < 1.0:
        raise InputError(f"level is {level}; it must lie between 0 and 1")
    wrong = ~(a <= b) | ~np.isfinite(t)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"row {row} has the interval {a[row]} to {b[row]} and the truth {t[row]}")
    return a, b, t
