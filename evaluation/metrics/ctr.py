"""Click rate: the share of visits in which anything was taken."""

import polars as pl

from driftline.evaluation.metrics._base import Judged, Metric


class Ctr(Metric):
    """Whether anything was taken at a visit: per visit, not per item shown."""

    title, better, bounds = "click rate", "high", (0.0, 1.0)
    meaning = "share of visits in which anything was taken"
    section = "got"
    case = {"click": [1.0, 0.0, 1.0]}, [1.0, 0.0, 1.0]

    def values(self, judged: Judged) -> pl.Series:
        """1 for a click, else 0."""
        return judged.visits["click"]
