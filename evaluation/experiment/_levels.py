"""What every comparison of two arms stands on: checked units, the arms' levels, and an effect with its test.

A method (mean, ratio, CUPED, clusters) says what an arm's level is and how much each unit weighs in it. Differences and
relative lifts then follow by the delta method in one place, whatever the method; so do the warnings of few units, or of
a few that carry everything.
"""

from dataclasses import dataclass
from math import floor, inf, isinf, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtr

from driftline.evaluation.arrays import one_a_row, vector
from driftline.evaluation.estimate import FLAT, Estimate, t_quantile
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class Effect(Estimate):
    """An `Estimate` of B against A with the two-sided test of no effect."""

    statistic: float = nan
    """Estimate over standard error (NaN where the method has none)."""
    p_value: float = nan
    """Two-sided, against an effect of 0."""
    df: float = inf
    """Degrees of freedom of Student's t; infinite for the normal."""


LEAST = 2
"""Units an arm needs: one has no variance."""
NAMES = ("A", "B")


def checked_pair(value: ArrayLike, arm: ArrayLike) -> tuple[Floats, Bools]:
    """Values and membership of arm B, checked."""
    values = vector("value", value)
    return values, checked_arm(arm, len(values))


def checked_arm(arm: ArrayLike, rows: int | None = None, *, least: int = LEAST) -> Bools:
    """Whether each unit is in arm B [n]; `arm` holds 0 (A) and 1 (B), or booleans.

    At least `least` units an arm; an experiment with one arm, or with three users, is no experiment.
    """
    array = one_a_row("arm", arm, rows)
    if array.dtype.kind not in "biuf":
        raise InputError(f"arm: must be 0 (A) or 1 (B), got {array.dtype}")
    wrong = np.flatnonzero((array != 0) & (array != 1))
    if len(wrong):
        raise InputError(f"arm[{wrong[0]}] is {array[wrong[0]]:g}; must be 0 (A) or 1 (B)")
    in_b = array == 1
    for name, count in zip(NAMES, (len(in_b) - int(in_b.sum()), int(in_b.sum())), strict=True):
        if count < least:
            raise InputError(f"arm {name} has {count} of {len(in_b)} units; at least {least} are needed")
    return np.asarray(in_b)


def whole_clusters(codes: Int64s, count: int, in_b: Bools) -> Bools:
    """Whether each cluster is in arm B [count]; a cluster in both arms is an error."""
    size = np.bincount(codes, minlength=count)
    share = sums(codes, in_b.astype(np.float64), count)
    mixed = np.flatnonzero((share > 0) & (share < size))
    if len(mixed):
        raise InputError(f"{len(mixed)} of {count} clusters have units in both arms; a cluster must lie in one")
    return np.asarray(share > 0)


def sums(codes: Int64s, values: Floats, count: int) -> Floats:
    """Sum of the values of each code [count], in the order of the rows."""
    return np.asarray(np.bincount(codes, weights=values, minlength=count), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels of the arms. Influences are per unit, divided by the number of units: they sum to the deviation."""

    a: float
    b: float
    own_a: Floats
    """Influence of A's units on A's level [n_a]; mean 0."""
    own_b: Floats
    """Influence of B's units on B's level [n_b]; mean 0."""
    shared_a: Floats | None = None
    """Influence of A's units on both levels at once [n_a] (CUPED: through the covariates' pooled mean)."""
    shared_b: Floats | None = None
    warnings: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Units in both arms."""
        return len(self.own_a) + len(self.own_b)

    def influence(self, to_a: float, to_b: float) -> tuple[Floats, Floats]:
        """Influence of A's and B's units on a quantity whose gradient in the levels is (to_a, to_b)."""
        in_a, in_b = to_a * self.own_a, to_b * self.own_b
        if self.shared_a is not None and self.shared_b is not None and to_a + to_b != 0.0:
            in_a, in_b = in_a + (to_a + to_b) * self.shared_a, in_b + (to_a + to_b) * self.shared_b
        return in_a, in_b


