"""Catalogue coverage: how much of the catalogue is listed for anybody?"""

from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.ranking.catalogue import jackknifed, listed


def coverage(ranked: ArrayLike, catalogue: ArrayLike | int, *, k: int | None = None) -> Estimate:
    """Share of the catalogue's items that stand in at least one list, in [0, 1].

    |union of the lists| / |catalogue| (Ge, Delgado-Battenfeld & Jannach 2010). catalogue: number of items (ids
    from 0) or their ids. It grows with the number of users: compare at equal numbers only. Interval: jackknife
    over users.
    """
    known = listed(ranked, catalogue, k)
    items = len(known.count)
    value = float((known.count > 0).sum() / items)
    alone = (known.ranked >= 0) & (known.count[known.ranked] == 1)
    return jackknifed(value, value - alone.sum(axis=1) / items, "coverage")
