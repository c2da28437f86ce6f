"""A recorded run as a script: any agent can be led through it, and answers with slates of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from driftline.agents.checks._hands import copied
from driftline.agents.protocol import AgentProtocol, Job
from driftline.sim.types import BehaviorKind, Behaviors, Feedback, Int64s, Items, Observation, Setting, Slates

Rounds = Sequence[tuple[Observation, Feedback]]
"""What was observed and how users responded, round by round, as recorded under any agent."""
Cut = Callable[[int], list[Int64s]]
"""From the number of visits in a round to the batches (row numbers) in which they are played."""
Watch = Callable[[Observation, Slates | None], None]
"""Called right before each `act`, with None, and right after it, with the answer."""


def whole(visits: int) -> list[Int64s]:
    """All visits of a round at once."""
    return [np.arange(visits)]


def unwatched(observation: Observation, slates: Slates | None) -> None:
    """Nobody looks."""


@dataclass
class Stage:
    """An agent on its way through a script; call `agent.reset(setting)` first.

    Users take the recorded position of whatever slate the agent shows, so that every agent gets a log of its own
    that hangs together: later behaviours name the items that were taken here.
    """

    agent: AgentProtocol
    setting: Setting
    boundary: int = -1
    """Number of the next tick boundary; -1: that of the start."""
    jobs: list[tuple[float, str]] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)
    """Item of each user's latest consumption."""
    text: dict[int, int] = field(default_factory=dict)
    """Segment code by item."""

    def __post_init__(self) -> None:
        self.announce(self.setting.items)
        if self.boundary < 0:
            self.boundary = round(self.setting.start / self.setting.tick)

    def copy(self) -> "Stage":
        """The same point of the script, for the same agent."""
        return replace(self, jobs=list(self.jobs), taken=dict(self.taken), text=dict(self.text))

    def play(self, rounds: Rounds, cut: Cut = whole, watch: Watch = unwatched) -> list[Slates]:
        """Go through rounds; the agent's slates, one for each round, in the recorded order of visits.

        cut: the batches of each round.
        """
        return [self._round(observation, feedback, cut, watch) for observation, feedback in rounds]

    def _round(self, observation: Observation, feedback: Feedback, cut: Cut, watch: Watch) -> Slates:
        self.advance(observation.tick)
        self.announce(observation.arrived)
        shape = (len(observation), self.setting.slate)
        shown = Slates(np.full(shape, -1, np.int32), np.zeros(shape[0]), np.zeros(shape))
        for turn, rows in enumerate(cut(len(observation))):
            part = self.part(observation, rows, first=turn == 0)
            watch(part, None)
            slates = self.agent.act(part)
            watch(part, slates)
            self.agent.learn(self.respond(feedback, rows, slates))
            shown.items[rows], shown.log_p[rows] = slates.items, slates.log_p
            shown.log_p_cascade[rows] = slates.log_p_cascade
        return shown

    def advance(self, tick: int) -> None:
        """Pass all tick boundaries up to the beginning of this tick."""
        while self.boundary <= tick:
            now = self.boundary * self.setting.tick
            for end, name in list(self.jobs):
                if end <= now + 1e-9:
                    self.agent.finish(name)
            self.jobs = [job for job in self.jobs if job[0] > now + 1e-9]
            self.jobs += [(now + job.days, job.name) for job in self._started(now)]
            self.boundary += 1

    def _started(self, now: float) -> Sequence[Job]:
        jobs = self.agent.tick(now)
        for job in jobs:
            if not (isinstance(job, Job) and job.days >= 0.0):
                raise ValueError(f"tick at day {now:g} returned {job!r}; must be a Job with days >= 0")
        return jobs

    def announce(self, items: Items) -> None:
        """Learn the titles of items, which later behaviours quote."""
        self.text.update(zip(items.item.tolist(), items.text.tolist(), strict=True))

    def part(self, observation: Observation, rows: Int64s, *, first: bool = True) -> Observation:
        """Some visits of a round as an observation of its own; new items are announced to the first batch only."""
        arrived, pool = observation.arrived, observation.candidates
        none = {name: getattr(arrived, name)[:0] for name in Items.__dataclass_fields__}
        return replace(
            observation,
            user=observation.user[rows],
            visit=observation.visit[rows],
            time=observation.time[rows],
            candidates=pool.copy() if pool.ndim == 1 else pool[rows],
            behaviors=self._own(observation.behaviors, observation.user[rows]),
            arrived=copied(arrived) if first else Items(**none),
        )

    def _own(self, behaviors: Behaviors, users: Int64s) -> Behaviors:
        """The behaviours of these users, about the items that they took here."""
        mine = np.isin(behaviors.user, users)
        columns = {name: getattr(behaviors, name)[mine] for name in Behaviors.__dataclass_fields__}
        for row in np.flatnonzero(columns["kind"] == BehaviorKind.CONSUME):
            item = self.taken.get(int(columns["user"][row]))
            if item is not None:
                columns["item"][row], columns["about"][row] = item, self.text[item]
        return Behaviors(**columns)

    def respond(self, feedback: Feedback, rows: Int64s, slates: Slates) -> Feedback:
        """What these visits' users do with slates of the agent's own: they take the recorded position."""
        columns = {name: getattr(feedback, name)[rows] for name in Feedback.__dataclass_fields__}
        columns["items"] = slates.items.copy()
        for user, items, choice in zip(columns["user"], slates.items, columns["choice"], strict=True):
            if choice < len(items):
                self.taken[int(user)] = int(items[choice])
        return Feedback(**columns)


def repeated(setting: Setting, rounds: Rounds, times: int) -> tuple[Setting, Rounds]:
    """The same rounds over and over, each time later; new items arrive the first time only."""
    span = rounds[-1][0].tick + 1 - round(setting.start / setting.tick)
    visits = 1 + max(int(observation.visit.max(initial=0)) for observation, _ in rounds)
    played = list(rounds)
    for turn in range(1, times):
        days = turn * span * setting.tick
        for observation, feedback in rounds:
            visit, time = observation.visit + turn * visits, observation.time + days
            behaviors = replace(observation.behaviors, time=observation.behaviors.time + days)
            seen = replace(
                observation,
                visit=visit,
                time=time,
                behaviors=behaviors,
                arrived=Items(**{name: getattr(observation.arrived, name)[:0] for name in Items.__dataclass_fields__}),
                tick=observation.tick + turn * span,
            )
            played.append((seen, replace(feedback, visit=visit, time=time)))
    return replace(setting, horizon=setting.start + times * span * setting.tick), played
