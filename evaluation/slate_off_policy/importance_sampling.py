"""Importance sampling of slates under three click models: standard, independent and cascade.

reward [n, L] per position (the value is the expected *sum* over positions) or, for the standard model, [n] per
slate. Which model holds decides which propensities are needed:

standard     whatever is shown may matter for every reward     pscore [n]: the whole slate
independent  a position's reward depends on its item only      pscore_item_position [n, L]: the item's marginal there
cascade      it depends on the items down to that position     pscore_cascade [n, L]: items 0..k together (cumulative)

`n` of the result counts slates, or clusters. Bad input raises `InputError` naming slate (row), position and value.
"""

from dataclasses import replace
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import numbers, probabilities, propensities
from driftline.evaluation.claims import claims
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.rows import SLATES, falling, items_shown, reward_table, slate_reward
from driftline.evaluation.importance.weights import weight_warnings
from driftline.evaluation.interval import Asked, Precision, estimated, whose
from driftline.evaluation.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


@claims("slates", unbiased_in="standard")
def sips(*, reward: ArrayLike, pscore: ArrayLike, target_pscore: ArrayLike, **asked: Unpack[Asked]) -> Estimate:
    """Standard IPS: mean of w_i sum_k r_ik, w the ratio of the whole slates' propensities.

    Unbiased whatever users do (Precup, Sutton & Singh 2000; McInerney et al. 2020, eq. 1); weights grow
    exponentially with L.

    Args:
        reward: What each position earned [n, L], or each slate [n]; finite.
        pscore: The logging policy's probability of the whole slate [n], in (0, 1].
        target_pscore: The target policy's [n], in [0, 1].
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Another shape, a value that is not finite, a propensity out of range.

    Examples:
        >>> found = sips(reward=[[1, 0], [0, 1], [0, 0]], pscore=[0.5, 0.25, 0.25], target_pscore=[0.5, 0.5, 0.0])
        >>> found.value, round(found.std_error, 4)
        (1.0, 0.5774)
    """
    table, weight = _standard(reward, pscore, target_pscore)
    return _estimated("sips", table, weight, asked)


@claims("slates", equivariant=True)
def snsips(*, reward: ArrayLike, pscore: ArrayLike, target_pscore: ArrayLike, **asked: Unpack[Asked]) -> Estimate:
    """Self-normalised standard IPS: sum_i w_i r_i / sum_i w_i (Swaminathan & Joachims 2015); consistent only.

    Args:
        reward: What each position earned [n, L], or each slate [n]; finite.
        pscore: The logging policy's probability of the whole slate [n], in (0, 1].
        target_pscore: The target policy's [n], in [0, 1].
        **asked: See `Asked`.

    Raises:
        InputError: Another shape, a value that is not finite, a propensity out of range.

    Examples:
        >>> found = snsips(reward=[1, 1, 0], pscore=[0.5, 0.25, 0.25], target_pscore=[0.5, 0.25, 0.5])
        >>> found.value
        0.5
    """
    table, weight = _standard(reward, pscore, target_pscore)
    return _estimated("snsips", table, weight, asked, normalised=True)


@claims("slates", unbiased_in="independent")
def iips(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike,
    target_pscore_item_position: ArrayLike,
    **asked: Unpack[Asked],
) -> Estimate:
    """Independent IPS: mean of sum_k w_ik r_ik, w the ratio of the marginals of the item at that position.

    Unbiased under the item-position click model (Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen 2018).

    Args:
        reward: What each position earned [n, L]; finite.
        pscore_item_position: The logging policy's probability of the item at its position [n, L], in (0, 1].
        target_pscore_item_position: The target policy's [n, L], in [0, 1].
        **asked: See `Asked`.

    Raises:
        InputError: Another shape, a value that is not finite, a propensity out of range.

    Examples:
        >>> half = [[0.5, 0.5], [0.5, 0.5]]
        >>> iips(reward=[[1, 0], [0, 1]], pscore_item_position=half, target_pscore_item_position=[[1, 1], [0, 0]]).value
        1.0
    """
    table, weight = _marginal(reward, pscore_item_position, target_pscore_item_position)
    return _estimated("iips", table, weight, asked)


@claims("slates", equivariant=True)
def sniips(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike,
    target_pscore_item_position: ArrayLike,
    **asked: Unpack[Asked],
) -> Estimate:
    """Self-normalised independent IPS: sum over positions of sum_i w_ik r_ik / sum_i w_ik.

    Args:
        reward: What each position earned [n, L]; finite.
        pscore_item_position: The logging policy's probability of the item at its position [n, L], in (0, 1].
        target_pscore_item_position: The target policy's [n, L], in [0, 1].
        **asked: See `Asked`.

    Raises:
        InputError: Another shape, a value that is not finite, a propensity out of range.

    Examples:
        >>> half = [[0.5, 0.5], [0.5, 0.5]]
        >>> sniips(reward=[[1, 0], [0, 1]], pscore_item_position=half, target_pscore_item_position=half).value
        1.0
    """
    table, weight = _marginal(reward, pscore_item_position, target_pscore_item_position)
    return _estimated("sniips", table, weight, asked, normalised=True)


