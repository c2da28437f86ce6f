"""Confidence sequences: intervals that hold at all times at once."""

from math import inf, log, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.effect import checked_level
from driftline.evaluation.experiment.empirical_bernstein import bernstein_difference
from driftline.evaluation.experiment.levels import checked_pair
from driftline.evaluation.experiment.normal_mixture import mixture_limits
from driftline.evaluation.experiment.running import Running, checked_start, streams
from driftline.sim.errors import InputError, hint

SequenceKind = Literal["asymptotic", "empirical_bernstein"]


def confidence_sequence(
    value: ArrayLike,
    arm: ArrayLike,
    *,
    kind: SequenceKind = "asymptotic",
    planned: int = 5000,
    bounds: tuple[float, float] | None = None,
    start: int = 50,
    level: float = 0.95,
) -> Running:
    """Limits of mean B less mean A after every unit, all of them right together with probability `level`.

    value, arm: [n] in order of arrival. `asymptotic`: d +- s sqrt((t rho^2 + 1) / (t^2 rho^2) log((t rho^2 + 1) /
    alpha^2)) with s^2 = t times Welch's squared standard error (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024,
    "Time-uniform central limit theory", Theorem 2.2), from `start` units on; rho^2 = (-2 log alpha + log(-2 log
    alpha + 1)) / planned makes it tightest near `planned` units, which must be fixed beforehand. Under drift it holds
    the running mean effect. `empirical_bernstein`: for values within `bounds` (low, high), at every n and with no
    appeal to large numbers: the predictable plug-in of Waudby-Smith & Ramdas 2024 ("Estimating means of
    bounded random variables by betting", Theorem 2) for each arm at half of alpha, and their difference; it is wider,
    and supposes constant means. `p_value` is 1 over the largest mixture ratio so far; empirical Bernstein has
    none (NaN).
    """
    checked_level(level)
    if kind not in get_args(SequenceKind):
        raise InputError(f"kind {kind!r} is unknown; {hint(kind, get_args(SequenceKind))}")
    if kind == "empirical_bernstein":
        return bernstein_difference(*checked_pair(value, arm), _checked_bounds(bounds), level)
    if bounds is not None:
        raise InputError("bounds belong to kind 'empirical_bernstein'; the asymptotic sequence takes none")
    if planned < 1:
        raise InputError(f"planned must be at least 1 unit, got {planned}")
    seen = streams(value, arm)
    checked_start(start, len(seen.n))
    rho = mixture_rho(planned, 1.0 - level)
    # the mixture's variance in the effect's own unit
    with np.errstate(invalid="ignore"):
        mixed = rho * rho * seen.n * seen.std_error**2
    method = f"running mean effect (asymptotic confidence sequence, tightest near {planned})"
    return mixture_limits(seen, mixed, start, level, method)


def mixture_rho(planned: int, alpha: float) -> float:
    """The rho at which the asymptotic sequence is tightest near `planned` units (the paper's approximation)."""
    return sqrt((-2.0 * log(alpha) + log(-2.0 * log(alpha) + 1.0)) / planned)


def _checked_bounds(bounds: tuple[float, float] | None) -> tuple[float, float]:
    if bounds is None:
        raise InputError("kind 'empirical_bernstein' needs bounds=(low, high): it is for bounded values")
    low, high = bounds
    if not -inf < low < high < inf:
        raise InputError(f"bounds must be finite with low below high, got {bounds}")
    return float(low), float(high)
