"""Off-policy evaluation while values drift: every number names the time it speaks of.

Three targets are kept apart: `past` (the mean over the log), `present` (the newest rounds), `next_period` (the
period after the log's last).

time_weighted.py  past average, sliding window, discounting
forecasts.py      a curve through the periods' values, read off at the next one
weekly.py         rounds from times that are alike stand in for the time to come
"""

from driftline.evaluation.nonstationary.forecasts import (
    Basis,
    PeriodValues,
    cosine,
    per_period,
    periods,
    polynomial,
    prognosticator,
    seasonal,
)
from driftline.evaluation.nonstationary.time_weighted import Estimator, Target, discounted, past_average, sliding_window
from driftline.evaluation.nonstationary.weekly import opfv

__all__ = [
    "Basis",
    "Estimator",
    "PeriodValues",
    "Target",
    "cosine",
    "discounted",
    "opfv",
    "past_average",
    "per_period",
    "periods",
    "polynomial",
    "prognosticator",
    "seasonal",
    "sliding_window",
]
