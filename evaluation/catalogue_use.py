"""How much of the catalogue a run shows to anybody, and how evenly."""

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.ranking.catalogue import jackknifed
from driftline.evaluation.ranking.gini import gini_index
from driftline.sim.types import Bools, Floats, Int32s, Int64s

GROUPS = 20
"""Parts of the users of which the jackknife leaves out one at a time."""


def catalogue_use(items: Int32s, user: Int64s, there: Bools) -> dict[str, Estimate]:
    """`coverage` and `gini` of what was shown, as in `driftline.evaluation.ranking`; empty where nothing was.

    items [n, slots]; user [n], numbered from 0; there [items], which items were on the shelf. An item that was shown
    counts as there. Interval: delete-a-group jackknife over 20 groups of users (Kott 2001), Student's t with 19
    degrees of freedom; all agents have the same groups.
    """
    size = len(there)
    cell = (user % GROUPS)[:, None] * size + items
    count = np.bincount(cell.ravel(), minlength=GROUPS * size).reshape(GROUPS, size).astype(np.float64)
    catalogue = there | (count.sum(axis=0) > 0)
    count = count[count.sum(axis=1) > 0][:, catalogue]
    if not len(count):
        return {}
    whole = count.sum(axis=0)
    rest = whole - count
    return {
        "coverage": jackknifed(_share(whole), np.array([_share(each) for each in rest]), "coverage"),
        "gini": jackknifed(gini_index(whole), np.array([gini_index(each) for each in rest]), "gini"),
    }


def _share(count: Floats) -> float:
    return float((count > 0).mean())
