"""What the clicks on interleaved slates say, one row per impression."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.interleaving.slates import Interleaved
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats


@dataclass(frozen=True, slots=True)
class Outcome:
    """Credit of each ranking and who won; arrays are [n]."""

    credit_a: Floats
    credit_b: Floats
    win: Floats
    """Expected sign of credit_b - credit_a: 1 B won, -1 A won, 0 a tie; between them where the assignment of
    items to rankings is averaged over."""


def clicked(slates: Interleaved, clicks: ArrayLike) -> Bools:
    """Checked clicks [n, L] bool, one per place of the slates."""
    taken = np.asarray(clicks)
    if taken.shape != slates.items.shape:
        raise InputError(f"clicks have shape {taken.shape}, the slates {slates.items.shape}")
    if taken.dtype != np.bool_:
        raise InputError(f"clicks have type {taken.dtype}; true or false for every place (see `from_choice`)")
    return taken


def from_choice(choice: ArrayLike, length: int) -> Bools:
    """Clicks [n, L] of a log's `choice` [n]: the place that was taken, L for nothing."""
    place = np.asarray(choice)
    if place.ndim != 1 or place.dtype.kind not in "iu":
        raise InputError(f"choice must be whole numbers [n], got {place.dtype} {place.shape}")
    if place.size and (place.min() < 0 or place.max() > length):
        raise InputError(
            f"choice holds {place.min()} to {place.max()}; it must lie in 0 to {length} ({length}: nothing)"
        )
    return np.asarray(place[:, None] == np.arange(length)[None, :])
