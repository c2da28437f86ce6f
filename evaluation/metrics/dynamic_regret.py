"""Dynamic regret: regret summed over a user's visits (Zinkevich 2003; Besbes, Gur & Zeevi 2015)."""

from math import inf

import polars as pl

from driftline.evaluation.metrics._base import Judged, Metric


class DynamicRegret(Metric):
    """Regret against a comparator that moves with the user, summed over a user's visits."""

    title, better, bounds, digits = "dynamic regret", "low", (0.0, inf), 1
    meaning = "regret summed over a user's visits, mean over users"
    section, summed = "missed", True
    case = {"regret": [0.0, 0.25, 0.5]}, [0.0, 0.25, 0.5]

    def values(self, judged: Judged) -> pl.Series:
        """What each visit adds."""
        return judged.visits["regret"]
