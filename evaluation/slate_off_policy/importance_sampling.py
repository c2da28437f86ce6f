"""SIPS ... cascade DR.

Importance sampling of slates under three click models: standard, independent and cascade.

reward [n, L] per position (the value is the expected *sum* over positions) or, for the standard model, [n] per
slate. Which model holds decides which propensities are needed:

standard     whatever is shown may matter for every reward     pscore [n]: the whole slate
independent  a position's reward depends on its item only      pscore_item_position [n, L]: the item's marginal there
cascade      it depends on the items down to that position     pscore_cascade [n, L]: items 0..k together (cumulative)

Conventions of all: `cluster` [n] groups slates that are not independent (users); `n` of the result counts slates, or
clusters. Intervals: `sum_of_ratios.estimate`. Bad input raises `InputError` naming slate (row), position and value.

Doubly robust estimation under the cascade model.
"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.rows import falling, logged, numbers, reward_table, slate_reward, target
from driftline.evaluation.importance.sum_of_ratios import Asked, Interval, SumOfRatios, estimate, weight_warnings
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def sips(
    *,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Standard IPS: mean of w_i sum_k r_ik, w the ratio of the whole slates' propensities.

    Unbiased whatever users do (Precup, Sutton & Singh 2000; McInerney et al. 2020, eq. 1); weights grow
    exponentially with L.
    """
    table, weight = _standard(reward, pscore, target_pscore)
    return _judge("sips", table, weight, False, Asked(interval, level, seed, cluster))


