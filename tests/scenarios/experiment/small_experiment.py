"""A world small enough to be run a dozen times, and agents that write down what they are told."""

from functools import lru_cache
from typing import Any, ClassVar

from driftline.agents.baselines.popularity import Popularity
from driftline.agents.protocol import Job
from driftline.scenarios.agent_names import checked_agents, with_agents
from driftline.scenarios.schema import Scenario, load
from driftline.sim.types import Feedback, Observation, Setting, Slates
from driftline.sim.warmup import Start, warm_up
from driftline.sim.world import World

SMALL: dict[str, Any] = {
    "population.users": 120, "catalogue.items": 80, "catalogue.probes": 16, "candidates.private": 20, "slate": 3,
    "warmup": 6, "horizon": 20, "tick": 0.5, "run.encoder": "hashing", "choice.outside": 1.0,
}  # fmt: skip
A, B = "popularity[temperature=1.0]", "recency_popularity[temperature=0.5]"


def scenario(*agents: str, **changes: Any) -> Scenario:
    whole = load("abrupt_shift", {**SMALL, **changes})
    return with_agents(whole, checked_agents(whole, dict.fromkeys(agents)))


@lru_cache
def started(seed: int = 1) -> Start:
    return warm_up(World(load("abrupt_shift", SMALL), seed))


class Diary(Popularity):
    """Popularity that writes down whom it met, what it was told, and when it was ticked."""

    met: ClassVar[list[int]] = []
    told: ClassVar[list[tuple[int, int]]] = []
    ticks: ClassVar[list[float]] = []
    arrived: ClassVar[list[int]] = []

    @classmethod
    def clear(cls) -> None:
        for page in (cls.met, cls.told, cls.ticks, cls.arrived):
            page.clear()

    def reset(self, setting: Setting) -> None:
        super().reset(setting)
        self.clear()  # it has learned from the warm-up, which is no part of the experiment

    def act(self, observation: Observation) -> Slates:
        self.met.extend(observation.user.tolist())
        self.arrived.extend(observation.arrived.item.tolist())
        return super().act(observation)

    def learn(self, feedback: Feedback) -> None:
        self.told.extend(zip(feedback.user.tolist(), feedback.visit.tolist(), strict=True))
        super().learn(feedback)

    def tick(self, now: float) -> tuple[Job, ...]:
        self.ticks.append(now)
        super().tick(now)
        return ()


class Mute(Popularity):
    """Popularity that does not say how likely any slate was."""

    states_propensities = False


class Ledger(Popularity):
    """Popularity, each copy of which keeps a list of its own of whom it met and of what it was told."""

    books: ClassVar[list[tuple[set[int], set[int]]]] = []

    def reset(self, setting: Setting) -> None:
        self.met, self.told = set[int](), set[int]()
        super().reset(setting)
        self.met, self.told = set[int](), set[int]()  # it has learned from the warm-up
        self.books.append((self.met, self.told))

    def act(self, observation: Observation) -> Slates:
        self.met.update(observation.user.tolist())
        return super().act(observation)

    def learn(self, feedback: Feedback) -> None:
        self.told.update(feedback.user.tolist())
        super().learn(feedback)


class Clumsy(Popularity):
    """Shows one item twice."""

    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        slates.items[:, 1] = slates.items[:, 0]
        return slates
