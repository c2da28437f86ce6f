"""An experiment as it unfolds: the difference and its limits after each unit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.effect import Effect
from driftline.evaluation.experiment.levels import checked_pair
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class Running:
    """Limits after each unit [n]. Before `start` units nothing is said: infinite limits, p-value 1."""

    n: Int64s
    """Units so far, both arms: 1..n."""
    value: Floats
    """Mean of B less mean of A so far; NaN until both arms have a unit."""
    std_error: Floats
    """Welch's; NaN until both arms have two."""
    low: Floats
    high: Floats
    p_value: Floats
    method: str
    warnings: tuple[str, ...] = ()

    def at(self, n: int) -> Effect:
        """What is said after n units."""
        if not 1 <= n <= len(self.n):
            raise InputError(f"n must lie between 1 and {len(self.n)}, got {n}")
        k = n - 1
        statistic = self.value[k] / self.std_error[k] if self.std_error[k] > 0.0 else np.nan
        return Effect(
            float(self.value[k]),
            float(self.std_error[k]),
            float(self.low[k]),
            float(self.high[k]),
            n,
            self.method,
            self.warnings,
            float(statistic),
            float(self.p_value[k]),
        )

    def last(self) -> Effect:
        """What is said after all units."""
        return self.at(len(self.n))

    def excludes_zero(self, start: int = 1) -> Bools:
        """Whether the interval excludes 0 after `start`, `start` + 1, ... units."""
        return np.asarray((self.low[start - 1 :] > 0.0) | (self.high[start - 1 :] < 0.0))


@dataclass(frozen=True, slots=True)
class Streams:
    """Running counts, means and Welch standard error of two arms, in order of arrival; arrays are [n]."""

    n: Int64s
    count_a: Floats
    count_b: Floats
    value: Floats
    std_error: Floats


def streams(value: ArrayLike, arm: ArrayLike) -> Streams:
    """Running sums of two arms; values are centred first, which keeps the variances' digits."""
    values, in_b = checked_pair(value, arm)
    centred = values - values.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        count_a, mean_a, var_a = _running(centred, ~in_b)
        count_b, mean_b, var_b = _running(centred, in_b)
        error = np.sqrt(var_a / count_a + var_b / count_b)
    return Streams(np.arange(1, len(values) + 1), count_a, count_b, mean_b - mean_a, error)


def _running(values: Floats, inside: Bools) -> tuple[Floats, Floats, Floats]:
    """Counts, means and variances (divisor n - 1) of the values inside, so far."""
    count = np.cumsum(inside).astype(np.float64)
    total = np.cumsum(np.where(inside, values, 0.0))
    square = np.cumsum(np.where(inside, values * values, 0.0))
    mean = total / count
    return count, mean, np.maximum(square - total * mean, 0.0) / (count - 1.0)


def checked_start(start: int, n: int) -> int:
    """The first look, from 4 units on (two an arm)."""
    if not 4 <= start <= n:
        raise InputError(f"start must lie between 4 and the number of units, {n}, got {start}")
    return int(start)
