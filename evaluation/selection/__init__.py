"""Which off-policy estimator, and with which hyper-parameter: chosen from the log alone.

_slope.py   SLOPE, and tuning by an estimated mean squared error
_pas_if.py  PAS-IF, by splits of the log that mimic the task
"""

from driftline.evaluation.selection._pas_if import Candidate, ImportanceFit, candidates, fit_importance, pas_if
from driftline.evaluation.selection._slope import Selection, mse_bound, slope, smallest_mse_bound

__all__ = [
    "Candidate",
    "ImportanceFit",
    "Selection",
    "candidates",
    "fit_importance",
    "mse_bound",
    "pas_if",
    "slope",
    "smallest_mse_bound",
]
