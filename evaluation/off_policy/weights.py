"""How estimators tame large importance weights; all functions are elementwise on weights [n], at least 0."""

from math import inf, sqrt

import numpy as np

from driftline.sim.types import Floats


def clipped(weight: Floats, lambda_: float) -> Floats:
    """min(w, lambda_) (Strehl, Langford, Li & Kakade 2010)."""
    return np.minimum(weight, lambda_)


def switched(weight: Floats, lambda_: float) -> Floats:
    """w where w <= lambda_, else 0 (Wang, Agarwal & Dudik 2017)."""
    return weight * (weight <= lambda_)


def shrunk(weight: Floats, lambda_: float) -> Floats:
    """lambda_ w / (w^2 + lambda_), optimistic shrinkage; w itself for an infinite lambda_ (Su et al. 2020)."""
    return weight if lambda_ == inf else lambda_ * weight / (weight * weight + lambda_)


def power_mean(weight: Floats, lambda_: float) -> Floats:
    """w / (1 - lambda_ + lambda_ w), the power mean of order -1 (Metelli, Russo & Restelli 2021).

    With lambda_ = 1 every weight counts as 1, and a weight of 0 as 0 (the limit from below).
    """
    below = 1.0 - lambda_ + lambda_ * weight
    return np.divide(weight, below, out=np.zeros_like(weight), where=below > 0)


def largest_shrunk(largest: float, lambda_: float) -> float:
    """The largest value that `shrunk` takes on [0, largest]: it peaks at w = sqrt(lambda_) with sqrt(lambda_) / 2."""
    if lambda_ == inf:
        return largest
    peak = min(largest, sqrt(lambda_))
    return lambda_ * peak / (peak * peak + lambda_) if peak > 0 else 0.0
