"""Full agents without parameters, to be run by path; one of them draws from the global generators as it goes."""

import random
from collections.abc import Sequence

import numpy as np

from driftline.agents.composed.full import Full
from driftline.agents.composed.valuation import FullNumbers
from driftline.agents.evolution._base import Tracker
from driftline.agents.evolution.filter_bank import FilterBank
from driftline.agents.policy import PlackettLuce
from driftline.agents.predictor.encoders import Hashing
from driftline.agents.protocol import Job
from driftline.sim.types import Feedback, Observation, Slates


def track(n_users: int, dim: int, outside: float) -> Tracker:
    return FilterBank(n_users, dim, outside=outside)


class Calm(Full):
    """A full agent that explores, and trains twice in a short run."""

    def __init__(self) -> None:
        numbers = FullNumbers(refit_days=1.0, retrain_days=2.0, retrain_takes=0.5)
        super().__init__(Hashing(128), track, PlackettLuce(temperature=0.5), numbers)


class Restless(Full):
    """The same; how much it draws from the global generators depends on what they said."""

    def __init__(self) -> None:
        numbers = FullNumbers(refit_days=1.0, retrain_days=2.0, retrain_takes=0.5)
        super().__init__(Hashing(128), track, PlackettLuce(temperature=0.5), numbers)

    drawn = 0.0

    def act(self, observation: Observation) -> Slates:
        self._fidget()
        return super().act(observation)

    def learn(self, feedback: Feedback) -> None:
        self._fidget()
        super().learn(feedback)

    def tick(self, now: float) -> Sequence[Job]:
        self._fidget()
        return super().tick(now)

    def finish(self, job: str) -> None:
        self._fidget()
        super().finish(job)

    def _fidget(self) -> None:
        import torch

        for _ in range(1 + random.randrange(3)):
            self.drawn += np.random.random() + float(torch.rand(1)) + random.random()  # noqa: NPY002
