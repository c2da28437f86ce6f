"""Doubly robust estimation of trajectories, and the direct method, from value estimates that the caller gives.

Arguments [rows] as in `trajectories_from_rows`. q_action: q_hat(s_t, a_t), the estimated discounted sum of rewards
*from step t on, as seen from step t*. q_expected: v_hat(s_t) = sum_a pi_e(a | s_t) q_hat(s_t, a). The estimates must
not have been fitted on these trajectories; then any of them leaves `dr` unbiased.
"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.sum_of_ratios import Asked, Interval, SumOfRatios, estimate
from driftline.evaluation.importance.weight_warnings import weight_warnings
from driftline.evaluation.trajectory_off_policy.trajectories import trajectories_from_rows


def dm(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    q_expected: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Direct method: mean of v_hat at the first step; as biased as the value estimates are."""
    ones = np.ones(np.asarray(step).shape)
    log = trajectories_from_rows(
        trajectory=trajectory, step=step, reward=0.0 * ones, pscore=ones, target_pscore=ones, cluster=cluster
    )
    value = log.column("q_expected", q_expected)[:, :1]
    warnings = ("the interval leaves out the error of the value estimates",)
    asked = Asked(interval, level, seed, log.cluster)
    return estimate("dm", SumOfRatios(value, None), asked, warnings, "trajectories")


def dr(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    q_action: ArrayLike,
    q_expected: ArrayLike,
    gamma: float = 1.0,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Doubly robust: mean of sum_t gamma^t [w_0:t (r_t - q_t) + w_0:t-1 v_t], w_0:-1 = 1.

    Jiang & Li 2016, eq. 10, unrolled; per-step weights as in `pdis`.
    """
    log = trajectories_from_rows(
        trajectory=trajectory,
        step=step,
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        gamma=gamma,
        cluster=cluster,
    )
    left = log.reward - log.column("q_action", q_action)
    terms = log.discount * (log.weight * left + log.before() * log.column("q_expected", q_expected))
    found = weight_warnings(log.weight, "trajectories", "step", log.cluster)
    asked = Asked(interval, level, seed, log.cluster)
    return estimate("dr", SumOfRatios(terms, None), asked, found, "trajectories")


def sndr(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    q_action: ArrayLike,
    q_expected: ArrayLike,
    gamma: float = 1.0,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised (weighted) doubly robust: `dr` with every step's weights divided by their mean.

    WDR of Thomas & Brunskill 2016, eq. 9; one normaliser per step over all trajectories, ended ones included.
    """
    log = trajectories_from_rows(
        trajectory=trajectory,
        step=step,
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        gamma=gamma,
        cluster=cluster,
    )
    left = log.reward - log.column("q_action", q_action)
    before = log.before()
    ahead = log.discount * before * log.column("q_expected", q_expected)
    above = np.concatenate([log.discount * log.weight * left, ahead], axis=1)
    found = weight_warnings(log.weight, "trajectories", "step", log.cluster)
    asked = Asked(interval, level, seed, log.cluster)
    sums = SumOfRatios(above, np.concatenate([log.weight, before], axis=1))
    return estimate("sndr", sums, asked, found, "trajectories")
