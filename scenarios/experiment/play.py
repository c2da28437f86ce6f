"""One run of an experiment: two agents side by side in one world, from the end of the warm-up to the horizon."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from driftline.evaluation.interleaving import Interleaved, team_draft, team_draft_outcome
from driftline.scenarios.agent_calls import Caller
from driftline.scenarios.compose import build_agent
from driftline.scenarios.experiment.design import Design, Exposure, Training, lesson
from driftline.scenarios.experiment.units import BEFORE, known_before
from driftline.scenarios.runner import Trainer
from driftline.scenarios.schema import Scenario
from driftline.sim.errors import AgentError, SlateError
from driftline.sim.types import Behaviors, Bools, Feedback, Floats, Int32s, Int64s, Items, Observation, Setting, Slates
from driftline.sim.warmup import Start
from driftline.sim.world import World

T = TypeVar("T")
Progress = Callable[[float], None]
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "user": pl.Int64, "visit": pl.Int32, "day": pl.Float64, "unit": pl.Int64, "cell": pl.Int64,
    "meant": pl.Boolean, "shown": pl.Boolean, "analysed": pl.Boolean,
    "reward": pl.Float32, "click": pl.Float32, "dwell": pl.Float32,
    "credit_a": pl.Float32, "credit_b": pl.Float32, "place": pl.Int8,
    "log_p_cascade": pl.Array(pl.Float64, 1), "target_log_p_cascade": pl.Array(pl.Float64, 1), **BEFORE,
}  # fmt: skip
"""What is kept of every visit. `day` counts from the warm-up's end. `cell`: the agent that it is meant for. Credits: of
an interleaved slate. `place`: what was taken, L for nothing. `log_p_cascade`, `target_log_p_cascade`: log P(item k |
items above it) of A and of B [L], as in `Slates` and in a run's log, where A serves everybody and both state them.
What is known of the user from before: `units.BEFORE`."""
Columns = dict[str, NDArray[Any]]
METRICS = ("reward", "click", "dwell")


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


@dataclass(frozen=True, slots=True)
class Plan:
    """Which arm every visit of a run gets.

    kind: `mixed` follows the design, moved on by `turn`; `all_a` and `all_b` show everybody one arm.
    """

    kind: str
    design: Design
    training: Training
    turn: int = 0
    logged: bool = True
    """Whether a run of A alone keeps the propensities of both agents, where they state them."""

    @property
    def interleaves(self) -> bool:
        """Whether every slate holds both arms' items."""
        return self.kind == "mixed" and self.design.kind == "interleave"

    @property
    def copies(self) -> int:
        """Agents an arm. An arm that serves everybody has one."""
        return self.design.copies if self.kind == "mixed" else 1

    def cell(self, users: Int64s, days: Floats, in_b: Bools, seed: int) -> Int64s:
        """Which of the agents serves each visit, shown this arm [n]."""
        return self.design.cell(users, days, in_b, seed) if self.kind == "mixed" else in_b.astype(np.int64)

    def shown(self, users: Int64s, days: Floats, seed: int) -> Bools:
        """Whether each visit is shown arm B [n]."""
        if self.kind == "mixed":
            return self.design.shown(users, days, seed, self.turn)
        return np.full(users.size, self.kind == "all_b")


def play(scenario: Scenario, start: Start, pair: tuple[str, str], plan: Plan, progress: Progress) -> pl.DataFrame:
    """Every judged visit of one run (`SCHEMA`), by (day, user, visit).

    pair: agent ids of arms A and B. The world is forked from `start`, so that runs of one seed are twins.
    """
    world = start.world.fork()
    callers = [Caller(build_agent(scenario, agent, world), agent) for agent in pair for _ in range(plan.copies)]
    shadowed = plan.kind == "all_a" and plan.logged and all(caller.states_propensities for caller in callers)
    arms = Arms(callers, (plan.kind != "all_b", plan.kind != "all_a" or shadowed), plan.training, start.setting)
    rounds: list[Columns] = []
    boundary = round(world.params.warmup / world.params.tick)
    while (observation := world.observe(scenario.run.batch)) is not None:
        while boundary <= observation.tick:
            now = boundary * world.params.tick
            arms.tick(now)
            progress((now - world.params.warmup) / (world.params.horizon - world.params.warmup))
            boundary += 1
        rounds.append(_round(world, arms, plan, observation, shadowed))
    before = known_before(start, scenario.population.users)
    return _visits(rounds, plan, world, before) if rounds else pl.DataFrame(schema=SCHEMA)


def _round(world: World, arms: Arms, plan: Plan, observation: Observation, shadowed: bool) -> Columns:
    """One round of slates and responses, as columns."""
    users, days = world.round.users, observation.time - world.params.warmup
    in_b = plan.shown(users, days, world.seed)
    cell = plan.cell(users, days, in_b, world.seed)
    mixed = None
    if plan.interleaves:
        mixed = arms.interleave(observation, users, world.seed)
        slates = Slates.certain(mixed.items.astype(np.int32))
    else:
        slates = arms.act(observation, cell)
    target = arms.shadow(observation, slates.items) if shadowed else None
    feedback, truth = arms.guarded(observation, cell, lambda: world.respond_in_full(slates, probabilities=False))
    arms.learn(feedback, observation, cell)
    columns: Columns = {
        "user": users, "visit": feedback.visit, "day": days, "shown": in_b, "reward": truth.reward,
        "place": feedback.choice, "dwell": feedback.dwell,
    }  # fmt: skip
    if target is not None:
        columns |= {"log_p_cascade": slates.log_p_cascade, "target_log_p_cascade": target}
    if mixed is not None:
        found = team_draft_outcome(mixed, feedback.choice[:, None] == np.arange(slates.items.shape[1]))
        columns |= {"credit_a": found.credit_a, "credit_b": found.credit_b}
    return columns


def _visits(rounds: list[Columns], plan: Plan, world: World, before: pl.DataFrame) -> pl.DataFrame:
    """All rounds as one frame, with what the design says of every visit, and what was known of its user."""
    whole = {name: np.concatenate([part[name] for part in rounds]) for name in rounds[0]}
    design, users, days = plan.design, whole["user"], whole["day"]
    meant = design.meant(users, days, world.seed, plan.turn)
    whole |= {
        "unit": design.unit(users, days, world.seed),
        "cell": design.cell(users, days, meant, world.seed),
        "meant": meant,
        "analysed": design.analysed(days),
        "click": whole["place"] < world.params.slate,
    }
    length = world.params.slate
    columns = []
    for name, dtype in SCHEMA.items():
        if name in BEFORE:
            continue
        wide = pl.Array(pl.Float64, length) if name.endswith("log_p_cascade") else dtype
        if name in whole:
            columns.append(pl.Series(name, np.ascontiguousarray(whole[name])).cast(wide))
        else:
            columns.append(pl.Series(name, [None] * len(users), dtype=wide))
    return pl.DataFrame(columns).join(before, on="user", how="left").sort("day", "user", "visit")


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
