"""Regret in the agent's own item space: what following costs, without what the picture of the items costs."""

import polars as pl

from driftline.evaluation.metrics._base import Judged, Metric


class RegretInItemSpace(Metric):
    """Regret against the best slate that the agent's own item vectors allow; null for an agent without any."""

    title, better = "regret in own item space", "low"
    meaning = (
        "regret against the best slate that the agent's own picture of the items allows: what following costs, "
        "without what the picture costs; below 0 where the agent uses more than that picture"
    )
    section = "missed"
    case = {"regret_in_item_space": [0.1, None, -0.1]}, [0.1, None, -0.1]

    def values(self, judged: Judged) -> pl.Series:
        """Regret against the best slate in the agent's item space."""
        return judged.visits["regret_in_item_space"]
