"""The door: arrays of an experiment, one row a unit, checked before any work."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

LEAST = 2
"""Units an arm needs: one has no variance."""
NAMES = ("A", "B")


def checked_values(name: str, values: ArrayLike, rows: int | None = None) -> Floats:
    """Finite float64 [n]; `rows`: how many there must be."""
    array = _as_floats(name, values)
    if array.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, one row a unit, got shape {array.shape}")
    _same_rows(name, len(array), rows)
    return _finite(name, array)


def checked_table(name: str, values: ArrayLike, rows: int) -> Floats:
    """Finite float64 [n, k]; a single column may come as [n]."""
    array = _as_floats(name, values)
    table = array[:, None] if array.ndim == 1 else array
    if table.ndim != 2 or table.shape[1] == 0:
        raise InputError(f"{name} must have shape [n] or [n, k], got {array.shape}")
    _same_rows(name, len(table), rows)
    return _finite(name, table)


def checked_codes(name: str, labels: ArrayLike, rows: int) -> tuple[Int64s, int]:
    """Labels (cluster, stratum, cohort, user; numbers or texts) as codes 0..k-1 in sorted order, and k."""
    array = np.asarray(labels)
    if array.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, one row a unit, got shape {array.shape}")
    _same_rows(name, len(array), rows)
    if array.dtype.kind == "f":
        _finite(name, array)
    try:
        found, codes = np.unique(array, return_inverse=True)
    except TypeError as error:
        raise InputError(f"{name} mixes kinds of labels: {error}") from None
    return codes.astype(np.int64), len(found)


def checked_arm(arm: ArrayLike, rows: int | None = None, *, least: int = LEAST) -> Bools:
    """Whether each unit is in arm B [n]; `arm` holds 0 (A) and 1 (B), or booleans.

    At least `least` units an arm; an experiment with one arm, or with three users, is no experiment.
    """
    array = np.asarray(arm)
    if array.ndim != 1:
        raise InputError(f"arm must be one-dimensional, one row a unit, got shape {array.shape}")
    _same_rows("arm", len(array), rows)
    if array.dtype.kind not in "biuf":
        raise InputError(f"arm must hold 0 (A) and 1 (B), got values of type {array.dtype}")
    wrong = np.flatnonzero((array != 0) & (array != 1))
    if len(wrong):
        raise InputError(f"arm must hold 0 (A) and 1 (B), got {array[wrong[0]]} at row {wrong[0]}")
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


def _as_floats(name: str, values: ArrayLike) -> Floats:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must hold numbers, got {np.asarray(values).dtype}") from None


def _same_rows(name: str, got: int, rows: int | None) -> None:
    if rows is not None and got != rows:
        raise InputError(f"{name} has {got} rows, the values have {rows}")


def _finite(name: str, array: Floats) -> Floats:
    bad = ~np.isfinite(array)
    if bad.any():
        row = int(np.argwhere(bad)[0][0])
        kind = "NaN" if np.isnan(array[bad][0]) else "infinite"
        raise InputError(
            f"{name}: {int(bad.sum())} of {array.size} values are not finite, the first ({kind}) at row {row}"
        )
    return array
