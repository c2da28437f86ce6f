"""The random agent: every ordered slate of the candidates is as likely as any other."""

import numpy as np

from driftline.agents.agent import Agent
from driftline.agents.policy import draw, uniform_log_propensity
from driftline.sim.types import Floats, Int32s, Observation, Slates


class Random(Agent):
    """Uniform random slates, keyed by (agent's seed, user, visit, item); learns nothing."""

    def act(self, observation: Observation) -> Slates:
        """A uniformly drawn slate for each user; its log_p is -sum_k log(C - k)."""
        columns = observation.candidates.shape[-1]
        alike = np.zeros((len(observation), columns))
        return draw(observation, alike, self.setting.slate, columns, self.setting.seed)

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """-log(C - k) at position k [n, L]."""
        return uniform_log_propensity(observation.candidates.shape[-1], items)
