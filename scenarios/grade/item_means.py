"""The reward model that grading uses: an item's shrunken mean reward among users of the other folds."""

import numpy as np

from driftline.sim import keyed
from driftline.sim.keyed import Stream
from driftline.sim.types import Bools, Floats, Int32s, Int64s

FOLDS = 2
FOLD_KEY = 4
"""Place of the folds in the key."""


def item_means(
    user: Int64s, action: Int32s, reward: Floats, fitted: Bools, pool: Int32s, seed: int, shrink: float = 10.0
) -> Floats:
    """q(x, a) of every candidate [n, C], by the fold that left the round's user out.

    Fitted on the rounds marked in `fitted` [n]. shrink: rounds' worth of the fold's overall mean.
    """
    fold = (keyed.uniforms(seed, Stream.ASSIGNMENT, user, 0, FOLD_KEY) * FOLDS).astype(np.int64)
    size = int(max(pool.max(initial=0), action.max(initial=0))) + 1
    q = np.zeros(pool.shape)
    for each in range(FOLDS):
        rest, own = fitted & (fold != each), fold == each
        count = np.bincount(action[rest], minlength=size)
        total = np.bincount(action[rest], reward[rest], minlength=size)
        overall = float(reward[rest].mean()) if rest.any() else 0.0
        mean = (total + shrink * overall) / (count + shrink)
        q[own] = mean[pool[own]]
    return q
