"""What a comparison of two arms found: an estimate with its test."""

from dataclasses import dataclass
from math import inf, isinf, nan, sqrt

from scipy.special import ndtr, stdtr

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import t_quantile
from driftline.sim.errors import InputError


@dataclass(frozen=True, slots=True)
class Effect(Estimate):
    """An `Estimate` of B against A with the two-sided test of no effect."""

    statistic: float = nan
    """Estimate over standard error (NaN where the method has none)."""
    p_value: float = nan
    """Two-sided, against an effect of 0."""
    df: float = inf
    """Degrees of freedom of Student's t; infinite for the normal."""


def checked_level(level: float) -> float:
    """The confidence level, strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise InputError(f"level must lie between 0 and 1, got {level}")
    return float(level)


def t_effect(
    *,
    value: float,
    variance: float,
    df: float,
    n: int,
    level: float,
    method: str,
    warnings: tuple[str, ...] = (),
) -> Effect:
    """Student's interval and test around a value (df infinite: the normal ones).

    Without any variance nothing can be said: NaN limits and a warning.
    """
    if not variance > 0.0:
        flat = "the values do not vary: there is no standard error and no interval"
        return Effect(value, 0.0 if variance == 0.0 else nan, nan, nan, n, method, (*warnings, flat))
    error = sqrt(variance)
    statistic = value / error
    reach = critical(level, df) * error
    p_value = 2.0 * t_tail(abs(statistic), df)
    return Effect(value, error, value - reach, value + reach, n, method, warnings, statistic, p_value, df)


def critical(level: float, df: float = inf) -> float:
    """Two-sided critical value of Student's t (the normal's where df is infinite)."""
    return -t_quantile((1.0 - level) / 2.0, df)


def t_tail(statistic: float, df: float) -> float:
    """P(T > statistic) of Student's t (the normal's where df is infinite)."""
    return float(ndtr(-statistic) if isinf(df) else stdtr(df, -statistic))