@claims("slates", unbiased_in="cascade")
def rips(
    *, reward: ArrayLike, pscore_cascade: ArrayLike, target_pscore_cascade: ArrayLike, **asked: Unpack[Asked]
) -> Estimate:
    """Reward-interaction IPS: mean of sum_k w_i,0:k r_ik, w the ratio for the items at positions 0 to k together.

    Unbiased under the cascade model (McInerney, Brost, Chandar, Mehrotra & Carterette 2020), without their
    normalisation, which is `snrips`.

    Args:
        reward: What each position earned [n, L]; finite.
        pscore_cascade: The logging policy's probability of the items down to each position [n, L], in (0, 1], never
            rising along a slate; `cascade_pscore` makes it from conditional log-probabilities.
        target_pscore_cascade: The target policy's [n, L], in [0, 1].
        **asked: See `Asked`.

    Raises:
        InputError: Another shape, a value that is not finite, a propensity out of range or rising along a slate.

    Examples:
        >>> logged, shown = [[0.5, 0.25], [0.5, 0.25]], [[1.0, 0.5], [0.0, 0.0]]
        >>> rips(reward=[[1, 0], [0, 1]], pscore_cascade=logged, target_pscore_cascade=shown).value
        1.0
    """
    table, weight = cascade_weights(reward, pscore_cascade, target_pscore_cascade)
    return _estimated("rips", table, weight, asked)


@claims("slates", equivariant=True)
def snrips(
    *, reward: ArrayLike, pscore_cascade: ArrayLike, target_pscore_cascade: ArrayLike, **asked: Unpack[Asked]
) -> Estimate:
    """Self-normalised reward-interaction IPS: sum over positions of sum_i w_i,0:k r_ik / sum_i w_i,0:k.

    The form of McInerney et al. 2020; consistent under the cascade model.

    Args:
        reward: What each position earned [n, L]; finite.
        pscore_cascade: The logging policy's probability of the items down to each position [n, L], in (0, 1].
        target_pscore_cascade: The target policy's [n, L], in [0, 1].
        **asked: See `Asked`.

    Raises:
        InputError: Another shape, a value that is not finite, a propensity out of range or rising along a slate.

    Examples:
        >>> logged, shown = [[0.5, 0.25], [0.5, 0.25]], [[1.0, 0.5], [0.5, 0.5]]
        >>> round(snrips(reward=[[1, 0], [0, 1]], pscore_cascade=logged, target_pscore_cascade=shown).value, 4)
        1.1667
    """
    table, weight = cascade_weights(reward, pscore_cascade, target_pscore_cascade)
    return _estimated("snrips", table, weight, asked, normalised=True)


@claims("slates", unbiased_in="cascade", equivariant=True)
def cascade_dr(
    *,
    reward: ArrayLike,
    pscore_cascade: ArrayLike,
    target_pscore_cascade: ArrayLike,
    q_hat_factual: ArrayLike,
    q_expected: ArrayLike,
    **asked: Unpack[Asked],
) -> Estimate:
    """Cascade-DR: mean of sum_k [w_0:k (r_k - q_k) + w_0:k-1 v_k], w_0:-1 = 1 (Kiyohara et al. 2022, eq. 8).

    Unbiased under the cascade model for any q_hat that was not fitted on these slates.

    Args:
        reward: What each position earned [n, L]; finite.
        pscore_cascade: The logging policy's probability of the items down to each position [n, L], in (0, 1].
        target_pscore_cascade: The target policy's [n, L], in [0, 1].
        q_hat_factual: The estimated reward *from position k on* of the slate shown down to k, q_k(x, a_0..a_k) [n, L].
        q_expected: Its mean over the target policy's item at k, v_k = sum_a pi_e(a | x, a_0..a_k-1)
            q_k(x, a_0..a_k-1, a) [n, L]; `reduce_q_hat` makes both from dense arrays.
        **asked: See `Asked`.

    Raises:
        InputError: Another shape, a value that is not finite, a propensity out of range or rising along a slate.

    Examples:
        >>> one, q = [[1.0, 1.0], [1.0, 1.0]], [[0.5, 0.25], [0.5, 0.25]]
        >>> cascade_dr(reward=[[1, 0], [0, 1]], pscore_cascade=one, target_pscore_cascade=one,
        ...            q_hat_factual=q, q_expected=q).value
        1.0
    """
    table, weight = cascade_weights(reward, pscore_cascade, target_pscore_cascade)
    q = numbers("q_hat_factual", q_hat_factual, table.shape, cells=SLATES)
    v = numbers("q_expected", q_expected, table.shape, cells=SLATES)
    before = np.concatenate([np.ones((len(weight), 1)), weight[:, :-1]], axis=1)
    cluster = whose(asked, len(weight))
    terms = Terms(base=(weight * (table - q) + before * v).sum(axis=1))
    warnings = weight_warnings(weight, cluster=cluster)
    return estimated("cascade_dr", terms, Precision.of(asked), cluster=cluster, unit="slates", warnings=warnings)


