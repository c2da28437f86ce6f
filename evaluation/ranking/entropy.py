"""Shannon entropy of what is listed: over how many items are the places spread?"""

from math import nan

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.ranking.catalogue import jackknifed, listed
from driftline.sim.errors import InputError
from driftline.sim.types import Floats


def shannon_entropy(
    ranked: ArrayLike, catalogue: ArrayLike | int, *, k: int | None = None, base: float = 2.0
) -> Estimate:
    """Entropy of the distribution of all filled places over items, in bits (base 2) unless told otherwise.

    H = - sum_i p_i log p_i, p_i = places of item i / all filled places, 0 log 0 = 0 (Shannon 1948). From 0 to
    log(items). Not divided by anything. With few users it is too low. NaN where nothing is listed. Interval:
    jackknife over users.
    """
    if not base > 1.0:
        raise InputError(f"base is {base}; it must be above 1 (2 for bits, e for nats)")
    known = listed(ranked, catalogue, k)
    total = float(known.count.sum())
    if total == 0:
        return jackknifed(nan, np.full(len(known.ranked), nan), "shannon_entropy", ("nothing is listed",))
    scale = np.log(base)
    summed = float(_x_log_x(known.count.astype(np.float64)).sum())
    own = np.where(known.ranked >= 0, known.count[known.ranked], 0).astype(np.float64)
    left = summed - (_x_log_x(own) - _x_log_x(np.maximum(own - 1, 0))).sum(axis=1)
    rest = total - (known.ranked >= 0).sum(axis=1)
    without = np.where(rest > 0, np.log(np.maximum(rest, 1)) - left / np.maximum(rest, 1), nan)
    return jackknifed((np.log(total) - summed / total) / scale, without / scale, "shannon_entropy")


def distribution_entropy(p: Floats, base: float = 2.0) -> Floats:
    """Entropy of each row of a distribution [n, K] -> [n]; 0 log 0 = 0; NaN rows stay NaN."""
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    return np.asarray(-(p * logs).sum(axis=1) / np.log(base) + 0.0)


def _x_log_x(x: Floats) -> Floats:
    return x * np.log(np.maximum(x, 1.0))
