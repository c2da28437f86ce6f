"""Reward: what users got per visit, in the scenario's own reward."""

from math import inf

import polars as pl

from driftline.evaluation.metrics._base import Judged, Metric


class Reward(Metric):
    """The realised reward of a visit; 0 where nothing was taken. With `satisfaction` it lies in [-1, 1]."""

    title, better, bounds = "reward", "high", (-inf, inf)
    meaning = "what users got per visit, in the scenario's own reward"
    section = "got"
    case = {"reward": [0.5, 0.0, -1.0]}, [0.5, 0.0, -1.0]

    def values(self, judged: Judged) -> pl.Series:
        """The reward that was logged."""
        return judged.visits["reward"]
