"""Rank correlation: whether an agent orders the probe items as the user would (Spearman)."""

from driftline.evaluation.metrics._base import Judged, Metric
from driftline.evaluation.run import tracking
from driftline.sim.types import Floats


class RankCorrelation(Metric):
    """Spearman's rank correlation of scores and true utility over the probe items; equal scores count as 0."""

    title, better, bounds, digits = "rank correlation", "high", (-1.0, 1.0), 2
    meaning = "whether the probe items are ordered as the user would order them (1 perfect, 0 blind)"
    section = "known"
    case = (
        {
            "scores": [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0]],
            "utility": [[0.1, 0.2, 0.3], [3, 2, 1], [1, 2, 3]],
        },
        [1.0, -1.0, 0.0],
    )

    def values(self, judged: Judged) -> Floats:
        """The correlation at each probed visit."""
        return judged.at_probed(tracking.rank_correlation(judged.probed.scores, judged.probed.utility))
