"""Greedy: the best slate, always."""

import numpy as np

from driftline.agents.policy._certain import certain_log_propensity
from driftline.sim.types import Floats, Int32s, Int64s, Observation, Params, Slates


class Greedy(Params):
    """Shows the best slate, always."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        """The slates of columns `best` [n, L]; scores and seed are not needed."""
        return Slates.certain(_at(observation.candidates, best))

    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        """0 where a slate is the best one as far down as item k, -inf elsewhere [n, L]."""
        return certain_log_propensity(_at(observation.candidates, best), items)


def _at(candidates: Int32s, columns: Int64s) -> Int32s:
    """Candidates, shared or private, at columns [n, L]."""
    return candidates[columns] if candidates.ndim == 1 else np.take_along_axis(candidates, columns, axis=1)
