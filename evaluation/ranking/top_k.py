"""From scores to ranked lists, with ties broken in a stated way."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.sim.errors import InputError
from driftline.sim.types import Int64s


def top_k(scores: ArrayLike, k: int, exclude: ArrayLike | None = None) -> Int64s:
    """The k best items of each row [n, k], best first; item id = column of `scores` [n, items].

    Ties go to the smaller id, whatever k is. `exclude` [n, items] bool: never listed (items already
    consumed). Rows with fewer items than k are padded with -1. `InputError`: a score that is NaN.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2:
        raise InputError(f"scores have shape {values.shape}; it must be [users, items]")
    if k < 1:
        raise InputError(f"k is {k}; it must be at least 1")
    if np.isnan(values).any():
        row, item = np.argwhere(np.isnan(values))[0]
        raise InputError(f"the score of item {item} in row {row} is NaN")
    barred = np.zeros(values.shape, bool) if exclude is None else np.asarray(exclude, dtype=bool)
    if barred.shape != values.shape:
        raise InputError(f"exclude has shape {barred.shape}, the scores {values.shape}")
    # lexsort's last key leads: barred items last even where a score is -inf, ties stay in the order of ids
    order = np.lexsort((-values, barred), axis=1)[:, :k]
    listed = np.where(np.take_along_axis(barred, order, axis=1), -1, order).astype(np.int64)
    return np.pad(listed, ((0, 0), (0, k - listed.shape[1])), constant_values=-1)
