"""The earlier part of what each user did."""

import numpy as np

from driftline.sim.real.data import RealData
from driftline.sim.real.profiles import in_user_order
from driftline.sim.types import Bools


def earliest(data: RealData, share: float) -> Bools:
    """The first `share` of each user's interactions in time, at least one of each user [m]."""
    place, count = in_user_order(data)
    first: Bools = place < np.maximum(np.floor(share * count + 1e-9), 1)[data.user]
    return first
