"""Robbins' normal mixture: the martingale behind mSPRT and the asymptotic confidence sequence."""

from math import inf, log

import numpy as np

from driftline.evaluation.experiment.running import Running, Streams
from driftline.sim.types import Floats


def mixture_limits(seen: Streams, tau_squared: Floats, start: int, level: float, method: str) -> Running:
    """Limits from the likelihood ratio mixed over effects ~ N(0, tau_squared) [n].

    With squared standard error v of the difference d: ratio = sqrt(v / (v + tau^2)) exp(d^2 tau^2 / (2 v (v +
    tau^2))); the interval holds the effects at which the ratio stays below 1 / alpha: half-width
    sqrt(v (v + tau^2) / tau^2 (2 log(1 / alpha) + log((v + tau^2) / v))). p-value: 1 over the largest ratio so far.
    """
    v = seen.std_error**2
    known = (seen.n >= start) & (v > 0.0)
    v = np.where(known, v, 1.0)
    d = np.where(known, seen.value, 0.0)
    tau = np.where(known, tau_squared, 1.0)
    log_ratio = 0.5 * np.log(v / (v + tau)) + d * d * tau / (2.0 * v * (v + tau))
    reach = np.sqrt(v * (v + tau) / tau * (2.0 * log(1.0 / (1.0 - level)) + np.log((v + tau) / v)))
    reach = np.where(known, reach, inf)
    p_value = np.exp(-np.maximum.accumulate(np.where(known, np.maximum(log_ratio, 0.0), 0.0)))
    centre = np.where(known, seen.value, 0.0)
    return Running(seen.n, seen.value, seen.std_error, centre - reach, centre + reach, p_value, method, _early(start))


def _early(start: int) -> tuple[str, ...]:
    if start >= 50:
        return ()
    return (f"looked at from {start} units on, fewer than 50: the variances are too uncertain for the promise to hold",)
