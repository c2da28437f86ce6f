"""mSPRT: always-valid p-values by a mixture over effects."""

from math import inf

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.effect import checked_level
from driftline.evaluation.experiment.normal_mixture import mixture_limits
from driftline.evaluation.experiment.running import Running, checked_start, streams
from driftline.sim.errors import InputError


def msprt(value: ArrayLike, arm: ArrayLike, *, tau: float, start: int = 50, level: float = 0.95) -> Running:
    """Mixture sequential probability ratio test of equal means, valid at any time of stopping.

    value, arm: [n] in order of arrival. tau: standard deviation of the effects that experiments of this kind have, in
    the value's unit; fixed beforehand, best near the effects one hopes to see. Effects under the alternative are
    N(0, tau^2); the p-value after n units is 1 over the largest likelihood ratio so far (Johari, Pekelis & Walsh 2015,
    "Always valid inference", eq. 9, with Welch's squared standard error for V / n, so arms may be of unequal size).
    Variances are estimated: the promise is asymptotic and starts at `start` units. It supposes one effect
    throughout; where effects drift it follows their running mean.
    """
    checked_level(level)
    if not 0.0 < tau < inf:
        raise InputError(f"tau must be above 0, got {tau}")
    seen = streams(value, arm)
    checked_start(start, len(seen.n))
    mixed = np.full(len(seen.n), tau * tau)
    return mixture_limits(seen, mixed, start, level, f"difference of means so far (msprt, tau {tau:g})")
