"""How often items are taken, as weights."""

import numpy as np

from driftline.sim.real.data import RealData
from driftline.sim.types import Floats


def popularity(data: RealData, exponent: float = 1.0, unseen: float = 0.5) -> Floats:
    """Weights that sum to 1 [I]: (interactions + unseen)^exponent.

    exponent: 0 makes all items equal, 1 is what was observed. unseen: added, so that no item has weight 0.
    """
    weight = (np.bincount(data.item, minlength=data.items) + unseen) ** exponent
    return np.asarray(weight / weight.sum())
