"""Off-policy evaluation: what a policy would have earned, told from another policy's log."""

from driftline.evaluation.off_policy.balanced_weights import balanced_ope, estimated_action_weight
from driftline.evaluation.off_policy.conjunct_effect import group_weight, offcem
from driftline.evaluation.off_policy.cvar import cvar
from driftline.evaluation.off_policy.dense import reduced
from driftline.evaluation.off_policy.diagnostics import Diagnostics, diagnose
from driftline.evaluation.off_policy.doubly_robust import dm, dr, dros, sndr, sub_gaussian_dr, switch_dr
from driftline.evaluation.off_policy.estimation import estimate_all
from driftline.evaluation.off_policy.frame import rounds_from_frame
from driftline.evaluation.off_policy.intervals.precision import Bounds, IntervalName
from driftline.evaluation.off_policy.marginalised import embedding_weight, estimated_embedding_weight
from driftline.evaluation.off_policy.reward_distribution import RewardDistribution, reward_distribution
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.off_policy.several_loggers import (
    balanced_multi_ips,
    mixture_pscore,
    naive_multi_ips,
    weighted_multi_ips,
)
from driftline.evaluation.off_policy.terms import Method
from driftline.evaluation.off_policy.weighted import clipped_ips, ips, mips, replay, snips, sub_gaussian_ips

__all__ = [
    "Bounds",
    "Diagnostics",
    "IntervalName",
    "Method",
    "RewardDistribution",
    "Rounds",
    "balanced_multi_ips",
    "balanced_ope",
    "clipped_ips",
    "cvar",
    "diagnose",
    "dm",
    "dr",
    "dros",
    "embedding_weight",
    "estimate_all",
    "estimated_action_weight",
    "estimated_embedding_weight",
    "group_weight",
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
]
