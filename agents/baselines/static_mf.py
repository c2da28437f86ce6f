"""Static matrix factorisation: trained once on the warm-up, frozen ever after."""

from collections.abc import Iterable

import numpy as np

from driftline.agents.agent import Agent
from driftline.agents.baselines.popularity import checked_temperature, clicked_items
from driftline.agents.models.mf import MatrixFactorisation, MatrixFactors
from driftline.agents.models.rowwise import candidate_scores
from driftline.agents.policy import certain_log_propensity, draw, plackett_luce_log_propensity
from driftline.agents.ranking import top_slate
from driftline.agents.users import UserRows
from driftline.sim.keyed import Stream, uniforms
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, Observation, Setting, Slates

TIE = 1e-6
"""Size of the keyed noise that orders items the factors know nothing of."""


class StaticMf(Agent):
    """Ranks by the factors of the warm-up's clicks (and past interactions); new users get the mean user.

    temperature: 0 shows the highest scores; above, slates are drawn by Plackett-Luce from score / temperature.
    """

    def __init__(
        self, factors: int = 32, regularisation: float = 0.1, alpha: float = 10.0, *, temperature: float = 0.0
    ) -> None:
        self._temperature = checked_temperature(temperature)
        self._recipe = MatrixFactorisation(factors=factors, regularisation=regularisation, alpha=alpha)

    def reset(self, setting: Setting) -> None:
        """Factorise everything that was taken so far."""
        super().reset(setting)
        self._users = UserRows()
        log = setting.feedback
        took = log.choice < log.items.shape[1]
        user = np.concatenate([log.user[took], setting.past.user])
        item = np.concatenate([clicked_items(log), setting.past.item]).astype(np.int32)
        self._users.rows(np.sort(user))
        self._factors: MatrixFactors | None = None
        self._vectors: Float32s = np.zeros((1, 1), np.float32)
        if user.size:
            self._factors = self._recipe.fit(
                self._users.find(user),
                item,
                np.ones(user.size),
                len(self._users),
                int(item.max()) + 1,
                setting.seed % 2**31,
            )
            fitted = self._factors.fitted_users
            self._vectors = np.concatenate([fitted, fitted.mean(axis=0, keepdims=True)])

    def act(self, observation: Observation) -> Slates:
        """The highest scores, or a draw among them; items released after the warm-up score 0."""
        scores = self._untied(observation)
        if self._temperature > 0.0:
            return draw(observation, scores / self._temperature, self.setting.slate, scores.shape[1], self.setting.seed)
        best = top_slate(scores, np.zeros(self.setting.slate))
        pool = np.broadcast_to(observation.candidates, scores.shape)
        return Slates.certain(np.take_along_axis(pool, best, axis=1))

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) [n, L]."""
        scores = self._untied(observation)
        if self._temperature > 0.0:
            return plackett_luce_log_propensity(scores / self._temperature, observation.candidates, items)
        return certain_log_propensity(self.act(observation).items, items)

    def scores(self, users: Int64s, items: Int32s) -> Floats:
        """x . y [n, m] for items `[m]` or `[n, m]`."""
        shape = (users.size, np.atleast_2d(items).shape[1])
        if self._factors is None:
            return np.zeros(shape)
        rows = self._users.find(users)
        mine = self._vectors[np.where(rows < 0, len(self._vectors) - 1, rows)]
        table = self._factors.item_vectors(max(int(items.max(initial=-1)) + 1, len(self._factors.item_factors)))
        return candidate_scores(mine[:, None, :], table, items)[..., 0]

    def shared_parts(self) -> Iterable[object]:
        """Nothing changes after `reset`."""
        return self._users, self._factors, self._vectors

    def _untied(self, observation: Observation) -> Floats:
        """Scores of the candidates [n, C], with a keyed trifle that orders equal ones."""
        noise = TIE * uniforms(self.setting.seed, Stream.AGENT, observation.candidates)
        return self.scores(observation.user, observation.candidates) + noise
