"""Marginal importance sampling: weights of states instead of whole histories, for countable states."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.claims import claims
from driftline.evaluation.estimate import LEVEL, Estimate
from driftline.evaluation.importance.weights import size_warnings, weight_warnings
from driftline.evaluation.interval import Precision, estimated
from driftline.evaluation.terms import Terms
from driftline.evaluation.trajectory_off_policy.trajectories import Trajectories, trajectories_from_rows
from driftline.sim.types import Floats, Int64s

ALONE = 0.1
"""More than this share of steps in cells seen once is named."""


@claims("trajectories")
def marginal_is(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    state: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    level: float = LEVEL,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Marginalised IS: sum_t gamma^t mean_i [d_t(s_it) / b_t(s_it)] w_it r_it (Xie, Ma & Wang 2019, eq. 3).

    b_t is the share of trajectories in a state at step t; d_t, the target policy's, is carried forward from d_0 = b_0
    by d_t+1(s') = mean_i [d_t / b_t](s_it) w_it 1(s_i,t+1 = s'), w_it the ratio of that one step. So weights depend on
    states, not on histories: the process must be Markov in them (and the propensities given in them). Consistent, not
    unbiased. An ended trajectory is in no state.

    Interval: delta method. The estimate is a plug-in of state frequencies, transitions and rewards, whose influence is
    V_0(s_i0) - V + sum_t gamma^t [d_t / b_t](s_it) (w_it (r_it + gamma V_t+1(s_i,t+1)) - V_t(s_it)), V_t the same
    model's value, carried backward.

    Args:
        trajectory: Which trajectory each row belongs to [rows], whole numbers or texts.
        step: Its step there [rows], from 0, each once.
        state: The state that the step began in [rows], whole numbers from 0.
        reward: What the step earned [rows]; finite.
        pscore: The logging policy's probability of the logged action [rows], in (0, 1].
        target_pscore: The target policy's [rows], in [0, 1].
        gamma: Discount a step, in (0, 1].
        level: Of the interval, in (0, 1).
        cluster: Whose trajectory it is [rows]; then errors are cluster-robust, and the interval Student's.

    Raises:
        InputError: A missing or repeated step, a value that is not finite, a propensity out of range.

    Examples:
        >>> log = {"trajectory": [0, 0, 1, 1], "step": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 0.0],
        ...        "pscore": [0.5] * 4, "target_pscore": [1.0, 1.0, 0.5, 0.5]}
        >>> marginal_is(**log, state=[0, 1, 0, 1]).value
        2.0
    """
    log = trajectories_from_rows(trajectory, step, reward, pscore, target_pscore, gamma, cluster)
    return _marginal("marginal_is", log, log.states(state), gamma, False, level)


