"""Two agents side by side in one world: who sees which visits, who serves them, who learns from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from driftline.evaluation.interleaving import Interleaved, team_draft
from driftline.scenarios.agent_calls import AgentError, Caller
from driftline.scenarios.experiment.training import Exposure, Training, lesson
from driftline.scenarios.trainer import Trainer
from driftline.sim.response import SlateError
from driftline.sim.types import Behaviors, Bools, Feedback, Floats, Int32s, Int64s, Items, Observation, Setting, Slates

T = TypeVar("T")


@dataclass
class Arm:
    """One agent, its trainer, and what it has yet to be told."""

    caller: Caller
    needed: bool
    """Whether it takes part in this run: serves somebody, or is asked in silence."""
    trainer: Trainer = field(default_factory=Trainer)
    arrived: list[Items] = field(default_factory=list)
    met: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))
    """Which of the latest visits it was asked about."""


class Arms:
    """The agents A and B of an experiment: one of each, or several copies of each, A's first.

    Under pooled and weighted training each agent also meets the other arm's users, in silence: what it would have
    shown is thrown away. Under diverted training and from a snapshot it meets only those that it serves. A snapshot's
    shared state is frozen: its ticks and jobs are left out.
    """

    def __init__(
        self, callers: Sequence[Caller], needed: tuple[bool, bool], training: Training, setting: Setting
    ) -> None:
        self._copies = len(callers) // 2
        self._arms = tuple(Arm(caller, needed[number // self._copies]) for number, caller in enumerate(callers))
        self._training = training
        self._silent = training in ("pooled", "weighted")
        self._together = False
        self._slate = setting.slate
        self._seed = setting.seed
        self._exposure = Exposure()
        for arm in self._arms:
            if arm.needed:
                arm.caller.reset(setting)

    def tick(self, now: float) -> None:
        """A tick boundary."""
        self._exposure.settle()
        for arm in self._arms:
            if arm.needed and self._training != "snapshot":
                for job in arm.trainer.over(now):
                    arm.caller.finish(job)
                arm.trainer.take(arm.caller.tick(now), now)

    def act(self, observation: Observation, cell: Int64s) -> Slates:
        """Each visit's slate by the agent that serves it; cell: its number [n] (`Design.cell`)."""
        self._together = False
        parts: list[tuple[Bools, Bools, Slates]] = []
        for number, arm in enumerate(self._arms):
            own = cell == number
            arm.met = np.full(len(observation), arm.needed) & (own | self._silent)
            arm.arrived.append(observation.arrived)
            if arm.met.any():
                parts.append((arm.met, own[arm.met], self._ask(arm, observation)))
        return merged(len(observation), self._slate, parts)

    def interleave(self, observation: Observation, users: Int64s, seed: int) -> Interleaved:
        """Team-draft slates of both agents' slates, each visit's coins keyed by (user, visit)."""
        shown = []
        self._together = True
        for arm in self._arms:
            arm.met = np.ones(len(observation), np.bool_)
            arm.arrived.append(observation.arrived)
            shown.append(self._ask(arm, observation).items)
        return team_draft(*shown, seed=seed, user=users, visit=observation.visit)

    def shadow(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) of B for the slates that A showed in this round [n, L]."""
        b = self._arms[1]
        if not b.met.all():
            b.arrived = b.arrived or [observation.arrived]
            self._ask(b, observation, everybody=True)
        return b.caller.log_propensity(observation, items)

    def _ask(self, arm: Arm, observation: Observation, everybody: bool = False) -> Slates:
        rows = np.ones(len(observation), np.bool_) if everybody else arm.met
        part = part_of(observation, rows, joined(arm.arrived))
        arm.arrived = []
        return arm.caller.act(part, self._slate)

    def guarded(self, observation: Observation, cell: Int64s, respond: Callable[[], T]) -> T:
        """Let the world respond; a slate that it refuses is the fault of the agent that served the visit."""
        try:
            return respond()
        except SlateError as problem:
            row = int(np.flatnonzero(observation.user == problem.user)[0])
            raise AgentError(f"agent {self._arms[int(cell[row])].caller.name!r}: {problem}") from problem

    def learn(self, feedback: Feedback, observation: Observation, cell: Int64s) -> None:
        """What happened, to each agent what its training lets it know."""
        for number, arm in enumerate(self._arms):
            if arm.needed and arm.met.any():
                own = np.ones(len(observation), np.bool_) if self._together else cell == number
                part = lesson(self._training, feedback, own, self._exposure, number // self._copies, self._seed)
                arm.caller.learn(part, observation)
        self._exposure.note(feedback, cell >= self._copies)


def part_of(observation: Observation, rows: Bools, arrived: Items) -> Observation:
    """Some visits of an observation, with these new items."""
    if rows.all():
        return replace(observation, arrived=arrived)
    behaviors = observation.behaviors
    keep = np.isin(behaviors.user, observation.user[rows])
    candidates = observation.candidates
    return Observation(
        user=observation.user[rows],
        visit=observation.visit[rows],
        time=observation.time[rows],
        behaviors=Behaviors(
            behaviors.user[keep],
            behaviors.time[keep],
            behaviors.kind[keep],
            behaviors.item[keep],
            behaviors.about[keep],
            behaviors.expressed[keep],
        ),
        candidates=candidates if candidates.ndim == 1 else candidates[rows],
        arrived=arrived,
        tick=observation.tick,
    )


def joined(parts: list[Items]) -> Items:
    """Announcements of several rounds as one."""
    if len(parts) == 1:
        return parts[0]
    return Items(*(np.concatenate([getattr(part, name) for part in parts]) for name in Items.__dataclass_fields__))


def merged(n: int, length: int, parts: list[tuple[Bools, Bools, Slates]]) -> Slates:
    """Each visit's slate from the agent that serves it; parts: (met [n], serves [met], slates [met])."""
    items, log_p, cascade = np.empty((n, length), np.int32), np.zeros(n), np.zeros((n, length))
    for met, serves, slates in parts:
        rows = np.flatnonzero(met)[serves]
        items[rows] = slates.items[serves]
        log_p[rows] = slates.log_p[serves]
        cascade[rows] = slates.log_p_cascade[serves]
    return Slates(items, log_p, cascade)
