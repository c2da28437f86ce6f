"""What every comparison stands on: the level of each arm and each unit's influence on it.

A method (mean, ratio, CUPED, clusters) says what an arm's level is; differences and relative lifts then follow by
the delta method in one place, whatever the method.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.arms import checked_arm, checked_values
from driftline.evaluation.experiment.effect import Effect, t_effect
from driftline.evaluation.experiment.tails import few_units, heavy_tail
from driftline.sim.types import Bools, Floats


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


def variances(in_a: Floats, in_b: Floats) -> tuple[float, float]:
    """What each arm adds to the variance; divisor n - 1 within each arm."""
    return len(in_a) * float(np.var(in_a, ddof=1)), len(in_b) * float(np.var(in_b, ddof=1))


def satterthwaite(parts: tuple[float, ...], sizes: tuple[int, ...]) -> float:
    """Degrees of freedom of a sum of independent variance estimates (Welch 1947, Satterthwaite 1946)."""
    below = sum(part * part / (size - 1) for part, size in zip(parts, sizes, strict=True))
    return sum(parts) ** 2 / below if below > 0.0 else float(sum(sizes) - len(sizes))


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


def mean_levels(value: Floats, in_b: Bools) -> Levels:
    """Each arm's mean."""
    a, b = value[~in_b], value[in_b]
    mean_a, mean_b = float(a.mean()), float(b.mean())
    return Levels(mean_a, mean_b, (a - mean_a) / len(a), (b - mean_b) / len(b))


def checked_pair(value: ArrayLike, arm: ArrayLike) -> tuple[Floats, Bools]:
    """Values and membership of arm B, checked."""
    values = checked_values("value", value)
    return values, checked_arm(arm, len(values))
