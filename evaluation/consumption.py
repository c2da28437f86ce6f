"""Whether what users take narrows: the entropy of its topics, third by third of a run."""

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.ranking.filter_bubble import topic_entropy_over_time
from driftline.evaluation.shown import Shelf, Slates
from driftline.sim.types import Bools, Int64s


def topic_entropy(
    user: Int64s, slates: Slates, shelf: Shelf, thirds: dict[str, Bools]
) -> dict[tuple[str, str], Estimate]:
    """`topic_entropy` of each third and `topic_entropy_change` from the first to the last, by (metric, window).

    Rows are judged visits, sorted by (user, visit); thirds: which of them each window holds. The first five clicks
    of each user in each third, their items' true topics averaged, in bits (see `topic_entropy_over_time`).
    """
    place = np.full(len(user), -1)
    for number, holds in enumerate(thirds.values()):
        place[holds] = number
    rows = np.flatnonzero((slates.taken >= 0) & (place >= 0))
    curve = topic_entropy_over_time(
        user[rows],
        place[rows],
        shelf.mixture[slates.taken[rows]],
        window=1.0,
        end=float(len(thirds)),
    )
    found = {("topic_entropy", name): mean for name, mean in zip(thirds, curve.mean, strict=True)}
    if len(thirds) > 1:
        found["topic_entropy_change", "all"] = curve.change
    return found
