"""Novelty: how little known the items shown are, by the clicks of the week before (Vargas & Castells 2011)."""

from math import inf

import numpy as np

from driftline.evaluation.metrics._base import Judged, Metric
from driftline.evaluation.run.shown import by_past_week
from driftline.sim.types import Floats


class SelfInformation(Metric):
    """Mean of -log2(clicks of the item / all clicks) over the slate; an item without clicks counts as clicked once."""

    title, bounds, digits = "novelty", (0.0, inf), 2
    meaning = "mean surprise of the items shown, in bits"
    section = "shown"
    case = (
        {"time": [0.0, 1.0, 7.0], "items": [[0, 1], [0, 1], [0, 1]], "taken": [0, 0, -1]},
        [None, None, 0.5],  # both clicks of the week are on item 0: 0 bits; item 1 counts as half of them: 1 bit
    )

    def values(self, judged: Judged) -> Floats:
        """The slate's mean; null in the first week."""
        out = np.full(len(judged.visits), np.nan)
        for rows, clicks in by_past_week(judged.visits["time"], judged.start, judged.shown, len(judged.catalogue)):
            surprise = -np.log2(np.maximum(clicks, 1) / clicks.sum())
            out[rows] = surprise[judged.items[rows]].mean(axis=1)
        return out
