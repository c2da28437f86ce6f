"""Off-policy evaluation: what a policy would have earned, told from another policy's log.

rounds.py         a log as vectors, checked
estimators/       ips, snips, dr ...: the plug-ins; `Estimator` is what an own one subclasses
estimation.py     all estimators of one log together
intervals.py      intervals that hold at every n, and at every n at once
diagnostics.py    what weights say about themselves
dense.py          policies and models as matrices, down to one number a round
marginalised.py   weights of what an action is like; weights of its group
balanced.py       weights for a log without propensities
several_loggers.py  a log that several policies filled
distribution.py   the distribution of rewards; its worst tail
"""

from driftline.evaluation.interval import Bounds, IntervalName, Precision
from driftline.evaluation.off_policy.balanced import balanced_ope, estimated_action_weight
from driftline.evaluation.off_policy.dense import reduced
from driftline.evaluation.off_policy.diagnostics import Diagnostics, diagnose
from driftline.evaluation.off_policy.distribution import RewardDistribution, cvar, reward_distribution
from driftline.evaluation.off_policy.estimation import Method, estimate_all
from driftline.evaluation.off_policy.estimators._base import Estimator
from driftline.evaluation.off_policy.estimators.clipped_dr import clipped_dr
from driftline.evaluation.off_policy.estimators.clipped_ips import clipped_ips
from driftline.evaluation.off_policy.estimators.dm import dm
from driftline.evaluation.off_policy.estimators.dr import dr
from driftline.evaluation.off_policy.estimators.dros import dros
from driftline.evaluation.off_policy.estimators.ips import ips
from driftline.evaluation.off_policy.estimators.mips import mips
from driftline.evaluation.off_policy.estimators.offcem import offcem
from driftline.evaluation.off_policy.estimators.replay import replay
from driftline.evaluation.off_policy.estimators.sndr import sndr
from driftline.evaluation.off_policy.estimators.snips import snips
from driftline.evaluation.off_policy.estimators.sub_gaussian_dr import sub_gaussian_dr
from driftline.evaluation.off_policy.estimators.sub_gaussian_ips import sub_gaussian_ips
from driftline.evaluation.off_policy.estimators.switch_dr import switch_dr
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
)
from driftline.evaluation.off_policy.rounds import Rounds, rounds_from_frame
from driftline.evaluation.off_policy.several_loggers import (
    balanced_multi_ips,
    mixture_pscore,
    naive_multi_ips,
    weighted_multi_ips,
)
from driftline.evaluation.terms import Terms

__all__ = [
    "Bounds",
    "Diagnostics",
    "Estimator",
    "IntervalName",
    "Method",
    "Precision",
    "RewardDistribution",
    "Rounds",
    "Sequence",
    "Terms",
    "balanced_multi_ips",
    "balanced_ope",
    "bounded_sequence",
    "clipped_dr",
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
