"""Folds of whole users, keyed: a user's rounds stay together, whatever their order."""

import numpy as np

from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.types import Int64s

FOLDS = 2031
"""Stream of the folds' keyed numbers."""


def user_folds(user: Int64s, *, folds: int = 3, seed: int = 0) -> Int64s:
    """The fold 0..folds - 1 of each round [n]: users in a keyed order are dealt out in turn.

    user: [n] whole numbers or any labels (labels are keyed by their sorted rank). Folds differ by at most one user. The
    order of rounds plays no part. InputError: folds below 2, fewer users than folds.
    """
    if folds < 2:
        raise InputError(f"folds is {folds}; at least 2 are needed, or each round is scored by a model that knows it")
    label, place = np.unique(np.asarray(user), return_inverse=True)
    if len(label) < folds:
        raise InputError(f"user has {len(label)} distinct values for {folds} folds; a fold needs at least 1 user")
    key = label.astype(np.int64) if np.issubdtype(label.dtype, np.integer) else np.arange(len(label))
    order = np.lexsort((key, keyed.uniforms(seed, FOLDS, key, key >> 32)))
    fold = np.empty(len(label), dtype=np.int64)
    fold[order] = np.arange(len(label)) % folds
    return np.asarray(fold[place], dtype=np.int64)
