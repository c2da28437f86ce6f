"""Off-policy evaluation while values drift: every number names the time it speaks of.

Three targets are kept apart: `past` (the mean over the log), `present` (the newest rounds), `next_period` (the
period after the log's last).
"""

from driftline.evaluation.nonstationary.bases import Basis, cosine, polynomial, seasonal
from driftline.evaluation.nonstationary.opfv import opfv
from driftline.evaluation.nonstationary.per_period import PeriodValues, per_period, periods
from driftline.evaluation.nonstationary.prognosticator import prognosticator
from driftline.evaluation.nonstationary.round_terms import Estimator
from driftline.evaluation.nonstationary.targets import Target
from driftline.evaluation.nonstationary.time_weighted import discounted, past_average, sliding_window

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
