"""The clairvoyant agent: shows the best slate for each user's true state. It bounds everybody's immediate reward.

Built here and not among the agents: it is the one named exemption from the information barrier.
"""

from collections.abc import Sequence

import numpy as np

from driftline.agents.protocol import Job
from driftline.sim.oracle import oracle_values
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates
from driftline.sim.world import World


class Oracle:
    """Knows the world it is in: true interests, true qualities."""

    def __init__(self, world: World) -> None:
        self._world = world
        names = world.pseudonyms(np.arange(world.params.population.users))
        self._order = np.argsort(names)
        self._names = names[self._order]

    def reset(self, setting: Setting) -> None:
        """Nothing to learn."""

    def act(self, observation: Observation) -> Slates:
        """The best ordered slates."""
        now, base = self._world.round, self._world.base
        shape = (now.users.size, self._world.params.slate)
        pool = np.atleast_2d(now.candidates)
        any_slate = np.broadcast_to(pool[:, : shape[1]], shape).astype(np.int32)
        _, _, best = oracle_values(
            now.users,
            self._world.theta,
            now.candidates,
            any_slate,
            base.item_numbers,
            base.choice,
            base.numbers,
            self._world.params.reward,
        )
        return Slates.certain(best)

    def learn(self, feedback: Feedback) -> None:
        """Nothing to learn."""

    def tick(self, now: float) -> Sequence[Job]:
        """No jobs."""
        return ()

    def finish(self, job: str) -> None:
        """No jobs."""

    def score(self, users: Int64s, items: Int32s) -> Floats:
        """The true preference: theta . m."""
        rows = self._order[np.searchsorted(self._names, users)]
        theta = self._world.theta[rows].astype(np.float64)
        scores: Floats = np.einsum("nk,mk->nm", theta, self._world.catalogue.mixture[items].astype(np.float64))
        return scores

    def snapshot(self) -> object:
        """No state of its own."""
        return None

    def restore(self, state: object) -> None:
        """No state of its own."""
