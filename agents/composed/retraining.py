"""What is retrained as a job: the temporal head that foresees the next choice, and the matrix factors."""

from dataclasses import dataclass, replace

import numpy as np

from driftline.agents.composed.memory import ChoiceLog, History
from driftline.agents.models.item_space import Shelf
from driftline.agents.models.mf import MatrixFactorisation, MatrixFactors
from driftline.agents.models.rowwise import candidate_scores
from driftline.agents.predictor.heads import ChoiceHead, Choices
from driftline.agents.predictor.training import Recipe
from driftline.agents.users import UserRows
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, Setting

EXAMPLES = 12_000
"""Choices that a training of the head sees, spread evenly over users; more cost time and gain nothing."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """A trained head and trained factors; both say nothing (0) before the first training."""

    seed: int
    dim: int
    foresees: bool
    factorises: bool
    head: ChoiceHead | None = None
    factors: MatrixFactors | None = None
    user_factors: Float32s | None = None

    def vectors(self, history: History, rows: Int64s, time: Floats) -> Float32s:
        """The interest that the head foresees for each user at its time [n, dim]."""
        if self.head is None:
            return np.zeros((rows.size, self.dim), np.float32)
        return self.head.user_vectors(history.sequences, history.vectors, rows, time).astype(np.float32)

    def factor_scores(self, rows: Int64s, items: Int32s) -> Floats:
        """x . y of the factorisation: [n, m] for items `[m]` or `[n, m]`; 0 for users and items it did not know."""
        if self.factors is None or self.user_factors is None:
            return np.zeros((rows.size, np.atleast_2d(items).shape[1]))
        known = rows < len(self.user_factors)
        mine = np.zeros((rows.size, self.user_factors.shape[1]), np.float32)
        mine[known] = self.user_factors[rows[known]]
        table = self.factors.item_vectors(max(int(items.max(initial=-1)) + 1, len(self.factors.item_factors)))
        return candidate_scores(mine[:, None, :], table, items)[..., 0]

    def retrained(
        self, history: History, shelf: Shelf, choices: ChoiceLog, setting: Setting, users: UserRows
    ) -> "Foresight":
        """Head and factors learned from the log so far; this one stays as it is.

        Users are put in the order of their pseudonyms first: rows depend on who was met in which batch.
        """
        log = choices.rows
        if log is None:
            return self
        order = np.argsort(users.pseudonyms)
        place = np.empty(len(users), np.int64)
        place[order] = np.arange(len(users))
        user = place[log["row"].astype(np.int64)]
        items, choice = log["items"].astype(np.int32), log["choice"].astype(np.int64)
        result = self
        if self.foresees:
            by_user = np.lexsort((log["time"], user))
            time, offset = log["time"].astype(np.float64), log["offset"].astype(np.float64)
            examples = Choices(user[by_user], time[by_user], items[by_user], choice[by_user], offset[by_user])
            result = result._foreseeing(history, order, shelf, examples)
        if self.factorises:
            past = users.find(setting.past.user)
            known = past >= 0
            clicked = choice < items.shape[1]
            result = result._factorised(
                np.concatenate([user[clicked], place[past[known]]]),
                np.concatenate([items[clicked, choice[clicked]], setting.past.item[known]]),
                place,
            )
        return result

    def _foreseeing(self, history: History, order: Int64s, shelf: Shelf, examples: Choices) -> "Foresight":
        """A head learned from these choices of the users in this order."""
        head = ChoiceHead.fit(
            history.of(order),
            history.vectors,
            shelf.vectors,
            examples,
            recipe=Recipe(queries=EXAMPLES),
            seed=self.seed,
        )
        return replace(self, head=head)

    def _factorised(self, user: Int64s, item: Int32s, place: Int64s) -> "Foresight":
        """Factors of who took what; `place` says where each row stands in the order of `user`."""
        if not user.size:
            return self
        fitted = MatrixFactorisation().fit(
            user, item, np.ones(user.size), place.size, int(item.max()) + 1, self.seed % 2**31
        )
        return replace(self, factors=fitted, user_factors=fitted.fitted_users[place])
