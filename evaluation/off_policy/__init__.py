"""Off-policy evaluation: what a policy would have earned, told from another policy's log.

How sure an off-policy estimate is.
"""

from driftline.evaluation.interval import Bounds, IntervalName, Precision
from driftline.evaluation.off_policy.balanced import balanced_ope, estimated_action_weight
from driftline.evaluation.off_policy.dense import reduced
from driftline.evaluation.off_policy.diagnostics import Diagnostics, diagnose
from driftline.evaluation.off_policy.distribution import RewardDistribution, cvar, reward_distribution
from driftline.evaluation.off_policy.estimation import estimate_all
from driftline.evaluation.off_policy.estimators import (
    clipped_ips,
    dm,
    dr,
    dros,
    ips,
    mips,
    replay,
    sndr,
    snips,
    sub_gaussian_dr,
    sub_gaussian_ips,
    switch_dr,
)
from driftline.evaluation.off_policy.intervals import (
    Sequence,
    bounded_sequence,
    empirical_bernstein,
    hoeffding,
    weighted_sequence,
)
from driftline.evaluation.off_policy.marginalised import (
    embedding_weight,
    estimated_embedding_weight,
    group_weight,
    offcem,
)
from driftline.evaluation.off_policy.rounds import Rounds, rounds_from_frame
from driftline.evaluation.off_policy.several_loggers import (
    balanced_multi_ips,
    mixture_pscore,
    naive_multi_ips,
    weighted_multi_ips,
)
from driftline.evaluation.off_policy.terms import Method

__all__ = [
    "Bounds",
    "Diagnostics",
    "IntervalName",
    "Method",
    "Precision",
    "RewardDistribution",
    "Rounds",
    "Sequence",
    "balanced_multi_ips",
    "balanced_ope",
    "bounded_sequence",
    "clipped_ips",
    "cvar",
    "diagnose",
    "dm",
    "dr",
    "dros",
    "embedding_weight",
    "empirical_bernstein",
    "estimate_all",
    "estimated_action_weight",
    "estimated_embedding_weight",
    "group_weight",
    "hoeffding",
    "ips",
    "mips",
    "mixture_pscore",
    "naive_multi_ips",
    "offcem",
    "reduced",
    "replay",
    "reward_distribution",
    "rounds_from_frame",
    "sndr",
    "snips",
    "sub_gaussian_dr",
    "sub_gaussian_ips",
    "switch_dr",
    "weighted_multi_ips",
    "weighted_sequence",
]
