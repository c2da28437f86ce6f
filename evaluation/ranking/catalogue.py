"""How often each item of the catalogue is listed, and the error of what is computed from it."""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import LEVEL, t_quantile
from driftline.evaluation.ranking.ranked_lists import ranked_lists
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


@dataclass(frozen=True, slots=True)
class Listed:
    """Lists in which items are numbered 0 to items - 1, and how often each item is listed."""

    ranked: Int64s
    """[n, places], -1 as padding."""
    count: Int64s
    """[items]; 0 for items that nobody was shown."""


def listed(ranked: ArrayLike, catalogue: ArrayLike | int, k: int | None = None) -> Listed:
    """Count listed items. catalogue: the number of items (ids 0 to items - 1), or the ids that may be listed.

    `InputError`: an empty catalogue, an id twice in it, a listed item that is not in it.
    """
    lists, _ = ranked_lists(ranked, k)
    ids = np.arange(catalogue) if isinstance(catalogue, int) else np.sort(np.asarray(catalogue))
    if ids.ndim != 1 or len(ids) == 0:
        raise InputError("the catalogue is empty; it must be a number of items or their ids")
    if (ids[1:] == ids[:-1]).any():
        raise InputError(f"the catalogue holds item {ids[1:][ids[1:] == ids[:-1]][0]} more than once")
    at = np.searchsorted(ids, lists)
    unknown = (lists >= 0) & (ids[np.minimum(at, len(ids) - 1)] != lists)
    if unknown.any():
        raise InputError(f"item {lists[unknown][0]} is listed but not in the catalogue of {len(ids)} items")
    places = np.where(lists >= 0, at, -1)
    return Listed(places, np.bincount(places[places >= 0], minlength=len(ids)))


def jackknifed(value: float, without: Floats, method: str, warnings: tuple[str, ...] = ()) -> Estimate:
    """A number computed from all users together, with the interval of the delete-one-user jackknife.

    without [n]: the number without each user. std_error = sqrt((n - 1) / n sum (without - mean)^2), on average
    not too small (Efron & Stein 1981); Student's t with n - 1 degrees of freedom. The number is that of n
    users: it says how much it would vary over such samples, not what more users would show.
    """
    n, value = len(without), float(value)
    if n < 2 or not np.isfinite(without).all():
        return Estimate(value, nan, nan, nan, n, f"{method} (jackknife over users)", warnings)
    error = sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    reach = t_quantile(0.5 + LEVEL / 2, n - 1) * error
    return Estimate(value, error, value - reach, value + reach, n, f"{method} (jackknife over users)", warnings)
