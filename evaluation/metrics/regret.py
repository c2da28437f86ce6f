"""Regret: reward missed per visit, against the best slate at that moment."""

from math import inf

import polars as pl

from driftline.evaluation.metrics._base import Judged, Metric


class Regret(Metric):
    """Expected reward of the best slate of the same candidates, less that of the slate shown."""

    title, better, bounds = "regret", "low", (0.0, inf)
    meaning = "reward missed per visit, against the best slate at that moment"
    section = "missed"
    case = {"regret": [0.0, 0.25, 0.5]}, [0.0, 0.25, 0.5]

    def values(self, judged: Judged) -> pl.Series:
        """Regret, in the user's present true state."""
        return judged.visits["regret"]
