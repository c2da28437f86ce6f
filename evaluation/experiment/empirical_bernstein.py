"""The predictable plug-in empirical Bernstein confidence sequence for bounded values."""

from math import log

import numpy as np

from driftline.evaluation.experiment.running import Running
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats

CUT = 0.5
"""Bets stay below this (the paper's c)."""


def bernstein_sequence(value: Floats, level: float) -> tuple[Floats, Floats]:
    """Limits of the mean of values in [0, 1] after each of them [n]; intersected over time, within [0, 1].

    Waudby-Smith & Ramdas 2024, Theorem 2 with eq. 14 and 15: mu_t = (1/2 + sum x) / (t + 1), sigma_t^2 = (1/4 +
    sum (x_i - mu_i)^2) / (t + 1), lambda_t = min(sqrt(2 log(2/alpha) / (sigma_{t-1}^2 t log(1 + t))), 1/2),
    v_t = 4 (x_t - mu_{t-1})^2, psi(l) = (-log(1 - l) - l) / 4; centre sum(lambda x) / sum(lambda), half-width
    (log(2/alpha) + sum v psi(lambda)) / sum(lambda).
    """
    alpha = 1.0 - level
    t = np.arange(1, len(value) + 1, dtype=np.float64)
    mean = (0.5 + np.cumsum(value)) / (t + 1.0)
    variance = (0.25 + np.cumsum((value - mean) ** 2)) / (t + 1.0)
    before_mean = np.concatenate([[0.5], mean[:-1]])
    before_variance = np.concatenate([[0.25], variance[:-1]])
    bet = np.minimum(np.sqrt(2.0 * log(2.0 / alpha) / (before_variance * t * np.log1p(t))), CUT)
    spent = 4.0 * (value - before_mean) ** 2 * (-np.log1p(-bet) - bet) / 4.0
    total = np.cumsum(bet)
    centre = np.cumsum(bet * value) / total
    reach = (log(2.0 / alpha) + np.cumsum(spent)) / total
    low = np.maximum.accumulate(np.maximum(centre - reach, 0.0))
    high = np.minimum.accumulate(np.minimum(centre + reach, 1.0))
    return low, high


def bernstein_difference(value: Floats, in_b: Bools, bounds: tuple[float, float], level: float) -> Running:
    """Each arm at half of alpha, then B's limits less A's; in the order of arrival."""
    low, high = bounds
    out = np.flatnonzero((value < low) | (value > high))
    if len(out):
        raise InputError(f"value {value[out[0]]:g} at row {out[0]} lies outside the bounds [{low:g}, {high:g}]")
    width, half = high - low, (1.0 + level) / 2.0
    n = np.arange(1, len(value) + 1)
    low_a, high_a, mean_a = _held(value, ~in_b, low, width, half)
    low_b, high_b, mean_b = _held(value, in_b, low, width, half)
    nan = np.full(len(value), np.nan)
    return Running(
        n,
        mean_b - mean_a,
        nan,
        low_b - high_a,
        high_b - low_a,
        nan,
        "difference of means so far (empirical Bernstein confidence sequence, predictable plug-in)",
    )


def _held(value: Floats, inside: Bools, low: float, width: float, level: float) -> tuple[Floats, Floats, Floats]:
    """One arm's limits and mean after each unit of either arm."""
    own = value[inside]
    seen = np.cumsum(inside)
    from_low, from_high = bernstein_sequence((own - low) / width, level)
    # before the arm's first unit all that is known are the bounds
    lower = np.concatenate([[0.0], from_low])[seen] * width + low
    upper = np.concatenate([[1.0], from_high])[seen] * width + low
    mean = np.concatenate([[np.nan], np.cumsum(own) / np.arange(1, len(own) + 1)])[seen]
    return lower, upper, mean
