"""Long tail: how much of a slate is none of the popular items (Abdollahpouri, Burke & Mobasher 2019)."""

import numpy as np

from driftline.evaluation.metrics._base import Judged, Metric
from driftline.evaluation.ranking import long_tail
from driftline.evaluation.run.shown import by_past_week
from driftline.sim.types import Floats


class Aplt(Metric):
    """Share of the slate outside the smallest set of items that had 80 % of the clicks of the week before."""

    title, bounds, digits = "long tail", (0.0, 1.0), 2
    meaning = "share of the items shown that are in the long tail"
    section = "shown"
    case = (
        {"time": [0.0, 1.0, 7.0], "items": [[0, 1], [0, 1], [0, 1]], "taken": [0, 0, -1]},
        [None, None, 0.5],  # item 0 has all clicks; item 1 is in the tail
    )

    def values(self, judged: Judged) -> Floats:
        """The slate's share; null in the first week."""
        out = np.full(len(judged.visits), np.nan)
        for rows, clicks in by_past_week(judged.visits["time"], judged.start, judged.shown, len(judged.catalogue)):
            out[rows] = long_tail(clicks)[judged.items[rows]].mean(axis=1)
        return out
