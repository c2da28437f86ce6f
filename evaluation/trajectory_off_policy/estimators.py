"""Importance sampling of trajectories: by the whole trajectory or step by step, plain and self-normalised.

Importance sampling of trajectories: by the whole trajectory or step by step, plain and self-normalised.

Arguments [rows], one row per step of a trajectory, in any order: see `trajectories_from_rows`. The value is the
expected discounted sum of rewards, sum_t gamma^t r_t. Trajectories may differ in length: one that has ended stays
where it is with reward 0 and ratio 1, in the normalisers too. The policies must act on what the propensities were
conditioned on; the horizon is that of the log. `n` of the result counts trajectories, or clusters; intervals:
`importance.sum_of_ratios.estimate`.

Doubly robust estimation of trajectories, and the direct method, from value estimates that the caller gives.

Arguments [rows] as in `trajectories_from_rows`. q_action: q_hat(s_t, a_t), the estimated discounted sum of rewards
*from step t on, as seen from step t*. q_expected: v_hat(s_t) = sum_a pi_e(a | s_t) q_hat(s_t, a). The estimates must
not have been fitted on these trajectories; then any of them leaves `dr` unbiased.
"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.sum_of_ratios import Asked, Interval, SumOfRatios, estimate, weight_warnings
from driftline.evaluation.trajectory_off_policy.trajectories import Trajectories, trajectories_from_rows


def tis(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Trajectory-wise IS: mean of w_0:T sum_t gamma^t r_t, w the product of all ratios (Precup et al. 2000)."""
    log = _log(trajectory, step, reward, pscore, target_pscore, gamma, cluster)
    return _whole("tis", log, False, Asked(interval, level, seed, log.cluster))


def sntis(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised (weighted) trajectory-wise IS: divided by the mean of w_0:T."""
    log = _log(trajectory, step, reward, pscore, target_pscore, gamma, cluster)
    return _whole("sntis", log, True, Asked(interval, level, seed, log.cluster))


def pdis(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Per-decision IS: mean of sum_t gamma^t w_0:t r_t (Precup, Sutton & Singh 2000); unbiased."""
    log = _log(trajectory, step, reward, pscore, target_pscore, gamma, cluster)
    return _per_decision("pdis", log, False, Asked(interval, level, seed, log.cluster))


def snpdis(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised per-decision IS: sum_t gamma^t sum_i w_i,0:t r_it / sum_i w_i,0:t.

    The consistent weighted form (CWPDIS, Thomas 2015, ch. 3): one normaliser per step over *all* trajectories.
    """
    log = _log(trajectory, step, reward, pscore, target_pscore, gamma, cluster)
    return _per_decision("snpdis", log, True, Asked(interval, level, seed, log.cluster))


def _log(
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float,
    cluster: ArrayLike | None,
) -> Trajectories:
    return trajectories_from_rows(
        trajectory=trajectory,
        step=step,
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        gamma=gamma,
        cluster=cluster,
    )


def _whole(method: str, log: Trajectories, normalised: bool, asked: Asked) -> Estimate:
    total = (log.discount * log.reward).sum(axis=1, keepdims=True)
    last = log.weight[:, -1:] if log.weight.size else np.ones((len(log), 1))
    found = weight_warnings(last, "trajectories", cluster=asked.cluster)
    return estimate(method, SumOfRatios(last * total, last if normalised else None), asked, found, "trajectories")


def _per_decision(method: str, log: Trajectories, normalised: bool, asked: Asked) -> Estimate:
    sums = SumOfRatios(log.discount * log.weight * log.reward, log.weight if normalised else None)
    found = weight_warnings(log.weight, "trajectories", "step", asked.cluster)
    return estimate(method, sums, asked, found, "trajectories")


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
