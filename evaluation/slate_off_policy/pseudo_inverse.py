"""The pseudo-inverse estimator: slate-level rewards that are sums of unknown per-position parts."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.propensities import logged, numbers, slate_reward, target
from driftline.evaluation.importance.sum_of_ratios import Asked, Interval, SumOfRatios, estimate
from driftline.evaluation.importance.weight_warnings import weight_warnings
from driftline.evaluation.slate_off_policy.gamma import PseudoInverseWeights
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

UNSEEN = 1e-6
"""Relative length of the target's marginals outside the logging policy's span that is named."""


def pseudo_inverse(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike | None = None,
    target_pscore_item_position: ArrayLike | None = None,
    weights: PseudoInverseWeights | None = None,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """Pseudo-inverse estimator: mean of r_i q' Gamma^+ 1_s (Swaminathan et al. 2017, eq. 4).

    reward [n] per slate ([n, L] is added up). Unbiased if the expected reward of a slate is a sum of unknown parts,
    one per (position, item): only the sum needs to be seen. Either the marginals [n, L] of a *product* logging policy
    (positions drawn independently), for which the weight is 1 + sum_k (w_k - 1), whatever the target policy; or
    `weights` from `gamma_weights`, for any logging policy. `cluster` [n] and intervals as elsewhere here.
    """
    total, weight, warnings = _weights(reward, pscore_item_position, target_pscore_item_position, weights)
    asked = Asked(interval, level, seed, cluster)
    found = (*warnings, *weight_warnings(weight, cluster=asked.cluster))
    return estimate("pseudo_inverse", SumOfRatios((weight * total)[:, None], None), asked, found)


def weighted_pseudo_inverse(
    *,
    reward: ArrayLike,
    pscore_item_position: ArrayLike | None = None,
    target_pscore_item_position: ArrayLike | None = None,
    weights: PseudoInverseWeights | None = None,
    interval: Interval = "normal",
    level: float = 0.95,
    seed: int = 0,
    cluster: ArrayLike | None = None,
) -> Estimate:
    """`pseudo_inverse` divided by its own mean weight (wPI of Swaminathan et al. 2017, section 5)."""
    total, weight, warnings = _weights(reward, pscore_item_position, target_pscore_item_position, weights)
    asked = Asked(interval, level, seed, cluster)
    found = (*warnings, *weight_warnings(weight, cluster=asked.cluster))
    sums = SumOfRatios((weight * total)[:, None], weight[:, None])
    return estimate("weighted_pseudo_inverse", sums, asked, found)


def _weights(
    reward: ArrayLike, pscore: ArrayLike | None, target_pscore: ArrayLike | None, given: PseudoInverseWeights | None
) -> tuple[Floats, Floats, tuple[str, ...]]:
    total = slate_reward(reward)
    if given is not None:
        if pscore is not None or target_pscore is not None:
            raise InputError("give either weights or the two marginals, not both")
        return total, numbers("weights", given.weight, total.shape), _unseen(given.unseen)
    if pscore is None or target_pscore is None:
        raise InputError("give pscore_item_position and target_pscore_item_position, or weights from gamma_weights")
    below = logged("pscore_item_position", pscore)
    if below.ndim != 2 or len(below) != len(total):
        raise InputError(f"pscore_item_position has shape {below.shape}, expected ({len(total)}, L)")
    above = target("target_pscore_item_position", target_pscore, below.shape)
    return total, 1.0 + (above / below - 1.0).sum(axis=1), ()


def _unseen(unseen: Floats) -> tuple[str, ...]:
    bad = np.flatnonzero(unseen > UNSEEN)
    if not len(bad):
        return ()
    worst = int(np.argmax(unseen))
    share = f"worst: context {worst}, {100 * unseen[worst]:.2g} % of its marginals"
    what = f"in {len(bad)} of {len(unseen)} contexts the target policy shows what the logging policy cannot ({share})"
    return (f"{what}: biased by what is not seen",)
