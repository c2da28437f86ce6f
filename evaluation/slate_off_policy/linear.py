"""The pseudo-inverse estimator of slates: rewards of whole slates that are sums of unknown per-position parts."""

from dataclasses import dataclass
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import numbers, probabilities, propensities, whole_numbers
from driftline.evaluation.claims import claims
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.rows import SLATES, items_shown, slate_reward
from driftline.evaluation.importance.weights import weight_warnings
from driftline.evaluation.interval import Asked, Precision, estimated, whose
from driftline.evaluation.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

CUT = 1e-10
"""Eigenvalues of Gamma below this share of the largest count as 0."""
UNSEEN = 1e-6
"""Relative length of the target's marginals outside the logging policy's span that is named."""


@dataclass(frozen=True, slots=True)
class PseudoInverseWeights:
    """Weights of logged slates, and how much of the target policy the logging policy cannot see."""

    weight: Floats
    """q' Gamma^+ 1_s [n]; may be negative."""
    unseen: Floats
    """Per context, |q - Gamma Gamma^+ q| / |q|: 0 where the target lies in the logging policy's span [C]."""


@claims("slates", unbiased_in="independent")
def pseudo_inverse(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike | None = None,
    target_pscore_item_position: ArrayLike | None = None,
    weights: PseudoInverseWeights | None = None,
    **asked: Unpack[Asked],
) -> Estimate:
    """Pseudo-inverse estimator: mean of r_i q' Gamma^+ 1_s (Swaminathan et al. 2017, eq. 4).

    Unbiased if the expected reward of a slate is a sum of unknown parts, one per (position, item): only the sum needs
    to be seen. Give either the marginals of a *product* logging policy (positions drawn independently), for which the
    weight is 1 + sum_k (w_k - 1), whatever the target policy; or `weights`, for any logging policy.

    Args:
        reward: What each slate earned [n]; [n, L] is added up; finite.
        pscore_item_position: The logging policy's probability of the item at its position [n, L], in (0, 1].
        target_pscore_item_position: The target policy's [n, L], in [0, 1].
        weights: Those of `gamma_weights` or `uniform_weights`, in place of both.
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Both or neither of marginals and weights; another shape, a value that is not finite, a propensity
            out of range.

    Examples:
        >>> logged, shown = [[0.5, 0.5], [0.5, 0.5]], [[0.75, 0.5], [0.25, 0.5]]
        >>> pseudo_inverse(reward=[1, 0], pscore_item_position=logged, target_pscore_item_position=shown).value
        0.75
    """
    total, weight, unseen = _weights(reward, pscore_item_position, target_pscore_item_position, weights)
    return _estimated("pseudo_inverse", Terms(base=weight * total), weight, asked, unseen)


@claims("slates", equivariant=True)
def weighted_pseudo_inverse(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike | None = None,
    target_pscore_item_position: ArrayLike | None = None,
    weights: PseudoInverseWeights | None = None,
    **asked: Unpack[Asked],
) -> Estimate:
    """`pseudo_inverse` divided by its own mean weight (wPI of Swaminathan et al. 2017, section 5).

    Args:
        reward: What each slate earned [n]; [n, L] is added up; finite.
        pscore_item_position: The logging policy's probability of the item at its position [n, L], in (0, 1].
        target_pscore_item_position: The target policy's [n, L], in [0, 1].
        weights: Those of `gamma_weights` or `uniform_weights`, in place of both.
        **asked: See `Asked`.

    Raises:
        InputError: As `pseudo_inverse`.

    Examples:
        >>> logged, shown = [[0.5, 0.5], [0.5, 0.5]], [[0.75, 0.5], [0.25, 0.5]]
        >>> weighted_pseudo_inverse(reward=[1, 0], pscore_item_position=logged, target_pscore_item_position=shown).value
        0.75
    """
    total, weight, unseen = _weights(reward, pscore_item_position, target_pscore_item_position, weights)
    terms = Terms(top=weight * total, bottom=weight)
    return _estimated("weighted_pseudo_inverse", terms, weight, asked, unseen)


