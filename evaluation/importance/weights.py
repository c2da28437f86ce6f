"""What importance weights say against an estimate, whatever was weighed: effective sample size, and mean weight.

One rule and one text for rounds, slates, trajectories and windows. Thresholds are measured (docs/off-policy.md): a
warning is for what is likely to mislead, not for all that is not perfect.
"""

from math import isnan, sqrt

import numpy as np
from scipy.special import ndtr, ndtri

from driftline.evaluation.terms import Clusters, Terms, delta
from driftline.sim.types import Floats

LEAST_SHARE, LUCK, MOST_SHARE = 0.2, 2.0, 0.5
"""Effective sample size below a fifth of the n units is named, and in a small log below 2 / sqrt(n) more, half at most:
where the largest weights have not been drawn yet, it looks larger than it is."""
LEAST_SIZE = 30.0
"""So is one below this number (or below half of the units, where there are fewer than 60)."""
MEAN_ERRORS = 3.0
"""A mean weight this many standard errors from 1 is named; with J columns at the same rate for all together."""
ROUNDING = 1e-9
"""A mean weight this near to 1 is 1."""


def weight_warnings(
    weights: Floats,
    unit: str = "slates",
    column: str = "position",
    cluster: Clusters | None = None,
    share: Floats | None = None,
) -> tuple[str, ...]:
    """Warnings about weights [n] or [n, J], one line each, about the worst column.

    effective sample size: (sum w)^2 / sum w^2 (Kish 1965). mean weight: E[w] = 1 where the logged propensities are
    right and the target policy shows only what the logging policy can show; the mass it puts elsewhere is what is
    missing to 1. Tested two-sided at 3 standard errors (of cluster sums, where `cluster` is given), Bonferroni
    over the columns. share: how much each row counts [n], at least 0; rows of share 0 are not used.
    """
    table = np.asfortranarray(weights if weights.ndim == 2 else weights[:, None])
    n, columns = table.shape
    used = n if share is None else int(np.count_nonzero(share))
    if used == 0:
        return (f"no {unit}",)
    load = table if share is None else table * share[:, None]
    if not load.any():
        return (f"support: the target policy takes none of the {used:,} {unit}: nothing can be learned of it",)
    return (*size_warnings(load, unit, column, used), *_mean(table, column if columns > 1 else "", cluster, share))


def effective_size(weights: Floats) -> Floats:
    """(sum w)^2 / sum w^2 of each column of weights [n, J], 0 without weight. Scaled, so that no square overflows."""
    scaled = weights / np.maximum(np.abs(weights).max(axis=0), np.finfo(np.float64).tiny)
    total, squares = scaled.sum(axis=0), (scaled * scaled).sum(axis=0)
    return np.asarray(np.divide(total * total, squares, out=np.zeros_like(total), where=squares > 0))


def size_warnings(table: Floats, unit: str, column: str, used: int | None = None) -> tuple[str, ...]:
    """Of weights [n, J]: the smallest effective sample size."""
    size = effective_size(table)
    worst = int(np.argmin(size))
    where = f" at {column} {worst}" if len(size) > 1 else ""
    largest, total = float(table[:, worst].max()), float(table[:, worst].sum())
    return small_size(float(size[worst]), len(table) if used is None else used, largest, total, unit, where)


def small_size(size: float, n: int, largest: float, total: float, unit: str, where: str = "") -> tuple[str, ...]:
    """An effective sample size below 30 (half of n, where that is less), or below a fifth of n and its luck."""
    share = min(LEAST_SHARE + LUCK / sqrt(n), MOST_SHARE)
    if not (size < min(LEAST_SIZE, n / 2) or size < share * n):
        return ()
    of_all = f"; the largest weight, {largest:,.4g}, is {largest / total:.1%} of all" if total > 0 else ""
    found = f"effective sample size: {size:,.1f} of {n:,} {unit}{where}{of_all}"
    return (f"{found}; few decide the value, and its interval is probably too short",)


def mean_off(mean: float, errors: float, bound: float = MEAN_ERRORS, where: str = "") -> tuple[str, ...]:
    """A mean weight `errors` standard errors from 1, infinite where all weights are the same."""
    if not abs(errors) > bound:
        return ()
    meaning = (
        "propensities are wrong, or the target policy does what the logging policy never (or hardly ever) does"
        if errors < 0
        else "propensities are wrong: logged ones too small, or target ones too large"
    )
    return (f"mean weight: {mean:.4g}{where}, {abs(errors):.1f} standard errors from 1; {meaning}",)


def mean_errors(weight: Floats, cluster: Clusters | None, share: Floats | None = None) -> tuple[float, float]:
    """The mean weight, and how many standard errors it lies from 1; 0 where that cannot be told."""
    terms = Terms(base=weight)
    found = delta(terms if share is None else terms.weighted(share), cluster)
    away = found.value - 1.0
    if found.units < 2 or isnan(found.value) or abs(away) < ROUNDING:
        return found.value, 0.0
    return found.value, away / found.std_error if found.std_error > 0 else float(np.copysign(np.inf, away))


def _mean(table: Floats, column: str, cluster: Clusters | None, share: Floats | None) -> tuple[str, ...]:
    found = [mean_errors(each, cluster, share) for each in table.T]
    worst = int(np.argmax([abs(errors) for _, errors in found]))
    bound = -float(ndtri(float(ndtr(-MEAN_ERRORS)) / len(found)))
    return mean_off(*found[worst], bound, f" at {column} {worst}" if column else "")
