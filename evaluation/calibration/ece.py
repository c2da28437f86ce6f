"""Expected calibration error."""

from dataclasses import replace
from math import pi

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.calibration.forecasts import forecasts, row_mean
from driftline.evaluation.calibration.reliability import Binning, reliability_bins
from driftline.evaluation.estimate import Estimate


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
    """
    p, y = forecasts(probability, outcome)
    found = reliability_bins(p, y, bins, binning)
    sign = np.where(found.frequency < found.probability, -1.0, 1.0)
    mean = row_mean(sign[found.code] * (y - p), cluster, f"ece, {bins} bins, {binning}")
    variance = np.bincount(found.code, p * (1.0 - p)) / found.count
    noise = float((np.sqrt(found.count * variance * 2.0 / pi)).sum() / len(p))
    told = f"perfectly calibrated forecasts would show an error of about {noise:.2g} with as many rows"
    return replace(mean, low=max(mean.low, 0.0), warnings=(told,) if mean.value < 3 * noise else ())