def gamma_matrix(*, slates: ArrayLike, probability: ArrayLike, items: int) -> Floats:
    """Gamma = E[1_s 1_s'] of one context, by enumeration: [L A, L A], index k A + a.

    The vector 1_s marks each (position, item) of a slate; the diagonal holds the marginals (Swaminathan et al. 2017,
    section 3).

    Args:
        slates: All slates that the policy may show [S, L], items 0 to A - 1.
        probability: Of each [S], summing to 1.
        items: How many there are, A.

    Raises:
        InputError: Another shape, an item that does not exist, probabilities that do not sum to 1.

    Examples:
        >>> gamma_matrix(slates=[[0, 1], [1, 0]], probability=[0.75, 0.25], items=2).diagonal().tolist()
        [0.75, 0.25, 0.25, 0.75]
    """
    index, chance = _marked("slates", slates, items), _distribution(probability, len(np.asarray(slates)))
    length = index.shape[1]
    flat = (index[:, :, None] * (length * items) + index[:, None, :]).reshape(len(index), -1)
    weights = np.repeat(chance, length * length)
    cells = np.bincount(flat.ravel(), weights, (length * items) ** 2).astype(np.float64, copy=False)
    return cells.reshape(length * items, length * items)


def slate_marginal(*, slates: ArrayLike, probability: ArrayLike, items: int) -> Floats:
    """q = E[1_s]: the probability of each item at each position [L, A], by enumeration.

    Args:
        slates: All slates that the policy may show [S, L], items 0 to A - 1.
        probability: Of each [S], summing to 1.
        items: How many there are, A.

    Raises:
        InputError: As `gamma_matrix`.

    Examples:
        >>> slate_marginal(slates=[[0, 1], [1, 0]], probability=[0.75, 0.25], items=2).tolist()
        [[0.75, 0.25], [0.25, 0.75]]
    """
    index, chance = _marked("slates", slates, items), _distribution(probability, len(np.asarray(slates)))
    length = index.shape[1]
    cells = np.bincount(index.ravel(), np.repeat(chance, length), length * items).astype(np.float64, copy=False)
    return cells.reshape(length, items)


def gamma_weights(
    *, action: ArrayLike, gamma: ArrayLike, target_marginal: ArrayLike, context: ArrayLike | None = None
) -> PseudoInverseWeights:
    """Pseudo-inverse weights of logged slates under any logging policy.

    Moore-Penrose inverse by eigenvalues, cut at 1e-10 of the largest.

    Args:
        action: Items that were shown [n, L], 0 to A - 1.
        gamma: From `gamma_matrix`, from a formula or from simulated slates [L A, L A], or one a context [C, L A, L A].
        target_marginal: The target policy's `slate_marginal` [L, A], or one a context [C, L, A].
        context: Which of them each slate had [n], 0 to C - 1; needed where there are several.

    Raises:
        InputError: Shapes that do not fit, an item or context that does not exist.

    Examples:
        >>> slates, logged, shown = [[0, 1], [1, 0]], [0.75, 0.25], [0.5, 0.5]
        >>> gamma = gamma_matrix(slates=slates, probability=logged, items=2)
        >>> marginal = slate_marginal(slates=slates, probability=shown, items=2)
        >>> gamma_weights(action=slates, gamma=gamma, target_marginal=marginal).weight.round(4).tolist()
        [0.6667, 2.0]
    """
    matrix, q = numbers("gamma", gamma), numbers("target_marginal", target_marginal)
    matrix, q = (matrix[None], q[None]) if matrix.ndim == 2 else (matrix, q)
    if q.ndim != 3 or matrix.shape != (len(q), q.shape[1] * q.shape[2], q.shape[1] * q.shape[2]):
        raise InputError(
            f"gamma has shape {matrix.shape}, target_marginal {q.shape}; expected [C, L A, L A], [C, L, A]"
        )
    index = _marked("action", action, q.shape[2])
    if index.shape[1] != q.shape[1]:
        raise InputError(f"action has {index.shape[1]} positions, target_marginal {q.shape[1]}")
    which = _contexts(context, len(index), len(matrix))
    flat = q.reshape(len(q), -1)
    inverse = np.linalg.pinv(matrix, rcond=CUT, hermitian=True)
    coefficient = np.einsum("ci,cij->cj", flat, inverse)
    seen = np.einsum("cj,cjk->ck", coefficient, matrix)
    norm = np.sqrt((flat * flat).sum(axis=1))
    unseen = np.sqrt(((flat - seen) ** 2).sum(axis=1)) / np.where(norm > 0, norm, 1.0)
    weight = np.take_along_axis(coefficient[which], index, axis=1).sum(axis=1)
    return PseudoInverseWeights(weight, unseen)


