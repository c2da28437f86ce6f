"""`driftline.Agent`: the base class of an agent in two methods."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from driftline.agents.policy import highest
from driftline.agents.protocol import Job
from driftline.sim.types import NONE, Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates


class Agent(ABC):
    """An agent of your own: write `act`, and `learn` if it learns. The rest of `AgentProtocol` has a default.

    Two attributes are there from `reset` on: `setting` (slate length, items, texts, the warm-up's log, a seed for
    keyed chance), and `memory`, an empty dictionary for what you learn of each user, by pseudonym.

    Two rules keep a run independent of the batches in which it is played. `learn` changes what is known of single users
    only (`memory`); what users share (popularity, trained weights) changes in `tick` and `finish`. Chance is keyed by
    `setting.seed` and by user and visit; nothing comes from a global generator. `driftline check module:Class` tells
    whether they are kept.

    Example: whoever took something from a category sees it first.

        class Faithful(driftline.Agent):
            def act(self, observation):
                category = self.category_of(self.offered(observation))
                last = np.array([self.memory.get(user, -2) for user in observation.user])
                return self.highest(observation, category == last.reshape(-1, 1))

            def learn(self, feedback):
                for user, slate, choice in zip(feedback.user, feedback.items, feedback.choice):
                    if choice < len(slate):
                        self.memory[user] = self.category_of(slate[choice])
    """

    setting: Setting
    """What this run is about; from `reset` on."""
    memory: dict[Any, Any]
    """What was learned of each user, by pseudonym; emptied by `reset`."""

    # -- yours to write ----------------------------------------------------------------------------------------

    @abstractmethod
    def act(self, observation: Observation) -> Slates:
        """One slate per observed user; `self.highest(observation, scores)` makes them of scores."""

    def learn(self, feedback: Feedback) -> None:  # noqa: B027  not every agent learns
        """Nothing, unless you write it. The first call brings the warm-up's whole log, sorted by time."""

    def scores(self, users: Int64s, items: Int32s) -> Floats:
        """How much each user would like each item now [n, m]: zeros (no opinion) unless you write it.

        items: `[m]`, the same for all, or `[n, m]`. Any increasing scale, finite; asking must change nothing.
        """
        return np.zeros((len(users), np.shape(items)[-1]))

    # -- of use to `act` and `learn` -----------------------------------------------------------------------------

    def offered(self, observation: Observation) -> Int32s:
        """Ids of the items that each user may be shown [n, C], whether candidates are shared or private."""
        candidates = observation.candidates
        return np.broadcast_to(candidates, (len(observation), candidates.shape[-1]))

    def highest(self, observation: Observation, scores: Any) -> Slates:
        """Slates of the items with the highest scores, the best first; equal ones by a keyed draw per item.

        scores: numbers for the candidates `[n, C]`, or `[C]` where they are alike for all users.

        Raises:
            ValueError: a score is NaN, or the shape does not fit.
        """
        return highest(observation, np.asarray(scores, np.float64), self.setting.slate, self.setting.seed)

    def category_of(self, items: Any) -> Int32s:
        """Editorial category of items, shaped alike; -1 for those without one (all that arrive after the start)."""
        known, wanted = self.setting.items, np.asarray(items)
        order = np.argsort(known.item)
        at = order[np.minimum(np.searchsorted(known.item, wanted, sorter=order), len(order) - 1)]
        return np.where(known.item[at] == wanted, known.category[at], np.int32(NONE))[()]

    # -- the rest of the protocol --------------------------------------------------------------------------------

    def reset(self, setting: Setting) -> None:
        """Keep the setting, empty the memory, learn from the warm-up's log.

        An agent with other state makes it anew first: `self.clicks = np.zeros(...)`, then `super().reset(setting)`.
        """
        self.setting = setting
        self.memory = {}
        self.learn(setting.feedback)

    def tick(self, now: float) -> Sequence[Job]:
        """No jobs. Write it to change what users share, at a boundary between ticks."""
        return ()

    def finish(self, job: str) -> None:  # noqa: B027  not every agent has jobs
        """Nothing; only an agent that starts jobs in `tick` needs it."""

    def score(self, users: Int64s, items: Int32s) -> Floats:
        """`scores` of the same items for all, float64 `[n, m]`: what tracking is judged by."""
        return np.asarray(self.scores(users, items), dtype=np.float64)

    def snapshot(self) -> object:
        """A deep copy of all attributes; the setting, and what `shared_parts` names, are not copied."""
        return copy.deepcopy(vars(self), self._uncopied())

    def restore(self, state: object) -> None:
        """Go back to a snapshot, as often as wanted."""
        assert isinstance(state, dict)
        vars(self).clear()
        vars(self).update(state)
        vars(self).update(copy.deepcopy(state, self._uncopied()))

    def shared_parts(self) -> Iterable[object]:
        """Parts that never change once made (an encoder, say): snapshots share them."""
        return ()

    def _uncopied(self) -> dict[int, Any]:
        setting = getattr(self, "setting", None)
        parts = (setting, getattr(setting, "segments", None), *self.shared_parts())
        return {id(part): part for part in parts}