def mean_levels(value: Floats, in_b: Bools) -> Levels:
    """Each arm's mean."""
    a, b = value[~in_b], value[in_b]
    mean_a, mean_b = float(a.mean()), float(b.mean())
    return Levels(mean_a, mean_b, residuals(a, mean_a) / len(a), residuals(b, mean_b) / len(b))


ROUNDING = 1e-14
"""Of the largest value: what is left of equal values less their mean."""


def residuals(above: Floats, level: float, below: Floats | float = 1.0) -> Floats:
    """above - level * below, and exactly 0 where all of it is rounding, which else would pass for variance."""
    off: Floats = above - level * below
    return off if np.abs(off).max() > ROUNDING * np.abs(above).max() else np.zeros(len(off))


def difference(levels: Levels, *, level: float, method: str) -> Effect:
    """B's level less A's, with Student's interval and Welch's degrees of freedom."""
    in_a, in_b = levels.influence(-1.0, 1.0)
    parts = variances(in_a, in_b)
    return t_effect(
        value=levels.b - levels.a,
        variance=sum(parts),
        df=satterthwaite(parts, (len(in_a), len(in_b))),
        n=levels.n,
        level=level,
        method=method,
        warnings=(*levels.warnings, *few_units(len(in_a), len(in_b)), *heavy_tail(in_a, in_b)),
    )


def variances(in_a: Floats, in_b: Floats) -> tuple[float, float]:
    """What each arm adds to the variance; divisor n - 1 within each arm."""
    return len(in_a) * float(np.var(in_a, ddof=1)), len(in_b) * float(np.var(in_b, ddof=1))


def satterthwaite(parts: tuple[float, ...], sizes: tuple[int, ...]) -> float:
    """Degrees of freedom of a sum of independent variance estimates (Welch 1947, Satterthwaite 1946)."""
    below = sum(part * part / (size - 1) for part, size in zip(parts, sizes, strict=True))
    return sum(parts) ** 2 / below if below > 0.0 else float(sum(sizes) - len(sizes))


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
        return Effect(value, 0.0 if variance == 0.0 else nan, nan, nan, n, method, (*warnings, FLAT))
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


FEW = 30
CARRIERS = 20.0
"""Fewer units' worth than this carrying the variance are too few. Measured over log-normal ratios and means and rare
rewards, arms equal and 9 : 1, 200 to 5,000 units: where intervals of 95 % held below 90 %, it was below 20 in at least
94 % of the experiments."""


def few_units(n_a: int, n_b: int, what: str = "units") -> tuple[str, ...]:
    """A warning for each arm with fewer than 30 units."""
    return tuple(
        f"arm {name} has {n} {what}, fewer than {FEW}: the interval leans on the values being nearly normal"
        for name, n in (("A", n_a), ("B", n_b))
        if n < FEW
    )


def rounded_down(number: float, digits: int = 1) -> str:
    """A number that is below a bound, so that its text is too: 19.96 is "19.9"."""
    return f"{floor(number * 10**digits) / 10**digits:.{digits}f}"


def heavy_tail(in_a: Floats, in_b: Floats) -> tuple[str, ...]:
    """A warning where a few units carry the variance.

    in_a, in_b: each unit's influence on the estimate, mean 0. Carriers: (sum psi^2)^2 / sum psi^4, the number of
    equal contributions that would be as concentrated; about a third of the units for normal values and equal arms. No
    warning while it is at least a quarter of the smaller arm: such an arm is small, not heavy-tailed.
    """
    influence = np.concatenate([in_a, in_b])
    largest = float(np.abs(influence).max())
    if not largest > 0.0:
        return ()
    squares = (influence / largest) ** 2  # fourth powers of what is very small or large leave the range of numbers
    carriers = float(squares.sum()) ** 2 / float((squares * squares).sum())
    if carriers >= min(CARRIERS, min(len(in_a), len(in_b)) / 4.0):
        return ()
    found = f"{rounded_down(carriers)} units' worth of {len(squares)} carry the variance, fewer than {CARRIERS:.0f}"
    return (f"heavy tail: {found}; the interval may miss more often than it says",)
