"""Standard errors by the delta method: the spread of each round's influence on the value.

For mean(base) + mean(top) / mean(bottom) the influence of round i is

    psi_i = base_i - mean(base) + (top_i - R bottom_i) / mean(bottom),   R = mean(top) / mean(bottom),

and the variance of the value is sum psi_i^2 / (n (n - 1)). The normaliser is never treated as fixed (for SNIPS:
Owen 2013, "Monte Carlo theory, methods and examples", ch. 9.2). With clusters the psi are first summed in each
cluster c: G / (G - 1) sum_c (sum_{i in c} psi_i)^2 / n^2 (Liang & Zeger 1986), G being the number of clusters.
"""

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np

from driftline.evaluation.intervals import t_quantile
from driftline.evaluation.off_policy.checks import Codes
from driftline.evaluation.off_policy.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats


@dataclass(frozen=True, slots=True)
class Delta:
    """A value and what the delta method says about it."""

    value: float
    std_error: float
    units: int
    """Independent units: rounds, or clusters."""
    effective_units: float
    """(sum psi^2)^2 / sum psi^4: on how many units the variance rests; a third of them for normal psi."""


@kernel
def _square_sums(base: Floats, top: Floats, bottom: Floats, ratio: float, scale: float, shift: float) -> Floats:
    """Sums of psi^2 and psi^4; empty arrays stand for base = 0, top = 0, bottom = 1."""
    n = max(base.size, top.size)
    squares = 0.0
    fourths = 0.0
    for i in range(n):
        psi = -shift
        if base.size:
            psi += base[i]
        if top.size:
            psi += (top[i] - ratio * (bottom[i] if bottom.size else 1.0)) / scale
        squares += psi * psi
        fourths += psi * psi * psi * psi
    return np.array([squares, fourths])


NOTHING = np.empty(0)


def value_of(terms: Terms) -> float:
    """The estimator's value."""
    base = 0.0 if terms.base is None else float(terms.base.mean())
    top, bottom = _means(terms)
    return base + top / bottom


def influence(terms: Terms) -> Floats:
    """The psi of every round [n]; they sum to 0."""
    top, bottom = _means(terms)
    psi = np.zeros(terms.n)
    if terms.base is not None:
        psi += terms.base - terms.base.mean()
    if terms.top is not None:
        psi += (terms.top - (top / bottom) * (1.0 if terms.bottom is None else terms.bottom)) / bottom
    return psi


def delta(terms: Terms, cluster: tuple[Codes, int] | None = None) -> Delta:
    """Value and standard error; NaN errors for fewer than two units. Replay's units are the rounds that match."""
    value = value_of(terms)
    if cluster is None:
        units = terms.used
        squares, fourths = _sums(terms)
    else:
        sums = np.bincount(cluster[0], weights=influence(terms), minlength=cluster[1])
        units = cluster[1]
        squares, fourths = float(np.sum(sums**2)), float(np.sum(sums**4))
    if units < 2:
        return Delta(value, nan, units, nan)
    std_error = sqrt(squares * (units / (units - 1))) / terms.n
    effective = squares * squares / fourths if fourths > 0 else nan
    return Delta(value, std_error, units, effective)


def normal_limits(found: Delta, level: float, clustered: bool) -> tuple[float, float]:
    """Symmetric limits: normal quantile, or Student's t with clusters - 1 degrees of freedom."""
    freedom = found.units - 1 if clustered else inf
    if found.units < 2:
        return nan, nan
    quantile = t_quantile(0.5 + level / 2, freedom)
    return found.value - quantile * found.std_error, found.value + quantile * found.std_error


def _means(terms: Terms) -> tuple[float, float]:
    top = 0.0 if terms.top is None else float(terms.top.mean())
    bottom = 1.0 if terms.bottom is None else float(terms.bottom.mean())
    if bottom == 0.0:
        raise InputError(f"{terms.method}: all weights are 0, there is nothing to normalise by")
    return top, bottom


def _sums(terms: Terms) -> tuple[float, float]:
    top, bottom = _means(terms)
    shift = 0.0 if terms.base is None else float(terms.base.mean())
    base, above, below = (NOTHING if each is None else each for each in (terms.base, terms.top, terms.bottom))
    squares, fourths = _square_sums(base, above, below, top / bottom, bottom, shift)
    return float(squares), float(fourths)
