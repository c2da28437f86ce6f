"""An agent that learns in every way an agent may, and the shop that it learns in."""

from collections.abc import Sequence

import numpy as np

from driftline.agents.agent import Agent
from driftline.agents.checks._shop import ITEMS, NEW, SLATE, small_shop
from driftline.agents.protocol import Job
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates

SETTING, ROUNDS = small_shop()
TABLE = ITEMS + NEW + 1


class Learner(Agent):
    """Popular items, those that the user took first; a job adds a little to everybody's counts."""

    def reset(self, setting: Setting) -> None:
        self.counts, self.pending, self.extra = np.zeros(TABLE), np.zeros(TABLE), 0.0
        super().reset(setting)

    def act(self, observation: Observation) -> Slates:
        return self.highest(observation, self.scores(observation.user, self.offered(observation)))

    def learn(self, feedback: Feedback) -> None:
        for user, shown, choice in zip(feedback.user, feedback.items, feedback.choice, strict=True):
            if choice < SLATE:
                self.memory.setdefault(user, np.zeros(TABLE))[shown[choice]] += 1.5
                self.pending[shown[choice]] += 1

    def tick(self, now: float) -> Sequence[Job]:
        self.counts += self.pending
        self.pending[:] = 0.0
        return (Job("more", 0.8),) if now == SETTING.start + 1 else ()

    def finish(self, job: str) -> None:
        self.extra += 1.0

    def scores(self, users: Int64s, items: Int32s) -> Floats:
        worth = np.zeros((len(users), np.shape(items)[-1]))
        for row, user in enumerate(users):
            mine = items if items.ndim == 1 else items[row]
            worth[row] = self.extra + (self.counts + self.memory.get(user, 0.0))[mine]
        return worth