@claims("trajectories", equivariant=True)
def snmarginal_is(
    *,
    trajectory: ArrayLike,
    step: ArrayLike,
    state: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    level: float = LEVEL,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised `marginal_is`: each step's ratios are divided by their mean in that state at that step.

    So estimated transitions sum to 1 and the mass of d_t does not wander with the horizon, which the plain form's does
    by the product of the steps' mean ratios. Interval as there, with w_it (r_it + gamma V_t+1 - V_t) as the term.

    Args:
        trajectory: Which trajectory each row belongs to [rows], whole numbers or texts.
        step: Its step there [rows], from 0, each once.
        state: The state that the step began in [rows], whole numbers from 0.
        reward: What the step earned [rows]; finite.
        pscore: The logging policy's probability of the logged action [rows], in (0, 1].
        target_pscore: The target policy's [rows], in [0, 1].
        gamma: Discount a step, in (0, 1].
        level: Of the interval, in (0, 1).
        cluster: Whose trajectory it is [rows]; then errors are cluster-robust, and the interval Student's.

    Raises:
        InputError: A missing or repeated step, a value that is not finite, a propensity out of range.

    Examples:
        >>> log = {"trajectory": [0, 0, 1, 1], "step": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 0.0],
        ...        "pscore": [0.5] * 4, "target_pscore": [1.0, 1.0, 0.5, 0.5]}
        >>> round(snmarginal_is(**log, state=[0, 1, 0, 1]).value, 4)
        1.0
    """
    log = trajectories_from_rows(trajectory, step, reward, pscore, target_pscore, gamma, cluster)
    return _marginal("snmarginal_is", log, log.states(state), gamma, True, level)


def _marginal(method: str, log: Trajectories, states: Int64s, gamma: float, normalised: bool, level: float) -> Estimate:
    ratio = _normalised(states, log.ratio) if normalised else log.ratio
    visits, shift = _forward(states, ratio)
    centre = ratio if normalised else np.ones_like(ratio)
    terms = _influence(states, ratio, centre, log, shift, gamma)
    # the weights of states are estimated, so only the logged ratios' means can be tested
    found = (
        *_alone(states, visits),
        *weight_warnings(log.ratio, "trajectories", "step", log.cluster),
        *(size_warnings(_all_weights(shift * ratio, log), "trajectories by state", "step") if len(log) else ()),
    )
    precision = Precision(level=level)
    return estimated(method, Terms(base=terms), precision, cluster=log.cluster, unit="trajectories", warnings=found)


def _normalised(states: Int64s, ratio: Floats) -> Floats:
    """Ratios divided by their mean in each state at each step; 0 where all are 0."""
    out = np.zeros_like(ratio)
    size = int(states.max(initial=-1)) + 1
    for t in range(states.shape[1]):
        here = np.flatnonzero(states[:, t] >= 0)
        at = states[here, t]
        total = np.bincount(at, ratio[here, t], size)[at]
        count = np.bincount(at, minlength=size)[at]
        out[here, t] = np.divide(ratio[here, t] * count, total, out=np.zeros(len(here)), where=total > 0)
    return out


def _forward(states: Int64s, ratio: Floats) -> tuple[Floats, Floats]:
    """Per cell, how many trajectories are in that state then, and d_t / b_t [n, H]; 0 after the end."""
    n, width = states.shape
    size = int(states.max(initial=-1)) + 1
    visits, shift = np.zeros((2, n, width))
    for t in range(width):
        here = np.flatnonzero(states[:, t] >= 0)
        at = states[here, t]
        count = np.bincount(at, minlength=size).astype(np.float64)
        arrived = shift[here, t - 1] * ratio[here, t - 1] if t else np.ones(len(here))
        mass = np.bincount(at, arrived, size)
        visits[here, t] = count[at]
        shift[here, t] = mass[at] / count[at]
    return visits, shift


def _influence(states: Int64s, ratio: Floats, centre: Floats, log: Trajectories, shift: Floats, gamma: float) -> Floats:
    """V plus each trajectory's influence [n]: their mean is the estimate."""
    n, width = states.shape
    size = int(states.max(initial=-1)) + 1
    total = np.zeros(n)
    value = np.zeros(size)
    for t in range(width - 1, -1, -1):
        here = np.flatnonzero(states[:, t] >= 0)
        at = states[here, t]
        ahead = np.zeros(len(here))
        if t + 1 < width:
            after = states[here, t + 1]
            ahead[after >= 0] = value[after[after >= 0]]
        target = ratio[here, t] * (log.reward[here, t] + gamma * ahead)
        count = np.bincount(at, minlength=size)
        value = np.bincount(at, target, size) / np.maximum(count, 1)
        total[here] += log.discount[t] * shift[here, t] * (target - centre[here, t] * value[at])
    first = states[:, 0] if width else np.empty(0, np.int64)
    return total + value[first]


def _all_weights(weight: Floats, log: Trajectories) -> Floats:
    """Weights of all trajectories at every step [n, H]; an ended one keeps its last."""
    last = np.take_along_axis(weight, log.placed.length[:, None] - 1, axis=1)
    return np.where(log.alive, weight, last)


def _alone(states: Int64s, visits: Floats) -> tuple[str, ...]:
    steps = int((states >= 0).sum())
    alone = int((visits == 1).sum())
    if not steps or alone <= ALONE * steps:
        return ()
    return (f"{100 * alone / steps:.0f} % of steps are the only visit to their state then: use coarser states or pdis",)