def snsips(
    *,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised standard IPS: sum_i w_i r_i / sum_i w_i (Swaminathan & Joachims 2015); consistent only."""
    table, weight = _standard(reward, pscore, target_pscore)
    return _judge("snsips", table, weight, True, Asked(interval, level, seed, cluster))


def iips(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike,
    target_pscore_item_position: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Independent IPS: mean of sum_k w_ik r_ik, w the ratio of the marginals of the item at that position.

    Unbiased under the item-position click model (Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen 2018).
    """
    table, weight = _per_position(
        reward, "pscore_item_position", pscore_item_position, "target_pscore_item_position", target_pscore_item_position
    )
    return _judge("iips", table, weight, False, Asked(interval, level, seed, cluster))


def sniips(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike,
    target_pscore_item_position: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised independent IPS: sum over positions of sum_i w_ik r_ik / sum_i w_ik."""
    table, weight = _per_position(
        reward, "pscore_item_position", pscore_item_position, "target_pscore_item_position", target_pscore_item_position
    )
    return _judge("sniips", table, weight, True, Asked(interval, level, seed, cluster))


def rips(
    *,
    reward: ArrayLike,
    pscore_cascade: ArrayLike,
    target_pscore_cascade: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Reward-interaction IPS: mean of sum_k w_i,0:k r_ik, w the ratio for the items at positions 0 to k together.

    Unbiased under the cascade model (McInerney, Brost, Chandar, Mehrotra & Carterette 2020), without their
    normalisation, which is `snrips`. Cascade propensities are cumulative: `cascade_pscore` makes them from
    conditional log-probabilities.
    """
    table, weight = cascade_weights(reward, pscore_cascade, target_pscore_cascade)
    return _judge("rips", table, weight, False, Asked(interval, level, seed, cluster))


def snrips(
    *,
    reward: ArrayLike,
    pscore_cascade: ArrayLike,
    target_pscore_cascade: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Self-normalised reward-interaction IPS: sum over positions of sum_i w_i,0:k r_ik / sum_i w_i,0:k."""
    table, weight = cascade_weights(reward, pscore_cascade, target_pscore_cascade)
    return _judge("snrips", table, weight, True, Asked(interval, level, seed, cluster))


def cascade_weights(reward: ArrayLike, pscore: ArrayLike, target_pscore: ArrayLike) -> tuple[Floats, Floats]:
    """Rewards and cumulative ratios [n, L], checked."""
    table, weight = _per_position(
        reward, "pscore_cascade", pscore, "target_pscore_cascade", target_pscore, cascade=True
    )
    return table, weight


def _standard(reward: ArrayLike, pscore: ArrayLike, target_pscore: ArrayLike) -> tuple[Floats, Floats]:
    summed = slate_reward(reward)
    below = logged("pscore", pscore, summed.shape)
    weight = target("target_pscore", target_pscore, summed.shape) / below
    return summed[:, None], weight[:, None]


def _per_position(
    reward: ArrayLike, name: str, pscore: ArrayLike, target_name: str, target_pscore: ArrayLike, cascade: bool = False
) -> tuple[Floats, Floats]:
    table = reward_table(reward)
    below, above = logged(name, pscore, table.shape), target(target_name, target_pscore, table.shape)
    if cascade:
        falling(name, below)
        falling(target_name, above)
    return table, above / below


def _judge(method: str, reward: Floats, weight: Floats, normalised: bool, asked: Asked) -> Estimate:
    sums = SumOfRatios(weight * reward, weight if normalised else None)
    return estimate(method, sums, asked, weight_warnings(weight, cluster=asked.cluster))


BLOCK = 1 << 18
"""Cells of q_hat that are reduced at once."""


def cascade_dr(
    *,
    reward: ArrayLike,
    pscore_cascade: ArrayLike,
    target_pscore_cascade: ArrayLike,
    q_hat_factual: ArrayLike,
    q_expected: ArrayLike,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Cascade-DR: mean of sum_k [w_0:k (r_k - q_k) + w_0:k-1 v_k], w_0:-1 = 1 (Kiyohara et al. 2022, eq. 8).

    reward, pscore_cascade, target_pscore_cascade: [n, L], the propensities cumulative. q_hat_factual [n, L]: the
    estimated reward *from position k on* of the slate shown down to k, q_k(x, a_0..a_k). q_expected [n, L]: its mean
    over the target policy's item at k, v_k = sum_a pi_e(a | x, a_0..a_k-1) q_k(x, a_0..a_k-1, a); `reduce_q_hat` makes
    both from dense arrays. Unbiased under the cascade model for any q_hat that was not fitted on these slates.
    `cluster` and intervals as elsewhere here.
    """
    table, weight = cascade_weights(reward, pscore_cascade, target_pscore_cascade)
    q = numbers("q_hat_factual", q_hat_factual, table.shape)
    v = numbers("q_expected", q_expected, table.shape)
    before = np.concatenate([np.ones((len(weight), 1)), weight[:, :-1]], axis=1)
    asked = Asked(interval, level, seed, cluster)
    sums = SumOfRatios(weight * (table - q) + before * v, None)
    return estimate("cascade_dr", sums, asked, weight_warnings(weight, cluster=asked.cluster))


def reduce_q_hat(*, action: ArrayLike, q_hat: ArrayLike, target_policy: ArrayLike) -> tuple[Floats, Floats]:
    """`q_hat_factual` and `q_expected` [n, L] from dense arrays, in one pass of small blocks.

    action [n, L]: 0 to A - 1. q_hat [n, L, A]: for each candidate at position k after the items shown above it.
    target_policy [n, L, A]: pi_e(a | x, items shown above k); rows sum to 1. Open Bandit Pipeline's flat arrays of
    n x L x A values may be given as they are.
    """
    chosen = np.asarray(action)
    if chosen.ndim != 2 or chosen.dtype.kind not in "iu":
        raise InputError(f"action must be whole numbers [n, L], got {chosen.dtype} of shape {chosen.shape}")
    q, policy = np.asarray(q_hat), np.asarray(target_policy)
    items = q.size // max(chosen.size, 1)
    for name, array in (("q_hat", q), ("target_policy", policy)):
        if array.size != chosen.size * items or array.shape not in ((*chosen.shape, items), (array.size,)):
            raise InputError(f"{name} has shape {array.shape}, expected {(*chosen.shape, 'A')} with A items")
    if chosen.size and (chosen.min() < 0 or chosen.max() >= items):
        row, k = (int(x) for x in np.argwhere((chosen < 0) | (chosen >= items))[0])
        raise InputError(
            f"action of slate {row}, position {k} is {chosen[row, k]}; it must lie between 0 and {items - 1}"
        )
    q, policy = q.reshape(*chosen.shape, items), policy.reshape(*chosen.shape, items)
    factual, expected = np.empty((2, *chosen.shape))
    step = max(1, BLOCK // max(chosen.shape[1] * items, 1))
    for at in range(0, len(chosen), step):
        rows = slice(at, at + step)
        factual[rows], expected[rows] = _reduce(chosen[rows], q[rows], policy[rows], at)
    return factual, expected


def _reduce(action: Int64s, q_hat: Floats, policy: Floats, first: int) -> tuple[Floats, Floats]:
    total = policy.sum(axis=2)
    off = ~(np.abs(total - 1.0) < 1e-6)
    if off.any():
        row, k = (int(x) for x in np.argwhere(off)[0])
        raise InputError(f"target_policy of slate {first + row}, position {k} sums to {total[row, k]}, not to 1")
    target("target_policy", policy)
    return (
        np.take_along_axis(q_hat, action[:, :, None], axis=2)[:, :, 0],
        np.einsum("nla,nla->nl", policy, q_hat),
    )
