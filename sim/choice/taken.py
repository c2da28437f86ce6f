"""What a round of users took, before anything follows from it."""

from typing import NamedTuple

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int8s, UInt64s


class Taken(NamedTuple):
    """One row per visit."""

    position: Int8s
    """Position taken, L for nothing [n]."""
    match: Floats
    """theta . m of the item there, 0 for nothing [n]."""
    words: UInt64s
    """Two unused words of the item's noise [n, 2]."""


@kernel
def nothing_taken(n: int, length: int) -> Taken:
    """`n` visits to slates of `length` that took nothing."""
    return Taken(np.full(n, length, np.int8), np.zeros(n), np.zeros((n, 2), np.uint64))
