"""Every estimator as one formula, mean(base) + sum mean(top) / mean(bottom), and its error by the delta method.

One term a row stands in each of the three: `base` is what a reward model promises (0 without one), `top` a weighted
reward or residual, `bottom` 1 or, for self-normalised estimators, the weight. So one delta method, one bootstrap and
one sum over clusters serve all of them.

For V = mean(base) + sum_j R_j, R_j = mean(top_j) / mean(bottom_j), the influence of row i is

    psi_i = base_i - mean(base) + sum_j (top_ij - R_j bottom_ij) / mean(bottom_j),

and the variance of the value is sum psi_i^2 / (n (n - 1)). No normaliser is treated as fixed (for SNIPS: Owen 2013,
"Monte Carlo theory, methods and examples", ch. 9.2). With clusters the psi are first summed in each cluster c:
G / (G - 1) sum_c (sum_{i in c} psi_i)^2 / n^2 (Liang & Zeger 1986), G being the number of clusters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np

from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Bools, Floats, Int64s

Clusters = tuple[Int64s, int]
"""Which cluster each row belongs to, from 0 [n], and how many there are."""
ONES = np.empty(0)
"""Stands for a column of ones."""


@dataclass(frozen=True, eq=False, slots=True)
class Terms:
    """What each of n rows adds to an estimate: value = mean(base) + sum_j mean(top_j) / mean(bottom_j).

    >>> weight, reward = np.array([2.0, 0.5, 0.0]), np.array([1.0, 0.0, 1.0])
    >>> round(Terms(top=weight * reward).value(), 4)
    0.6667
    >>> round(Terms(top=weight * reward, bottom=weight).value(), 4)
    0.8
    """

    base: Floats | None = None
    """[n]; None for 0."""
    top: Floats | None = None
    """[n], or [n, J] for a sum of J ratios; None for 0."""
    bottom: Floats | None = None
    """Of the shape of `top`; None for 1."""
    used: Bools | None = None
    """Rows that the value rests on [n], such as those in a window; None for all."""

    def __post_init__(self) -> None:
        if self.base is None and self.top is None:
            raise InputError("terms have neither base nor top; at least one of them is needed")
        if self.bottom is not None and (self.top is None or self.top.shape != self.bottom.shape):
            top = None if self.top is None else self.top.shape
            raise InputError(f"terms: bottom has shape {self.bottom.shape}, top {top}; both must be alike")
        for name in ("base", "top", "used"):
            array = getattr(self, name)
            if array is not None and len(array) != self.n:
                raise InputError(f"terms: {name} has {len(array)} rows; must have {self.n}")
        for name in ("top", "bottom"):
            array = getattr(self, name)
            if array is not None and array.ndim == 2:
                # sums down a few columns are five times faster when columns are contiguous
                object.__setattr__(self, name, np.asfortranarray(array))

    @property
    def n(self) -> int:
        """How many rows."""
        first = self.top if self.base is None else self.base
        return 0 if first is None else len(first)

    def ratios(self) -> Iterator[tuple[Floats, Floats]]:
        """Pairs of columns [n] whose ratios of means add up to the value; `ONES` below where nothing is divided by."""
        if self.base is not None:
            yield self.base, ONES
        if self.top is not None:
            tops = self.top.T if self.top.ndim == 2 else (self.top,)
            bottoms = tops if self.bottom is None else self.bottom.T if self.bottom.ndim == 2 else (self.bottom,)
            for top, bottom in zip(tops, bottoms, strict=True):
                yield top, ONES if self.bottom is None else bottom

    def weighted(self, share: Floats) -> "Terms":
        """The same estimator with each row counted `share` times [n], at least 0; rows of share 0 are not used."""
        pairs = [*self.ratios()]
        top = np.stack([share * above for above, _ in pairs], axis=1)
        bottom = np.stack([share * below if below.size else share for _, below in pairs], axis=1)
        return Terms(top=top, bottom=bottom, used=share > 0 if self.used is None else (share > 0) & self.used)

    def value(self) -> float:
        """The estimate; NaN where a normaliser is 0, and without rows."""
        if not self.n:
            return nan
        return sum(_ratio(top, bottom)[0] for top, bottom in self.ratios())

    def influence(self) -> Floats:
        """How much each row moves the value, times n: the psi, which sum to 0 [n]."""
        psi = np.zeros(self.n)
        for top, bottom in self.ratios():
            ratio, mean = _ratio(top, bottom)
            _add_influence(psi, top, bottom, ratio, mean)
        return psi

    def units(self, cluster: Clusters | None) -> int:
        """On how many independent units the value rests: rows, or clusters."""
        if self.used is None:
            return self.n if cluster is None else cluster[1]
        return int(np.count_nonzero(self.used)) if cluster is None else len(np.unique(cluster[0][self.used]))


@dataclass(frozen=True, slots=True)
class Delta:
    """A value and what the delta method says about it."""

    value: float
    std_error: float
    units: int
    """Independent units: rows, or clusters."""
    skew: float
    """|sum psi^3| / (sum psi^2)^1.5, in [0, 1]: the skewness of the mean; m rare and equal units have 1 / sqrt(m)."""


ROUNDING = 1e-13
"""Of the value: a spread below this is what rounding leaves of terms that are all alike."""
IN_RANGE = (1e-100, 1e100)
"""Sums of squares beyond these are scaled first: third powers would leave the range of numbers."""


def delta(terms: Terms, cluster: Clusters | None = None) -> Delta:
    """Value and standard error; NaN errors for fewer than two units, exactly 0 where terms are all alike."""
    units, value = terms.units(cluster), terms.value()
    if units < 2 or np.isnan(value):
        return Delta(value, nan, units, nan)
    psi = terms.influence()
    if cluster is not None:
        psi = np.bincount(cluster[0], psi, cluster[1]).astype(np.float64, copy=False)
    scale, (squares, cubes) = 1.0, _moments(psi)
    if not IN_RANGE[0] < squares < IN_RANGE[1]:
        scale = float(np.abs(psi).max())
        squares, cubes = _moments(psi / scale) if scale > 0.0 else (0.0, 0.0)
    # an error of a psi that is all rounding would pass for one of the value
    if scale * sqrt(squares / units) <= ROUNDING * abs(value):
        return Delta(value, 0.0, units, nan)
    return Delta(value, scale * sqrt(squares * (units / (units - 1))) / terms.n, units, abs(cubes) / squares**1.5)


def _ratio(top: Floats, bottom: Floats) -> tuple[float, float]:
    """mean(top) / mean(bottom), and mean(bottom)."""
    if not bottom.size:
        return float(top.mean()), 1.0
    mean = float(bottom.mean())
    return (float(top.mean()) / mean if mean != 0.0 else nan), mean


@kernel
def _add_influence(psi: Floats, top: Floats, bottom: Floats, ratio: float, mean: float) -> None:
    for i in range(psi.size):
        psi[i] += (top[i] - ratio * (bottom[i] if bottom.size else 1.0)) / mean


@kernel
def _moments(psi: Floats) -> tuple[float, float]:
    """Sums of squares and of third powers."""
    squares = 0.0
    cubes = 0.0
    for i in range(psi.size):
        square = psi[i] * psi[i]
        squares += square
        cubes += square * psi[i]
    return squares, cubes
