"""Probabilities and what happened, as every measure of calibration takes them."""

from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import LEVEL, t_quantile
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def forecasts(probability: ArrayLike, outcome: ArrayLike) -> tuple[Floats, Floats]:
    """Checked probabilities in [0, 1] and outcomes of 0 or 1, both [n] as floats; `InputError` names the row."""
    p, y = np.asarray(probability, dtype=np.float64), np.asarray(outcome).astype(np.float64)
    if p.ndim != 1 or y.shape != p.shape:
        raise InputError(f"probability {p.shape} and outcome {y.shape} need one entry per forecast")
    if not len(p):
        raise InputError("there are no forecasts")
    wrong = ~((p >= 0.0) & (p <= 1.0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"probability of row {row} is {p[row]}; it must lie in [0, 1]")
    odd = (y != 0.0) & (y != 1.0)
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise InputError(f"outcome of row {row} is {y[row]}; it must be 0 or 1")
    return p, y


def top_label(probability: ArrayLike, choice: ArrayLike) -> tuple[Floats, Floats]:
    """Confidence and correctness of many-way forecasts: the likeliest class's probability, and whether it came.

    probability [n, K], rows sum to 1; choice [n]: the class that came. Ties go to the first class. What Guo et
    al. 2017 feed into the ECE.
    """
    p, came = many_way(probability, choice)
    best = p.argmax(axis=1)
    return p[np.arange(len(p)), best], (best == came).astype(np.float64)


def many_way(probability: ArrayLike, choice: ArrayLike) -> tuple[Floats, Int64s]:
    """Checked probabilities [n, K] and classes [n]."""
    p, came = np.asarray(probability, dtype=np.float64), np.asarray(choice)
    if p.ndim != 2 or came.shape != (len(p),) or came.dtype.kind not in "iu":
        raise InputError(f"probability {p.shape} must be [n, K] and choice {came.shape} whole numbers [n]")
    if not len(p):
        raise InputError("there are no forecasts")
    if not np.isfinite(p).all() or (p < 0).any() or (np.abs(p.sum(axis=1) - 1.0) > 1e-6).any():
        raise InputError("probability must be finite and at least 0, and its rows must sum to 1")
    if (came < 0).any() or (came >= p.shape[1]).any():
        raise InputError(f"choice holds {came.min()} to {came.max()}; it must lie in 0 to {p.shape[1] - 1}")
    return p, came.astype(np.int64)


def row_mean(values: Floats, cluster: ArrayLike | None, method: str) -> Estimate:
    """Mean over rows with Student's interval; rows of one cluster (a user) are not taken for independent.

    Without clusters: variance divisor n - 1. With G clusters: std_error^2 = G / (G - 1) sum_g (sum of residuals
    in g)^2 / n^2 and G - 1 degrees of freedom (Liang & Zeger 1986; CR1 without regressors).
    """
    mean, n = float(values.mean()), len(values)
    sums = values - mean
    if cluster is not None:
        who = np.asarray(cluster)
        if who.shape != values.shape:
            raise InputError(f"cluster has shape {who.shape} for {n} rows")
        _, code = np.unique(who, return_inverse=True)
        sums = np.bincount(code, sums).astype(np.float64)
    units = len(sums)
    method = f"{method} (t over {'rows' if cluster is None else 'clusters'})"
    if units < 2:
        return Estimate(mean, nan, nan, nan, units, method)
    error = sqrt(units / (units - 1) * float((sums**2).sum())) / n
    reach = t_quantile(0.5 + LEVEL / 2, units - 1) * error
    return Estimate(mean, error, mean - reach, mean + reach, units, method)
