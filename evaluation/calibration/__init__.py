"""Calibration of forecasts: do probabilities and intervals mean what they say?"""

from driftline.evaluation.calibration.brier import Brier, brier, brier_many_way
from driftline.evaluation.calibration.ece import expected_calibration_error
from driftline.evaluation.calibration.forecasts import top_label
from driftline.evaluation.calibration.interval_coverage import Coverage, interval_coverage
from driftline.evaluation.calibration.reliability import Bins, reliability_bins

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
