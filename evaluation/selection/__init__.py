"""Which off-policy estimator, and with which hyper-parameter: chosen from the log alone."""

from driftline.evaluation.selection.candidates import candidates
from driftline.evaluation.selection.chosen import Selection
from driftline.evaluation.selection.importance_fitting import ImportanceFit, fit_importance
from driftline.evaluation.selection.mse_bound import mse_bound, smallest_mse_bound
from driftline.evaluation.selection.pas_if import Candidate, pas_if
from driftline.evaluation.selection.slope import slope

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
