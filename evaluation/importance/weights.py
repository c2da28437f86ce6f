"""What importance weights say against an estimate: support, effective sample size, largest weight, mean weight."""

import numpy as np
from scipy.special import ndtr, ndtri

from driftline.evaluation.terms import Clusters, Terms, delta
from driftline.sim.types import Floats

LEAST_SHARE = 0.1
"""Effective sample size below this share of the units is named."""
LEAST_SIZE = 100.0
"""So is one below this number (or below half of the units, where there are fewer than 200)."""
LARGEST_SHARE = 0.05
"""A single weight that holds more than this share of all weight is named (from 40 units on)."""
MEAN_ERRORS = 3.0
"""A mean weight this many standard errors from 1 is named; with J columns at the same rate for all together."""


def weight_warnings(
    weights: Floats, unit: str = "slates", column: str = "position", cluster: Clusters | None = None
) -> tuple[str, ...]:
    """Warnings about weights [n] or [n, J], one line each, about the worst column.

    effective sample size: (sum w)^2 / sum w^2 (Kish 1965). mean weight: E[w] = 1 where the logged propensities are
    right and the target policy shows only what the logging policy can show; the mass it puts elsewhere is what is
    missing to 1. Tested two-sided at 3 standard errors (of cluster sums, where `cluster` is given), Bonferroni
    over the columns.
    """
    table = np.asfortranarray(weights if weights.ndim == 2 else weights[:, None])
    n, columns = table.shape
    if n == 0:
        return (f"no {unit}",)
    total = table.sum(axis=0)
    if not total.any():
        return (
            f"the target policy shows none of the {n} logged {unit}: nothing can be learned about it from this log",
        )
    return (*size_warnings(table, unit, column), *_mean(table, column if columns > 1 else "", cluster))


def size_warnings(table: Floats, unit: str, column: str) -> tuple[str, ...]:
    """Of weights [n, J]: effective sample size and largest weight."""
    n, total = len(table), table.sum(axis=0)
    square = (table * table).sum(axis=0)
    size = np.divide(total * total, square, out=np.zeros_like(total), where=square > 0)
    worst = int(np.argmin(size))
    where = f" at {column} {worst}" if len(total) > 1 else ""
    found = []
    if size[worst] < min(LEAST_SIZE, n / 2) or size[worst] < LEAST_SHARE * n:
        found.append(
            f"effective sample size {size[worst]:.1f} of {n} {unit}{where}: few heavy weights decide, "
            "the interval is probably too short"
        )
    share = np.divide(table.max(axis=0), total, out=np.zeros_like(total), where=total > 0)
    worst = int(np.argmax(share))
    if n * LARGEST_SHARE >= 2 and share[worst] > LARGEST_SHARE:
        where = f" at {column} {worst}" if len(total) > 1 else ""
        found.append(f"largest weight {table[:, worst].max():.4g}{where} is {100 * share[worst]:.0f} % of all weight")
    return tuple(found)


def _mean(table: Floats, column: str, cluster: Clusters | None) -> tuple[str, ...]:
    columns = table.shape[1]
    mean = table.mean(axis=0)
    error = np.array([delta(Terms(base=each), cluster).std_error for each in table.T])
    if np.isnan(error).any():
        return ()
    away = np.divide(mean - 1.0, error, out=np.where(np.abs(mean - 1.0) > 1e-9, np.inf, 0.0), where=error > 1e-12)
    worst = int(np.argmax(np.abs(away)))
    tail = float(ndtr(-MEAN_ERRORS)) / columns
    if abs(away[worst]) <= -float(ndtri(tail)):
        return ()
    where = f" at {column} {worst}" if column else ""
    meaning = (
        "the target policy shows what the logging policy cannot (or hardly ever) show, or propensities are wrong"
        if away[worst] < 0
        else "logged propensities are too small, or target propensities too large"
    )
    return (f"mean weight {mean[worst]:.4g}{where} is {abs(away[worst]):.1f} standard errors from 1: {meaning}",)
