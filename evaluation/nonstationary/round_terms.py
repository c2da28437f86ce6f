"""What one round adds to an estimate: a numerator and a denominator, the same for every weighting in time."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from driftline.evaluation.off_policy.checks import codes, one_of, probabilities, propensities, vector, whole_numbers
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

Estimator = Literal["ips", "snips", "dr"]


@dataclass(frozen=True, slots=True)
class RoundTerms:
    """Per round [n]: the value over any set of rounds is the sum of `above` over the sum of `below`."""

    above: Floats
    below: Floats
    weight: Floats
    """Importance weight, target_pscore / pscore."""
    cluster: Int64s | None
    """Dense numbers of the clusters, or null: every round for itself."""
    reward: Floats
    plain: bool
    """Whether there is no reward model in it."""


def round_terms(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    cluster: Int64s | None = None,
    estimator: Estimator = "snips",
) -> RoundTerms:
    """Checks the columns and reduces them to two numbers a round.

    With w = target_pscore / pscore: ips adds w r over 1; snips adds w r over w (Swaminathan & Joachims 2015);
    dr adds w (r - q_action) + q_expected over 1 (Dudik, Langford & Li 2011). All arrays [n]. InputError: unequal
    lengths, no rounds, a value that is not finite, pscore outside (0, 1], target_pscore outside [0, 1], an unknown
    estimator, dr without both reward-model columns.
    """
    one_of("estimator", estimator, get_args(Estimator))
    reward = vector("reward", reward)
    n = len(reward)
    weight = probabilities("target_pscore", target_pscore, n) / propensities("pscore", pscore, n)
    groups = None if cluster is None else codes(whole_numbers("cluster", cluster, n))[0]
    if estimator == "snips":
        return RoundTerms(weight * reward, weight, weight, groups, reward, True)
    if estimator == "ips":
        return RoundTerms(weight * reward, np.ones(n), weight, groups, reward, True)
    if q_action is None or q_expected is None:
        missing = "q_action" if q_action is None else "q_expected"
        raise InputError(f"estimator 'dr' needs q_action and q_expected; {missing} is missing")
    missed = reward - vector("q_action", q_action, n)
    return RoundTerms(weight * missed + vector("q_expected", q_expected, n), np.ones(n), weight, groups, reward, False)
