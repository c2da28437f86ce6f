"""What another policy's slates would have earned.

slate_log.py            logged slates as arrays, from a long table
importance_sampling.py  SIPS, IIPS, RIPS, self-normalised forms, cascade-DR
linear.py               the pseudo-inverse estimator and its weights
"""

from driftline.evaluation.importance.rows import cascade_pscore
from driftline.evaluation.slate_off_policy.importance_sampling import (
    cascade_dr,
    iips,
    reduce_q_hat,
    rips,
    sips,
    sniips,
    snrips,
    snsips,
)
from driftline.evaluation.slate_off_policy.linear import (
    PseudoInverseWeights,
    gamma_matrix,
    gamma_weights,
    pseudo_inverse,
    slate_marginal,
    uniform_weights,
    weighted_pseudo_inverse,
)
from driftline.evaluation.slate_off_policy.slate_log import SlateLog, slates_from_frame, slates_from_rows

__all__ = [
    "PseudoInverseWeights",
    "SlateLog",
    "cascade_dr",
    "cascade_pscore",
    "gamma_matrix",
    "gamma_weights",
    "iips",
    "pseudo_inverse",
    "reduce_q_hat",
    "rips",
    "sips",
    "slate_marginal",
    "slates_from_frame",
    "slates_from_rows",
    "sniips",
    "snrips",
    "snsips",
    "uniform_weights",
    "weighted_pseudo_inverse",
]
