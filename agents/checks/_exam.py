"""What an agent is examined with, and how its answers are looked at and compared."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from driftline.agents.checks._hands import Hands, copied
from driftline.agents.checks._script import Rounds, Stage, Watch, whole
from driftline.agents.checks._slates import SLACK, slate_fault
from driftline.agents.policy import HasPropensity
from driftline.agents.protocol import AgentProtocol
from driftline.sim.conformance import Broken
from driftline.sim.types import Floats, Int32s, Int64s, Observation, Setting, Slates

MOST_ITEMS = 50
"""Items that the checks ask scores for."""


@dataclass(frozen=True, slots=True)
class Exam:
    """What an agent is examined with."""

    make_agent: Callable[[], AgentProtocol]
    setting: Setting
    rounds: Rounds

    def fresh(self, hands: type[Hands] | None = None) -> Stage:
        """A new agent, reset, with a setting of its own; `hands`: what stands between the script and the agent."""
        agent = self.make_agent()
        between: AgentProtocol = hands(agent) if hands else agent
        setting = copied(self.setting)
        between.reset(setting)
        return Stage(between, setting)


def judge(exam: Exam) -> Watch:
    """Looks at every answer of `act`."""

    def look(observation: Observation, slates: Slates | None) -> None:
        if slates is not None and (fault := slate_fault(observation, slates, exam.setting.slate)):
            raise Broken(fault)

    return look


def judge_all(exam: Exam, rounds: Rounds) -> None:
    """Every answer of `act` over these rounds is fine."""
    exam.fresh().play(rounds, watch=judge(exam))


def scores_of(agent: AgentProtocol, users: Int64s, items: Int32s) -> Floats:
    """What `score` answers: finite, [users, items]."""
    scores = np.asarray(agent.score(users.copy(), items.copy()), dtype=np.float64)
    if scores.shape != (users.size, items.size):
        raise Broken(f"score returned shape {list(scores.shape)}; must be {[users.size, items.size]}")
    if not np.isfinite(scores).all():
        raise Broken(f"score of user {users[~np.isfinite(scores).all(axis=1)][0]} is not finite")
    return scores.copy()


def log_propensity_of(agent: HasPropensity, observation: Observation, items: Int32s) -> Floats:
    """What `log_propensity` answers: <= 0, shaped like `items`."""
    found = np.asarray(agent.log_propensity(observation, items.copy()), dtype=np.float64)
    if found.shape != items.shape:
        raise Broken(f"log_propensity returned shape {list(found.shape)}; must be {list(items.shape)}")
    if not (found <= SLACK).all():
        raise Broken(f"log_propensity returned {found[~(found <= SLACK)][0]:g}; must be <= 0, -inf for never")
    return found


def compare(one: list[Slates], two: list[Slates], exam: Exam, what: str, first: int = 0) -> None:
    """Slates of the same rounds agree in every bit; `first`: number of the first of these rounds."""
    for k, (a, b) in enumerate(zip(one, two, strict=True)):
        observation = exam.rounds[first + k][0]
        differs = (a.items != b.items).any(axis=1) | (a.log_p != b.log_p)
        differs |= (a.log_p_cascade != b.log_p_cascade).any(axis=1)
        if differs.any():
            row = int(np.flatnonzero(differs)[0])
            where = f"user {observation.user[row]}, visit {observation.visit[row]}"
            raise Broken(f"slates differ between {what}, first at {where} (day {observation.time[row]:.2f})")


def halves_swapped(visits: int) -> list[Int64s]:
    """The later half of a round's visits, then the earlier one."""
    half = visits // 2
    return [part for part in (np.arange(half, visits), np.arange(half)) if part.size]


def singles(visits: int) -> list[Int64s]:
    """One visit at a time."""
    return [np.array([row]) for row in range(visits)] or whole(0)


def users_of(rounds: Rounds) -> Int64s:
    """Everybody who comes, ascending."""
    return np.unique(np.concatenate([observation.user for observation, _ in rounds]))


def some_items(setting: Setting) -> Int32s:
    """Items that an agent must be able to score."""
    return setting.items.item[:MOST_ITEMS]
