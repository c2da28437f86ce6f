"""Diversity: how different the items of one slate are in their topics (Smyth & McClave 2001)."""

from driftline.evaluation.metrics._base import Judged, Metric
from driftline.evaluation.run.shown import diversity
from driftline.sim.types import Floats


class IntraListDiversity(Metric):
    """Mean cosine distance of the true topic mixtures over the pairs of a slate; null for a slate of one item."""

    title, bounds, digits = "diversity", (0.0, 1.0), 2
    meaning = "mean cosine distance of the topics of two items of one slate"
    section = "shown"
    case = {"items": [[0, 1], [0, 2]], "mixture": [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]}, [1.0, 0.0]

    def values(self, judged: Judged) -> Floats:
        """The slate's mean distance."""
        return diversity(judged.items, judged.catalogue.mixture)
