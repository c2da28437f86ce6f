"""Calibration of forecasts: do probabilities and intervals mean what they say?

Brier's score and its parts, the calibration error, and the coverage of intervals.
"""

from dataclasses import dataclass, replace
from math import nan, pi, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import one_of
from driftline.evaluation.estimate import LEVEL, Estimate, t_quantile, wilson
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

__all__ = [
    "Bins",
    "Brier",
    "Coverage",
    "brier",
    "brier_many_way",
    "expected_calibration_error",
    "interval_coverage",
    "reliability_bins",
    "top_label",
]


Binning = Literal["equal_width", "equal_mass"]


@dataclass(frozen=True, slots=True)
class Brier:
    """score = reliability - resolution + uncertainty + within_variance - within_covariance, exactly."""

    score: Estimate
    reliability: float
    """Mean squared gap of forecast and frequency, bin by bin: 0 is calibrated."""
    resolution: float
    """Variance of the frequencies between bins: larger is better."""
    uncertainty: float
    """y (1 - y) of the overall frequency: what no forecaster can help."""
    within_variance: float
    """Variance of forecasts within bins; 0 without binning."""
    within_covariance: float
    """Twice the covariance of forecast and outcome within bins; 0 without binning."""


def brier(
    probability: ArrayLike,
    outcome: ArrayLike,
    *,
    bins: int | None = None,
    binning: Binning = "equal_width",
    cluster: ArrayLike | None = None,
) -> Brier:
    """Mean squared error of the probability of an event, and what it is made of.

    BS = mean (p - y)^2, in [0, 1]: half of Brier's own sum over both classes (Brier 1950; see `brier_many_way`).
    Murphy 1973: rel = sum n_b / n (p_b - y_b)^2, res = sum n_b / n (y_b - y)^2, unc = y (1 - y), over the
    distinct forecasts (`bins=None`), where BS = rel - res + unc exactly. With bins two terms more are needed
    (Stephenson, Coelho & Jolliffe 2008): + mean variance of forecasts within bins - 2 mean covariance.
    Variances divide by n. Interval of the score: Student's t over rows or clusters (users). Without binning,
    many distinct forecasts make reliability and resolution too large, both by about the same.

    Example:
        >>> from driftline.evaluation.calibration import brier
        >>> found = brier([0.1, 0.6, 0.6, 0.1], [0, 1, 0, 0])
        >>> round(found.score.value, 3), round(found.reliability, 3)
        (0.135, 0.01)
    """
    p, y = forecasts(probability, outcome)
    found = distinct_forecasts(p, y) if bins is None else reliability_bins(p, y, bins, binning)
    share, overall = found.count / len(p), float(y.mean())
    away, came = p - found.probability[found.code], y - found.frequency[found.code]
    return Brier(
        row_mean((p - y) ** 2, cluster, "brier"),
        float((share * (found.probability - found.frequency) ** 2).sum()),
        float((share * (found.frequency - overall) ** 2).sum()),
        overall * (1.0 - overall),
        float((away**2).mean()) if bins is not None else 0.0,
        2.0 * float((away * came).mean()) if bins is not None else 0.0,
    )


def brier_many_way(probability: ArrayLike, choice: ArrayLike, *, cluster: ArrayLike | None = None) -> Estimate:
    """Brier's score of many-way forecasts: mean over rows of sum_c (p_c - 1[c came])^2, in [0, 2] (Brier 1950).

    probability [n, K], rows sum to 1; choice [n]. With two classes it is twice `brier`'s. Interval: Student's t
    over rows or clusters.

    Example:
        >>> from driftline.evaluation.calibration import brier_many_way
        >>> round(brier_many_way([[0.7, 0.3], [0.4, 0.6]], [0, 0]).value, 3)
        0.45
    """
    p, came = many_way(probability, choice)
    squares = (p**2).sum(axis=1) - 2.0 * p[np.arange(len(p)), came] + 1.0
    return row_mean(squares, cluster, "brier_many_way")


