"""Topic recall: how many of a user's strongest topics an agent believes in (Manning, Raghavan & Schutze 2008)."""

import numpy as np

from driftline.evaluation.drift import beliefs
from driftline.evaluation.metrics._base import Judged, Metric
from driftline.sim.types import Floats


class TopicRecall(Metric):
    """Share of the three truly strongest topics among the three most believed; null with three topics or fewer."""

    title, better, bounds, digits = "topic recall", "high", (0.0, 1.0), 2
    meaning = "share of a user's three strongest topics among the three most believed"
    section = "known"
    case = (
        {"scores": [[4.0, 3.0, 1.0, 2.0]], "utility": [[4.0, 3.0, 2.0, 1.0]], "dominant": [0, 1, 2, 3]},
        [2.0 / 3.0],
    )

    def values(self, judged: Judged) -> Floats:
        """The recall at each probed visit."""
        known = judged.probed
        believed, true = (beliefs.topic_scores(each, known.dominant) for each in (known.scores, known.utility))
        if true.shape[1] <= beliefs.TOP:  # every belief recalls them all
            return np.full(len(judged.visits), np.nan)
        return judged.at_probed(beliefs.topic_recall(believed, true))