def uniform_weights(*, action: ArrayLike, target_action: ArrayLike, candidates: int) -> PseudoInverseWeights:
    """Pseudo-inverse weights where every ordered slate of C candidates was equally likely, in closed form.

    Gamma then has three eigenvalues besides 0: L / C, (C - L) / (C (C - 1)) and 1 / (C - 1). With H positions that
    hold the same item in both slates, and M items that they have in common,

        w = 1 + C (C - 1) / (C - L) (M / L - L / C) + (C - 1) (H - M / L),

    without the middle term where C = L. It is what `gamma_weights` gives, without a matrix of (L C)^2 cells.

    Args:
        action: Items that were shown [n, L].
        target_action: Items that the target policy shows [n, L]. A draw of its slate will do: weights are linear in
            its marginals, so their mean stays right.
        candidates: C, at least L and 2.

    Raises:
        InputError: Shapes that differ, or too few candidates.

    Examples:
        >>> uniform_weights(action=[[0, 1], [2, 0]], target_action=[[0, 1], [0, 1]], candidates=3).weight
        array([ 5., -1.])
    """
    own, other = np.asarray(action), np.asarray(target_action)
    if own.ndim != 2 or own.shape != other.shape:
        raise InputError(f"action has shape {own.shape}, target_action {other.shape}; both must be [n, L]")
    length = own.shape[1]
    if candidates < max(length, 2):
        raise InputError(f"candidates is {candidates}; slates of {length} need at least {max(length, 2)}")
    same = (own == other).sum(axis=1)
    common = sum((own == column[:, None]).sum(axis=1) for column in other.T)
    weight = 1.0 + (candidates - 1.0) * (same - common / length)
    if candidates > length:
        weight += candidates * (candidates - 1.0) / (candidates - length) * (common / length - length / candidates)
    return PseudoInverseWeights(np.asarray(weight, dtype=np.float64), np.zeros(1))


def _weights(
    reward: ArrayLike, pscore: ArrayLike | None, target_pscore: ArrayLike | None, given: PseudoInverseWeights | None
) -> tuple[Floats, Floats, tuple[str, ...]]:
    total = slate_reward(reward)
    if given is not None:
        if pscore is not None or target_pscore is not None:
            raise InputError("give either weights or the two marginals, not both")
        return total, numbers("weights", given.weight, total.shape, cells=SLATES), _unseen(given.unseen)
    if pscore is None or target_pscore is None:
        raise InputError("give pscore_item_position and target_pscore_item_position, or weights from gamma_weights")
    below = propensities("pscore_item_position", pscore, cells=SLATES)
    if below.ndim != 2 or len(below) != len(total):
        raise InputError(f"pscore_item_position has shape {below.shape}; must have ({len(total)}, L)")
    above = probabilities("target_pscore_item_position", target_pscore, below.shape, cells=SLATES)
    return total, 1.0 + (above / below - 1.0).sum(axis=1), ()


def _estimated(method: str, terms: Terms, weight: Floats, asked: Asked, unseen: tuple[str, ...]) -> Estimate:
    cluster = whose(asked, terms.n)
    warnings = (*unseen, *weight_warnings(weight, cluster=cluster))
    return estimated(method, terms, Precision.of(asked), cluster=cluster, unit="slates", warnings=warnings)


def _unseen(unseen: Floats) -> tuple[str, ...]:
    bad = np.flatnonzero(unseen > UNSEEN)
    if not len(bad):
        return ()
    worst = int(np.argmax(unseen))
    share = f"worst: context {worst}, {100 * unseen[worst]:.2g} % of its marginals"
    what = f"in {len(bad)} of {len(unseen)} contexts the target policy shows what the logging policy cannot ({share})"
    return (f"{what}: biased by what is not seen",)


def _marked(name: str, slates: ArrayLike, items: int) -> Int64s:
    """Where 1_s is 1: k A + a [S, L]."""
    array = items_shown(name, slates, items)
    return array + np.arange(array.shape[1]) * items


def _distribution(probability: ArrayLike, n: int) -> Floats:
    chance = numbers("probability", probability, (n,))
    if (chance < 0).any() or abs(chance.sum() - 1.0) > 1e-6:
        raise InputError(f"probability sums to {chance.sum():g}; must be at least 0 each and sum to 1")
    return chance


def _contexts(context: ArrayLike | None, n: int, contexts: int) -> Int64s:
    if context is None:
        if contexts != 1:
            raise InputError(f"gamma has {contexts} contexts: say with context [n] which slate belongs to which")
        return np.zeros(n, np.int64)
    return whole_numbers("context", context, n, contexts)
