"""Importance sampling and doubly robust estimation of trajectories, plain and self-normalised.

The value is the expected discounted sum of rewards, sum_t gamma^t r_t. Arguments are columns [rows], one row a step of
a trajectory, in any order. Trajectories may differ in length: one that has ended stays where it is with reward 0 and
ratio 1, in the normalisers too. The policies must act on what the propensities were conditioned on; the horizon is
that of the log. `n` of the result counts trajectories, or clusters. Value estimates (`q_action`, `q_expected`) must not
have been fitted on these trajectories; then any of them leaves `dr` unbiased.
"""

from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.claims import claims
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.weights import weight_warnings
from driftline.evaluation.interval import Asked, Precision, estimated
from driftline.evaluation.terms import Terms
from driftline.evaluation.trajectory_off_policy.trajectories import Trajectories, trajectories_from_rows
from driftline.sim.types import Floats


@claims("trajectories", unbiased_in="histories")
def tis(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    **asked: Unpack[Asked],
) -> Estimate:
    """Trajectory-wise IS: mean of w_0:T sum_t gamma^t r_t, w the product of all ratios (Precup et al. 2000).

    Unbiased; weights grow exponentially with the horizon.

    Args:
        trajectory: Which trajectory each row belongs to [rows], whole numbers or texts.
        step: Its step there [rows], from 0, each once.
        reward: What the step earned [rows]; finite.
        pscore: The logging policy's probability of the logged action [rows], in (0, 1].
        target_pscore: The target policy's [rows], in [0, 1].
        gamma: Discount a step, in (0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [rows]; see `Asked`.

    Raises:
        InputError: A missing or repeated step, a value that is not finite, a propensity out of range.

    Examples:
        >>> log = {"trajectory": [0, 0, 1, 1], "step": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 0.0],
        ...        "pscore": [0.5] * 4, "target_pscore": [1.0, 1.0, 0.5, 0.5]}
        >>> tis(**log).value
        2.5
    """
    log = trajectories_from_rows(trajectory, step, reward, pscore, target_pscore, gamma, asked.get("cluster"))
    return _whole("tis", log, asked)


@claims("trajectories", equivariant=True)
def sntis(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    **asked: Unpack[Asked],
) -> Estimate:
    """Self-normalised (weighted) trajectory-wise IS: `tis` divided by the mean of w_0:T; consistent only.

    Args:
        trajectory: Which trajectory each row belongs to [rows], whole numbers or texts.
        step: Its step there [rows], from 0, each once.
        reward: What the step earned [rows]; finite.
        pscore: The logging policy's probability of the logged action [rows], in (0, 1].
        target_pscore: The target policy's [rows], in [0, 1].
        gamma: Discount a step, in (0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [rows]; see `Asked`.

    Raises:
        InputError: A missing or repeated step, a value that is not finite, a propensity out of range.

    Examples:
        >>> log = {"trajectory": [0, 0, 1, 1], "step": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 0.0],
        ...        "pscore": [0.5] * 4, "target_pscore": [1.0, 1.0, 0.5, 0.5]}
        >>> sntis(**log).value
        1.0
    """
    log = trajectories_from_rows(trajectory, step, reward, pscore, target_pscore, gamma, asked.get("cluster"))
    return _whole("sntis", log, asked, normalised=True)


@claims("trajectories", unbiased_in="histories")
def pdis(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    **asked: Unpack[Asked],
) -> Estimate:
    """Per-decision IS: mean of sum_t gamma^t w_0:t r_t (Precup, Sutton & Singh 2000); unbiased.

    Args:
        trajectory: Which trajectory each row belongs to [rows], whole numbers or texts.
        step: Its step there [rows], from 0, each once.
        reward: What the step earned [rows]; finite.
        pscore: The logging policy's probability of the logged action [rows], in (0, 1].
        target_pscore: The target policy's [rows], in [0, 1].
        gamma: Discount a step, in (0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [rows]; see `Asked`.

    Raises:
        InputError: A missing or repeated step, a value that is not finite, a propensity out of range.

    Examples:
        >>> log = {"trajectory": [0, 0, 1, 1], "step": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 0.0],
        ...        "pscore": [0.5] * 4, "target_pscore": [1.0, 1.0, 0.5, 0.5]}
        >>> pdis(**log).value
        2.5
    """
    log = trajectories_from_rows(trajectory, step, reward, pscore, target_pscore, gamma, asked.get("cluster"))
    return _per_decision("pdis", log, asked)


