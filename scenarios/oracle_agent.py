"""The clairvoyant agent: shows the best slate for each user's true state, which bounds everybody's immediate reward.

Built here and not among the agents: it is the one named exemption from the information barrier. Beside it, the best
that an agent could do with its own item vectors if it knew the user: following told apart from item quality.
"""

from collections.abc import Callable, Sequence

import numpy as np

from driftline.agents.policy import certain_log_propensity
from driftline.agents.protocol import Job
from driftline.sim.types import Bools, Feedback, Float32s, Floats, Int32s, Int64s, Observation, Setting, Slates
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
        """The best ordered slates; good ones where the world's choice model does not say which slate is best."""
        now = self._world.round
        return Slates.certain(self._world.model.values.best_slates(now.users, self._world.theta, now.candidates))

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """0 for the best slate, -inf for every other [n, L]."""
        return certain_log_propensity(self.act(observation).items, items)

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


ItemSpace = Callable[[Int32s], Floats | Float32s]
"""The vectors of some items [m, d]."""


def best_in_space(space: ItemSpace | None, world: World, wanted: Bools) -> Floats:
    """Value of the best slate that a linear user vector in an agent's item space can rank [n].

    NaN where it is not wanted, and everywhere for an agent without a space. For each wanted visit the true click
    utilities and the true expected rewards of the candidates are projected on the agent's vectors (least squares with
    an intercept); the slate that is best for the projections is valued by the truth.
    """
    now = world.round
    found = np.full(now.users.size, np.nan)
    if not wanted.any() or space is None:
        return found
    model = world.model
    for row in np.flatnonzero(wanted):
        pool = now.candidates if now.candidates.ndim == 1 else now.candidates[row]
        utilities, rewards = world.true_worth(int(now.users[row]), pool)
        vectors = space(pool)
        basis = np.column_stack([vectors, np.ones(pool.size)])
        # Vectors are float32: a direction that exists only in their rounding must not help.
        cut = float(np.finfo(np.float32).eps) * pool.size
        projected, *_ = np.linalg.lstsq(basis, np.column_stack([utilities, rewards]), rcond=cut)
        fitted = basis @ projected
        slate = model.choice.best_slate(np.ascontiguousarray(fitted[:, 0]), np.ascontiguousarray(fitted[:, 1]))
        found[row] = model.values.shown(now.users[row : row + 1], world.theta, pool[slate][None, :])[0]
    return found