def expected_calibration_error(
    probability: ArrayLike,
    outcome: ArrayLike,
    *,
    bins: int = 15,
    binning: Binning = "equal_width",
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Mean gap between what was forecast and what came, in [0, 1].

    ECE = sum_b n_b / n |frequency_b - mean forecast_b| over bins (Naeini, Cooper & Hauskrecht 2015; Guo et al.
    2017). `equal_width` or `equal_mass` bins: see `reliability_bins`. probability [n] of the event, outcome [n] 0
    or 1; for many-way forecasts pass `top_label(...)`.

    Interval by the delta method: ECE is the mean over rows of sign_b (y - p), the bins and their signs held
    fixed; Student's t over rows, or over clusters (users); cut at 0. ECE is never negative and so too large on
    average. The warning says what perfectly calibrated forecasts would show with as many rows, sum_b n_b / n
    sqrt(2 v_b / (pi n_b)), v_b the mean p (1 - p) of the bin (normal approximation), where the value is below
    three times that: there the interval is too short.

    Example:
        >>> from driftline.evaluation.calibration import expected_calibration_error
        >>> round(expected_calibration_error([0.1] * 10 + [0.6] * 10, [1] + [0] * 9 + [1] * 6 + [0] * 4).value, 3)
        0.0
    """
    p, y = forecasts(probability, outcome)
    found = reliability_bins(p, y, bins, binning)
    sign = np.where(found.frequency < found.probability, -1.0, 1.0)
    mean = row_mean(sign[found.code] * (y - p), cluster, f"ece, {bins} bins, {binning}")
    variance = np.bincount(found.code, p * (1.0 - p)) / found.count
    noise = float((np.sqrt(found.count * variance * 2.0 / pi)).sum() / len(p))
    told = f"perfectly calibrated forecasts would show an error of about {noise:.2g} with as many rows"
    return replace(mean, low=max(mean.low, 0.0), warnings=(told,) if mean.value < 3 * noise else ())


def top_label(probability: ArrayLike, choice: ArrayLike) -> tuple[Floats, Floats]:
    """Confidence and correctness of many-way forecasts: the likeliest class's probability, and whether it came.

    probability [n, K], rows sum to 1; choice [n]: the class that came. Ties go to the first class. What Guo et
    al. 2017 feed into the ECE.

    Example:
        >>> from driftline.evaluation.calibration import top_label
        >>> confidence, right = top_label([[0.7, 0.3], [0.4, 0.6]], [0, 0])
        >>> confidence.tolist(), right.tolist()
        ([0.7, 0.6], [1.0, 0.0])
    """
    p, came = many_way(probability, choice)
    best = p.argmax(axis=1)
    return p[np.arange(len(p)), best], (best == came).astype(np.float64)


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

    Example:
        >>> from driftline.evaluation.calibration import interval_coverage
        >>> found = interval_coverage([0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.5, 0.2, 1.5, 0.9])
        >>> found.coverage.value, found.above
        (0.75, 0.25)
    """
    a, b, t = _intervals(low, high, truth, level)
    held, alpha = (a <= t) & (t <= b), 1.0 - level
    below, above = t < a, t > b
    width = b - a
    score = width + 2.0 / alpha * (np.where(below, a - t, 0.0) + np.where(above, t - b, 0.0))
    found = _share(held) if cluster is None else row_mean(held.astype(np.float64), cluster, "coverage")
    told = (f"intervals of nominal {level:g} hold the truth in {found.value:.3g} of all cases",)
    outside = not found.low <= level <= found.high
    return Coverage(
        replace(found, warnings=told if outside else ()),
        float(below.mean()),
        float(above.mean()),
        _finite_mean(width, cluster, "width"),
        _finite_mean(score, cluster, "interval score"),
    )


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins with at least one forecast, ascending; arrays are [bins]."""

    count: Floats
    probability: Floats
    """Mean forecast."""
    frequency: Floats
    """Share of forecasts whose event came."""
    code: Int64s
    """Each forecast's bin [n]."""


def reliability_bins(p: Floats, y: Floats, bins: int, binning: Binning) -> Bins:
    """Gather forecasts p [n] and outcomes y [n].

    `equal_width`: (a, b] with edges j / bins, 0 belonging to the first (Guo et al. 2017). `equal_mass`: the
    same with the forecasts' j / bins quantiles (linear interpolation) as edges, so equal forecasts share a bin
    and some bins may be larger, or gone. Both as `sklearn.calibration.calibration_curve`.

    Example:
        >>> from driftline.evaluation.calibration import reliability_bins
        >>> import numpy as np
        >>> found = reliability_bins(np.array([0.1, 0.2, 0.9]), np.array([0.0, 0.0, 1.0]), 2, "equal_width")
        >>> found.count.tolist(), found.frequency.tolist()
        ([2.0, 1.0], [0.0, 1.0])
    """
    if bins < 1:
        raise InputError(f"bins is {bins}; it must be at least 1")
    one_of("binning", binning, get_args(Binning))
    shares = np.linspace(0.0, 1.0, bins + 1)
    edges = shares if binning == "equal_width" else np.quantile(p, shares)
    return _gathered(p, y, np.searchsorted(edges[1:-1], p, side="left"))


def distinct_forecasts(p: Floats, y: Floats) -> Bins:
    """One bin per distinct forecast."""
    return _gathered(p, y, np.unique(p, return_inverse=True)[1])


def _gathered(p: Floats, y: Floats, place: Int64s) -> Bins:
    _, code = np.unique(place, return_inverse=True)
    count = np.bincount(code).astype(np.float64)
    return Bins(count, np.bincount(code, p) / count, np.bincount(code, y) / count, code)


def forecasts(probability: ArrayLike, outcome: ArrayLike) -> tuple[Floats, Floats]:
    """Checked probabilities in [0, 1] and outcomes of 0 or 1, both [n] as floats; `InputError` names the row."""
    p, y = np.asarray(probability, dtype=np.float64), np.asarray(outcome).astype(np.float64)
    if p.ndim != 1 or y.shape != p.shape:
        raise InputError(f"probability {p.shape} and outcome {y.shape} need one entry per forecast")
    if not len(p):
        raise InputError("there are no forecasts")
    wrong = ~((p >= 0.0) & (p <= 1.0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"probability of row {row} is {p[row]}; it must lie in [0, 1]")
    odd = (y != 0.0) & (y != 1.0)
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise InputError(f"outcome of row {row} is {y[row]}; it must be 0 or 1")
    return p, y


def many_way(probability: ArrayLike, choice: ArrayLike) -> tuple[Floats, Int64s]:
    """Checked probabilities [n, K] and classes [n]."""
    p, came = np.asarray(probability, dtype=np.float64), np.asarray(choice)
    if p.ndim != 2 or came.shape != (len(p),) or came.dtype.kind not in "iu":
        raise InputError(f"probability {p.shape} must be [n, K] and choice {came.shape} whole numbers [n]")
    if not len(p):
        raise InputError("there are no forecasts")
    if not np.isfinite(p).all() or (p < 0).any() or (np.abs(p.sum(axis=1) - 1.0) > 1e-6).any():
        raise InputError("probability must be finite and at least 0, and its rows must sum to 1")
    if (came < 0).any() or (came >= p.shape[1]).any():
        raise InputError(f"choice holds {came.min()} to {came.max()}; it must lie in 0 to {p.shape[1] - 1}")
    return p, came.astype(np.int64)


def _intervals(low: ArrayLike, high: ArrayLike, truth: ArrayLike, level: float) -> tuple[Floats, Floats, Floats]:
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


def _share(held: Bools) -> Estimate:
    n, share = len(held), float(held.mean())
    low, high = wilson(float(held.sum()), n)
    return Estimate(share, sqrt(share * (1 - share) / n), low, high, n, "coverage (wilson)")


def _finite_mean(values: Floats, cluster: ArrayLike | None, method: str) -> Estimate:
    if np.isfinite(values).all():
        return row_mean(values, cluster, method)
    return Estimate(np.inf, np.nan, np.nan, np.nan, len(values), method, ("some intervals are infinitely wide",))


def row_mean(values: Floats, cluster: ArrayLike | None, method: str) -> Estimate:
    """Mean over rows with Student's interval; rows of one cluster (a user) are not taken for independent.

    Without clusters: variance divisor n - 1. With G clusters: std_error^2 = G / (G - 1) sum_g (sum of residuals
    in g)^2 / n^2 and G - 1 degrees of freedom (Liang & Zeger 1986; CR1 without regressors).
    """
    mean, n = float(values.mean()), len(values)
    sums = values - mean
    if cluster is not None:
        who = np.asarray(cluster)
        if who.shape != values.shape:
            raise InputError(f"cluster has shape {who.shape} for {n} rows")
        _, code = np.unique(who, return_inverse=True)
        sums = np.bincount(code, sums).astype(np.float64)
    units = len(sums)
    method = f"{method} (t over {'rows' if cluster is None else 'clusters'})"
    if units < 2:
        return Estimate(mean, nan, nan, nan, units, method)
    error = sqrt(units / (units - 1) * float((sums**2).sum())) / n
    reach = t_quantile(0.5 + LEVEL / 2, units - 1) * error
    return Estimate(mean, error, mean - reach, mean + reach, units, method)
