"""Means over visits whose units are users: the interval of every measure here that is a mean."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import bootstrap_ratio, poisson_weights
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def visit_mean(user: Int64s, values: Floats, *, seed: int = 0, method: str = "mean over visits") -> Estimate:
    """Mean over visits [n] with a bootstrap interval over whole users (see `bootstrap_ratio`); NaN is left out."""
    users, code = np.unique(user, return_inverse=True)
    known = ~np.isnan(values)
    total = np.bincount(code[known], values[known], minlength=len(users)).astype(np.float64)
    count = np.bincount(code[known], minlength=len(users)).astype(np.float64)
    return ratios(users, [total], [count], seed, [method])[0]


def ratios(
    users: Int64s, totals: Sequence[Floats], counts: Sequence[Floats], seed: int, methods: Sequence[str]
) -> list[Estimate]:
    """Several ratios of sums over the same users [users], resampled together."""
    found = bootstrap_ratio(np.stack(totals), np.stack(counts), poisson_weights(users, seed))
    return [replace(found.estimate(k), method=f"{method} (bootstrap)") for k, method in enumerate(methods)]


def visits_in_order(user: ArrayLike, columns: Mapping[str, ArrayLike]) -> Int64s:
    """The users [n]; InputError unless every column has one entry per visit and each user's visits are together."""
    who = np.asarray(user)
    if who.ndim != 1 or who.dtype.kind not in "iu":
        raise InputError(f"user must be whole numbers [n], got {who.dtype} {who.shape}")
    for name, column in columns.items():
        if np.shape(column)[:1] != who.shape:
            raise InputError(f"{name} has shape {np.shape(column)} for {len(who)} visits")
    starts = np.flatnonzero(np.concatenate([[True], who[1:] != who[:-1]])) if len(who) else np.empty(0, np.int64)
    if len(np.unique(who[starts])) != len(starts):
        raise InputError("a user's visits must stand together, in order of time: sort by (user, visit)")
    return who.astype(np.int64)
