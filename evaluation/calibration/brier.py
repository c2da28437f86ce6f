"""Brier score and Murphy's decomposition."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.calibration.forecasts import forecasts, many_way, row_mean
from driftline.evaluation.calibration.reliability import Binning, distinct_forecasts, reliability_bins
from driftline.evaluation.estimate import Estimate


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
    """
    p, came = many_way(probability, choice)
    squares = (p**2).sum(axis=1) - 2.0 * p[np.arange(len(p)), came] + 1.0
    return row_mean(squares, cluster, "brier_many_way")
