"""Effects where rows are not independent: rounds of one user, users of one cluster."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import between_0_and_1, coded
from driftline.evaluation.experiment._levels import (
    Effect,
    checked_pair,
    heavy_tail,
    sums,
    t_effect,
)
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats

Correction = Literal["CR0", "CR1", "CR2"]
FEW = 20


def cluster(
    *, value: ArrayLike, arm: ArrayLike, cluster: ArrayLike, correction: Correction = "CR2", level: float = 0.95
) -> Effect:
    """Mean over B's units less mean over A's, with a standard error that knows clusters.

    value, arm, cluster: one row a unit [n]; a cluster may lie in one arm (randomised by cluster) or in both.
    The estimate is the arm's coefficient in least squares of value on arm. `CR0`: the sandwich as it is (Liang &
    Zeger 1986). `CR1`: times G / (G - 1) (n - 1) / (n - 2), as Stata and statsmodels have it. Both use t with G - 1
    degrees of freedom. `CR2`: residuals scaled by (I - H_gg)^(-1/2), exactly unbiased for independent units of
    equal variance, with Satterthwaite degrees of freedom (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018); the
    choice for few or unequal clusters. `n` counts clusters. Warns under 20 clusters an arm.

    Example:
        >>> from driftline.evaluation.experiment import cluster
        >>> value, arm = [1.0, 2.0, 3.0, 4.0, 3.0, 5.0, 6.0, 8.0], [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = cluster(value=value, arm=arm, cluster=[1, 1, 2, 2, 3, 3, 4, 4])
        >>> round(found.value, 2), round(found.std_error, 3), found.n
        (3.0, 1.803, 4)
    """
    between_0_and_1("level", level)
    if correction not in get_args(Correction):
        raise InputError(f"correction {correction!r} is unknown; {hint(correction, get_args(Correction))}")
    values, in_b = checked_pair(value, arm)
    codes, count = coded("cluster", cluster, len(values))
    sides, means = [], []
    for name, inside in (("A", ~in_b), ("B", in_b)):
        mean = float(values[inside].mean())
        size = np.bincount(codes[inside], minlength=count).astype(np.float64)
        residual = sums(codes[inside], values[inside] - mean, count)
        sides.append(_Side(size.sum(), size, residual))
        means.append(mean)
        if int((size > 0).sum()) < 2:
            raise InputError(f"arm {name} has 1 cluster; at least 2 are needed")
    a, b = sides
    scores = _scores(b, correction) - _scores(a, correction)
    scale = count / (count - 1) * (len(values) - 1) / (len(values) - 2) if correction == "CR1" else 1.0
    in_a = a.size > 0
    return t_effect(
        value=means[1] - means[0],
        variance=scale * float((scores**2).sum()),
        df=_bell_mccaffrey(a, b) if correction == "CR2" else count - 1.0,
        n=count,
        level=level,
        method=f"difference of means (cluster-robust {correction}, t)",
        warnings=(
            *few_clusters(int(in_a.sum()), int((b.size > 0).sum())),
            *heavy_tail(scores[in_a], scores[~in_a]),
        ),
    )


def few_clusters(n_a: int, n_b: int) -> tuple[str, ...]:
    """A warning for each arm with fewer than 20 clusters."""
    return tuple(
        f"arm {name} has {n} clusters, fewer than {FEW}: cluster-robust errors are too small or very uncertain"
        for name, n in (("A", n_a), ("B", n_b))
        if n < FEW
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """One arm, cluster by cluster [G]; clusters without units in it have size 0."""

    units: float
    size: Floats
    residual: Floats
    """Sum of deviations from the arm's mean."""


def _scores(side: _Side, correction: Correction) -> Floats:
    """What each cluster adds to the deviation of the arm's mean."""
    if correction != "CR2":
        return side.residual / side.units
    # H_gg is 1 1' / units within an arm, so (I - H_gg)^(-1/2) multiplies its sums by this
    return side.residual / side.units / np.sqrt(1.0 - side.size / side.units)


def _bell_mccaffrey(a: _Side, b: _Side) -> float:
    """(tr G'G)^2 / tr (G'G)^2 for the CR2 quadratic form under independent units of equal variance.

    Per arm, with s_g = 1 / (units sqrt(1 - size_g / units)): (G'G)_gg = size_g / units^2 and, for g != h,
    -s_g s_h size_g size_h / units; the arms add.
    """
    diagonal = a.size / a.units**2 + b.size / b.units**2
    own, mixed = 0.0, 1.0
    pulls = []
    for side in (a, b):
        pull = side.size / side.units / np.sqrt(1.0 - side.size / side.units)
        own += _off_diagonal(pull) / side.units**2
        pulls.append(pull)
        mixed /= side.units
    squares = float((diagonal**2).sum()) + own + 2.0 * mixed * _cross(pulls[0], pulls[1])
    return float(diagonal.sum()) ** 2 / squares


def _off_diagonal(pull: Floats) -> float:
    """Sum over g != h of (pull_g pull_h)^2."""
    squares = pull * pull
    return float(squares.sum()) ** 2 - float((squares**2).sum())


def _cross(a: Floats, b: Floats) -> float:
    """Sum over g != h of (a_g a_h)(b_g b_h)."""
    product = a * b
    return float(product.sum()) ** 2 - float((product**2).sum())
