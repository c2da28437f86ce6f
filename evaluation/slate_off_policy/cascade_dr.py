"""Doubly robust estimation under the cascade model."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.propensities import numbers, target
from driftline.evaluation.importance.sum_of_ratios import Asked, Interval, SumOfRatios, estimate
from driftline.evaluation.importance.weight_warnings import weight_warnings
from driftline.evaluation.slate_off_policy.importance_sampling import cascade_weights
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

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
