"""The difference of quantiles: the median, the 95th percentile of waiting time."""

from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import between_0_and_1, coded
from driftline.evaluation.experiment._clustered import few_clusters
from driftline.evaluation.experiment._levels import Effect, checked_pair, few_units, sums, t_effect, whole_clusters
from driftline.sim.types import Bools, Floats, Int64s

WINDOW = 1.959963984540054
"""Half-width, in standard errors of the share below, of the window in which the density is taken."""
TIED = 0.02
"""More of an arm's values than this at the quantile, and its density means nothing."""


def quantile(
    *,
    value: ArrayLike,
    arm: ArrayLike,
    q: float = 0.5,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Effect:
    """q-quantile of B less that of A.

    value, arm: [n]. The quantile interpolates linearly between order statistics (numpy's default, Hyndman & Fan
    type 7). Its standard error is s / f: s that of the share of values at or below it, sqrt(q (1 - q) / n),
    or with `cluster` [n] (users of rounds; each in one arm) that of a ratio of sums over clusters; 1 / f is the
    difference of the order statistics at ranks n (q -+ 1.96 s) over the difference of their ranks / n (Deng,
    Knoblich & Lu 2018, section 4.2). Normal interval. Warns near the ends, and where over 2 % of an arm's values
    tie with the quantile, since a density of discrete values means nothing.

    Example:
        >>> from driftline.evaluation.experiment import quantile
        >>> import numpy as np
        >>> value = np.concatenate([np.arange(100.0), np.arange(100.0) + 5.0])
        >>> found = quantile(value=value, arm=np.repeat([0, 1], 100), q=0.5)
        >>> round(found.value, 2), round(found.std_error, 2)
        (5.0, 7.07)
    """
    between_0_and_1("level", level)
    between_0_and_1("q", q)
    values, in_b = checked_pair(value, arm)
    codes: Int64s | None = None
    n, kind, warnings = len(values), "units", few_units(int((~in_b).sum()), int(in_b.sum()))
    if cluster is not None:
        codes, n = coded("cluster", cluster, len(values))
        sides = whole_clusters(codes, n, in_b)
        kind, warnings = "clusters", few_clusters(int((~sides).sum()), int(sides.sum()))
    found = [
        _one_arm(name, values[inside], q, None if codes is None else codes[inside])
        for name, inside in (("A", ~in_b), ("B", in_b))
    ]
    (a, error_a, of_a), (b, error_b, of_b) = found
    return t_effect(
        value=b - a,
        variance=error_a**2 + error_b**2,
        df=np.inf,
        n=n,
        level=level,
        method=f"difference of {q:g}-quantiles (order statistics over {kind}, normal)",
        warnings=(*warnings, *of_a, *of_b),
    )


def _one_arm(name: str, values: Floats, q: float, codes: Int64s | None) -> tuple[float, float, tuple[str, ...]]:
    ordered, n = np.sort(values), len(values)
    at = float(np.quantile(ordered, q))
    share = sqrt(q * (1 - q) / n) if codes is None else _clustered_share(values <= at, codes)
    low, high = floor(n * (q - WINDOW * share)), ceil(n * (q + WINDOW * share)) + 1
    warnings: tuple[str, ...] = ()
    if low < 1 or high > n:
        warnings = (f"arm {name}: too few values beyond its {q:g}-quantile for a standard error; it is rough",)
    tied = float(np.mean(values == at))
    if tied > max(TIED, 1.5 / n):
        warnings = (
            *warnings,
            f"arm {name}: {tied:.0%} of the values tie with its {q:g}-quantile: take means or shares",
        )
    low, high = max(low, 1), min(high, n)
    density = (high - low) / n / gap if (gap := float(ordered[high - 1] - ordered[low - 1])) > 0.0 else np.inf
    return at, share / density, warnings


def _clustered_share(below: Bools, codes: Int64s) -> float:
    """Standard error of the share below, a ratio of sums over clusters; divisor G - 1."""
    _, own = np.unique(codes, return_inverse=True)
    residual = sums(own, below - below.mean(), int(own.max()) + 1)
    count = len(residual)
    return sqrt(count / (count - 1) * float((residual**2).sum())) / len(codes)