@claims("trajectories", equivariant=True)
def snpdis(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    **asked: Unpack[Asked],
) -> Estimate:
    """Self-normalised per-decision IS: sum_t gamma^t sum_i w_i,0:t r_it / sum_i w_i,0:t.

    The consistent weighted form (CWPDIS, Thomas 2015, ch. 3): one normaliser per step over *all* trajectories.

    Args:
        trajectory: Which trajectory each row belongs to [rows], whole numbers or texts.
        step: Its step there [rows], from 0, each once.
        reward: What the step earned [rows]; finite.
        pscore: The logging policy's probability of the logged action [rows], in (0, 1].
        target_pscore: The target policy's [rows], in [0, 1].
        gamma: Discount a step, in (0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [rows]; see `Asked`.

    Raises:
        InputError: A missing or repeated step, a value that is not finite, a propensity out of range.

    Examples:
        >>> log = {"trajectory": [0, 0, 1, 1], "step": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 0.0],
        ...        "pscore": [0.5] * 4, "target_pscore": [1.0, 1.0, 0.5, 0.5]}
        >>> round(snpdis(**log).value, 4)
        1.1333
    """
    log = trajectories_from_rows(trajectory, step, reward, pscore, target_pscore, gamma, asked.get("cluster"))
    return _per_decision("snpdis", log, asked, normalised=True)


@claims("trajectories", equivariant=True)
def dm(*, trajectory: ArrayLike, step: ArrayLike, q_expected: ArrayLike, **asked: Unpack[Asked]) -> Estimate:
    """Direct method: mean of v_hat at the first step; as biased as the value estimates are.

    Args:
        trajectory: Which trajectory each row belongs to [rows], whole numbers or texts.
        step: Its step there [rows], from 0, each once.
        q_expected: v_hat(s_t) = sum_a pi_e(a | s_t) q_hat(s_t, a) [rows].
        **asked: See `Asked`.

    Raises:
        InputError: A missing or repeated step, a value that is not finite.

    Examples:
        >>> dm(trajectory=[0, 0, 1], step=[0, 1, 0], q_expected=[1.0, 0.0, 2.0]).value
        1.5
    """
    ones = np.ones(np.asarray(step).shape)
    log = trajectories_from_rows(trajectory, step, 0.0 * ones, ones, ones, 1.0, asked.get("cluster"))
    first = log.column("q_expected", q_expected)[:, :1].sum(axis=1)
    untold = ("the interval leaves out the error of the value estimates",)
    return _estimated("dm", Terms(base=first), log, asked, untold)


@claims("trajectories", unbiased_in="histories", equivariant=True)
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
    **asked: Unpack[Asked],
) -> Estimate:
    """Doubly robust: mean of sum_t gamma^t [w_0:t (r_t - q_t) + w_0:t-1 v_t], w_0:-1 = 1.

    Jiang & Li 2016, eq. 10, unrolled; per-step weights as in `pdis`. Unbiased for any value estimates.

    Args:
        trajectory: Which trajectory each row belongs to [rows], whole numbers or texts.
        step: Its step there [rows], from 0, each once.
        reward: What the step earned [rows]; finite.
        pscore: The logging policy's probability of the logged action [rows], in (0, 1].
        target_pscore: The target policy's [rows], in [0, 1].
        q_action: q_hat(s_t, a_t), the estimated discounted reward *from step t on, as seen from step t* [rows].
        q_expected: v_hat(s_t) = sum_a pi_e(a | s_t) q_hat(s_t, a) [rows].
        gamma: Discount a step, in (0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [rows]; see `Asked`.

    Raises:
        InputError: A missing or repeated step, a value that is not finite, a propensity out of range.

    Examples:
        >>> log = {"trajectory": [0, 0, 1, 1], "step": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 0.0],
        ...        "pscore": [0.5] * 4, "target_pscore": [1.0, 1.0, 0.5, 0.5]}
        >>> dr(**log, q_action=[0.5] * 4, q_expected=[0.5] * 4).value
        1.75
    """
    log = trajectories_from_rows(trajectory, step, reward, pscore, target_pscore, gamma, asked.get("cluster"))
    left = log.reward - log.column("q_action", q_action)
    terms = log.discount * (log.weight * left + log.before() * log.column("q_expected", q_expected))
    return _estimated("dr", Terms(base=terms.sum(axis=1)), log, asked, _weighed(log.weight, log))


