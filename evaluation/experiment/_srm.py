"""Sample ratio mismatch: did the arms get the users that they were meant to get?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, gammaln

from driftline.evaluation.arrays import between_0_and_1, vector
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

ALPHA = 0.001
"""Mismatch is called below this p-value: the check runs on every experiment, and a false alarm stops one."""
THIN = 5.0


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """How many units each arm got, how many it was due, and whether chance explains the gap."""

    count: Int64s
    expected: Floats
    statistic: float
    p_value: float
    mismatch: bool
    """p_value below alpha: trust no result of this experiment before the cause is known."""
    method: str
    warnings: tuple[str, ...] = ()


def srm(arm: ArrayLike, *, share: ArrayLike = (0.5, 0.5), alpha: float = ALPHA) -> SampleRatio:
    """Pearson's chi-square test of the arms' counts against the planned shares.

    arm: 0..k-1 a unit of randomisation [n]. share: the planned shares [k], above 0, summing to 1. k - 1 degrees of
    freedom, no continuity correction. One look: whoever looks daily takes `srm_sequential`. The default alpha of
    .001 is conservative on purpose (Fabijan et al. 2019, "Diagnosing sample ratio mismatch").

    Example:
        >>> from driftline.evaluation.experiment import srm
        >>> found = srm([0] * 500 + [1] * 600)
        >>> round(found.statistic, 3), round(found.p_value, 5), found.mismatch
        (9.091, 0.00257, False)
    """
    planned = _checked_share(share, alpha)
    count = np.bincount(_checked_arms(arm, len(planned)), minlength=len(planned))
    expected = planned * count.sum()
    statistic = float(((count - expected) ** 2 / expected).sum())
    p_value = float(chdtrc(len(planned) - 1, statistic))
    thin: tuple[str, ...] = ()
    if expected.min() < THIN:
        thin = (f"an arm was due {expected.min():.1f} units, fewer than 5: the chi-square test is rough",)
    return SampleRatio(count, expected, statistic, p_value, p_value < alpha, "chi-square", thin)


def srm_sequential(
    arm: ArrayLike, *, share: ArrayLike = (0.5, 0.5), concentration: float = 1000.0, alpha: float = ALPHA
) -> tuple[SampleRatio, Floats]:
    """The test that may be looked at after every unit (Lindon & Malek 2022, "Anytime-valid inference for multinomial
    count data"), and its p-value after each [n].

    arm: in order of arrival. The alternative spreads over shares by a Dirichlet distribution around the planned ones,
    with parameters concentration * share: the larger, the smaller the mismatches it is tuned to find. The Bayes factor
    against the planned shares is a martingale under them; p after n units is 1 over its largest value so far, at most
    1. `statistic` is the log of the present Bayes factor.

    Example:
        >>> from driftline.evaluation.experiment import srm_sequential
        >>> found, p_value = srm_sequential([0, 1] * 500)
        >>> found.mismatch, round(float(p_value[-1]), 2)
        (False, 1.0)
    """
    planned = _checked_share(share, alpha)
    if not 0.0 < concentration < np.inf:
        raise InputError(f"concentration must be above 0, got {concentration}")
    arms = _checked_arms(arm, len(planned))
    prior = concentration * planned
    n = np.arange(1, len(arms) + 1)
    factor = gammaln(concentration) - gammaln(concentration + n)
    count = np.empty(len(planned), dtype=np.int64)
    for k, (alpha_k, share_k) in enumerate(zip(prior, planned, strict=True)):
        so_far = np.cumsum(arms == k)
        factor += gammaln(alpha_k + so_far) - gammaln(alpha_k) - so_far * np.log(share_k)
        count[k] = so_far[-1]
    p_value = np.exp(-np.maximum.accumulate(np.maximum(factor, 0.0)))
    last = float(p_value[-1])
    expected = planned * len(arms)
    return SampleRatio(count, expected, float(factor[-1]), last, last < alpha, "sequential multinomial"), p_value


def _checked_share(share: ArrayLike, alpha: float) -> Floats:
    planned = vector("share", share)
    if len(planned) < 2:
        raise InputError(f"share needs an entry for each of at least 2 arms, got {len(planned)}")
    if not (planned > 0.0).all() or abs(planned.sum() - 1.0) > 1e-9:
        raise InputError(f"share must be above 0 and sum to 1, got {planned.tolist()} (sum {planned.sum():.9g})")
    between_0_and_1("alpha", alpha)
    return planned


def _checked_arms(arm: ArrayLike, k: int) -> Int64s:
    raw = np.asarray(arm)
    if raw.ndim == 1 and raw.dtype.kind in "bi" and len(raw) and raw.min() >= 0 and raw.max() < k:
        return raw.astype(np.int64)
    array = vector("arm", arm)
    wrong = np.flatnonzero((array != np.floor(array)) | (array < 0) | (array >= k))
    if len(wrong):
        raise InputError(f"arm[{wrong[0]}] is {array[wrong[0]]:g}; must be a whole number from 0 to {k - 1}")
    return array.astype(np.int64)