BLOCK = 1 << 18
"""Cells of q_hat that are reduced at once."""


def reduce_q_hat(*, action: ArrayLike, q_hat: ArrayLike, target_policy: ArrayLike) -> tuple[Floats, Floats]:
    """`q_hat_factual` and `q_expected` [n, L] from dense arrays, in one pass of small blocks.

    Args:
        action: The item at each position [n, L], 0 to A - 1.
        q_hat: The estimated reward of each candidate at position k after the items shown above it [n, L, A].
        target_policy: pi_e(a | x, items shown above k) [n, L, A]; rows sum to 1. Open Bandit Pipeline's flat arrays of
            n x L x A values may be given as they are, here and for `q_hat`.

    Raises:
        InputError: Another shape, an action that does not exist, a row that does not sum to 1.

    Examples:
        >>> policy = np.full((1, 2, 2), 0.5)
        >>> factual, expected = reduce_q_hat(action=[[1, 0]], q_hat=[[[0, 1], [2, 4]]], target_policy=policy)
        >>> factual.tolist(), expected.tolist()
        ([[1.0, 2.0]], [[0.5, 3.0]])
    """
    chosen = items_shown("action", action)
    q, policy = np.asarray(q_hat), np.asarray(target_policy)
    items = q.size // max(chosen.size, 1)
    for name, array in (("q_hat", q), ("target_policy", policy)):
        if array.size != chosen.size * items or array.shape not in ((*chosen.shape, items), (array.size,)):
            raise InputError(f"{name} has shape {array.shape}; must be {(*chosen.shape, 'A')} with A items")
    items_shown("action", chosen, items)
    q, policy = q.reshape(*chosen.shape, items), policy.reshape(*chosen.shape, items)
    factual, expected = np.empty((2, *chosen.shape))
    step = max(1, BLOCK // max(chosen.shape[1] * items, 1))
    for at in range(0, len(chosen), step):
        rows = slice(at, at + step)
        factual[rows], expected[rows] = _reduced(chosen[rows], q[rows], policy[rows], at)
    return factual, expected


def _reduced(action: Int64s, q_hat: Floats, policy: Floats, first: int) -> tuple[Floats, Floats]:
    total = policy.sum(axis=2)
    off = ~(np.abs(total - 1.0) < 1e-6)
    if off.any():
        row, k = (int(x) for x in np.argwhere(off)[0])
        raise InputError(f"target_policy of slate {first + row}, position {k} sums to {total[row, k]}, not to 1")
    probabilities("target_policy", policy, cells=replace(SLATES, ids=first + np.arange(len(policy))))
    return (
        np.take_along_axis(q_hat, action[:, :, None], axis=2)[:, :, 0],
        np.einsum("nla,nla->nl", policy, q_hat),
    )


def cascade_weights(reward: ArrayLike, pscore: ArrayLike, target_pscore: ArrayLike) -> tuple[Floats, Floats]:
    """Rewards and cumulative ratios [n, L], checked."""
    table = reward_table(reward)
    below = falling("pscore_cascade", propensities("pscore_cascade", pscore, table.shape, cells=SLATES))
    name = "target_pscore_cascade"
    return table, falling(name, probabilities(name, target_pscore, table.shape, cells=SLATES)) / below


def _standard(reward: ArrayLike, pscore: ArrayLike, target_pscore: ArrayLike) -> tuple[Floats, Floats]:
    summed = slate_reward(reward)
    below = propensities("pscore", pscore, summed.shape, cells=SLATES)
    return summed[:, None], (probabilities("target_pscore", target_pscore, summed.shape, cells=SLATES) / below)[:, None]


def _marginal(reward: ArrayLike, pscore: ArrayLike, target_pscore: ArrayLike) -> tuple[Floats, Floats]:
    table = reward_table(reward)
    below = propensities("pscore_item_position", pscore, table.shape, cells=SLATES)
    return table, probabilities("target_pscore_item_position", target_pscore, table.shape, cells=SLATES) / below


def _estimated(method: str, reward: Floats, weight: Floats, asked: Asked, *, normalised: bool = False) -> Estimate:
    """From rewards and weights [n, J]."""
    weighted = weight * reward
    terms = Terms(top=weighted, bottom=weight) if normalised else Terms(base=weighted.sum(axis=1))
    cluster = whose(asked, len(weight))
    warnings = weight_warnings(weight, cluster=cluster)
    return estimated(method, terms, Precision.of(asked), cluster=cluster, unit="slates", warnings=warnings)