@claims("trajectories", equivariant=True)
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
    **asked: Unpack[Asked],
) -> Estimate:
    """Self-normalised (weighted) doubly robust: `dr` with every step's weights divided by their mean.

    WDR of Thomas & Brunskill 2016, eq. 9; one normaliser per step over all trajectories, ended ones included.

    Args:
        trajectory: Which trajectory each row belongs to [rows], whole numbers or texts.
        step: Its step there [rows], from 0, each once.
        reward: What the step earned [rows]; finite.
        pscore: The logging policy's probability of the logged action [rows], in (0, 1].
        target_pscore: The target policy's [rows], in [0, 1].
        q_action: q_hat(s_t, a_t), the estimated discounted reward *from step t on, as seen from step t* [rows].
        q_expected: v_hat(s_t) = sum_a pi_e(a | s_t) q_hat(s_t, a) [rows].
        gamma: Discount a step, in (0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [rows]; see `Asked`.

    Raises:
        InputError: A missing or repeated step, a value that is not finite, a propensity out of range.

    Examples:
        >>> log = {"trajectory": [0, 0, 1, 1], "step": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 0.0],
        ...        "pscore": [0.5] * 4, "target_pscore": [1.0, 1.0, 0.5, 0.5]}
        >>> round(sndr(**log, q_action=[0.5] * 4, q_expected=[0.5] * 4).value, 4)
        1.1333
    """
    log = trajectories_from_rows(trajectory, step, reward, pscore, target_pscore, gamma, asked.get("cluster"))
    left = log.reward - log.column("q_action", q_action)
    before = log.before()
    ahead = log.discount * before * log.column("q_expected", q_expected)
    above = np.concatenate([log.discount * log.weight * left, ahead], axis=1)
    terms = Terms(top=above, bottom=np.concatenate([log.weight, before], axis=1))
    return _estimated("sndr", terms, log, asked, _weighed(log.weight, log))


def _whole(method: str, log: Trajectories, asked: Asked, *, normalised: bool = False) -> Estimate:
    total = (log.discount * log.reward).sum(axis=1)
    last = log.weight[:, -1] if log.weight.size else np.ones(len(log))
    terms = Terms(top=last * total, bottom=last if normalised else None)
    return _estimated(method, terms, log, asked, _weighed(last, log))


def _per_decision(method: str, log: Trajectories, asked: Asked, *, normalised: bool = False) -> Estimate:
    earned = log.discount * log.weight * log.reward
    terms = Terms(top=earned, bottom=log.weight) if normalised else Terms(base=earned.sum(axis=1))
    return _estimated(method, terms, log, asked, _weighed(log.weight, log))


def _weighed(weight: Floats, log: Trajectories) -> tuple[str, ...]:
    return weight_warnings(weight, "trajectories", "step", log.cluster)


def _estimated(method: str, terms: Terms, log: Trajectories, asked: Asked, warnings: tuple[str, ...]) -> Estimate:
    return estimated(method, terms, Precision.of(asked), cluster=log.cluster, unit="trajectories", warnings=warnings)
