"""The random agent: every ordered slate of the candidates is as likely as any other."""

from collections.abc import Sequence

import numpy as np

from driftline.agents.policy import draw, uniform_log_propensity
from driftline.agents.protocol import Job
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates


class Random:
    """Uniform random slates, keyed by (agent's seed, user, visit, item); learns nothing."""

    def __init__(self) -> None:
        self._seed = 0
        self._length = 0

    def reset(self, setting: Setting) -> None:
        """Take seed and slate length from the setting."""
        self._seed, self._length = setting.seed, setting.slate

    def act(self, observation: Observation) -> Slates:
        """A uniformly drawn slate for each user; its log_p is -sum_k log(C - k)."""
        columns = observation.candidates.shape[-1]
        return draw(observation, np.zeros((len(observation), columns)), self._length, columns, self._seed)

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """-log(C - k) at position k [n, L]."""
        return uniform_log_propensity(observation.candidates.shape[-1], items)

    def learn(self, feedback: Feedback) -> None:
        """Nothing to learn."""

    def tick(self, now: float) -> Sequence[Job]:
        """No jobs."""
        return ()

    def finish(self, job: str) -> None:
        """No job of this agent ever ends."""

    def score(self, users: Int64s, items: Int32s) -> Floats:
        """All alike: zeros [n, m]."""
        return np.zeros((len(users), np.shape(items)[-1]))

    def snapshot(self) -> object:
        """Seed and slate length."""
        return self._seed, self._length

    def restore(self, state: object) -> None:
        """Go back to a snapshot."""
        assert isinstance(state, tuple)
        self._seed, self._length = state
