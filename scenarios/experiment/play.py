"""One run of an experiment: both agents in one world, from the end of the warm-up to the horizon."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from driftline.evaluation.interleaving import team_draft_outcome
from driftline.scenarios.agent_calls import Caller
from driftline.scenarios.compose import build_agent
from driftline.scenarios.experiment.arms import Arms
from driftline.scenarios.experiment.design import Design
from driftline.scenarios.experiment.training import Training
from driftline.scenarios.schema import Scenario
from driftline.sim.types import Bools, Floats, Int64s, Observation, Slates
from driftline.sim.warmup import Start
from driftline.sim.world import World

Progress = Callable[[float], None]
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "user": pl.Int64, "visit": pl.Int32, "day": pl.Float64, "unit": pl.Int64, "cell": pl.Int64,
    "meant": pl.Boolean, "shown": pl.Boolean, "analysed": pl.Boolean,
    "reward": pl.Float32, "click": pl.Float32, "dwell": pl.Float32,
    "credit_a": pl.Float32, "credit_b": pl.Float32, "place": pl.Int8,
    "log_p": pl.Array(pl.Float64, 1), "target_log_p": pl.Array(pl.Float64, 1),
}  # fmt: skip
"""What is kept of every visit. `day` counts from the warm-up's end. `cell`: the agent that it is meant for. Credits: of
an interleaved slate. `place`: what was taken, L for nothing. `log_p`, `target_log_p`: log P(item k | items above it) of
A and of B, where A serves everybody and both state propensities, as wide as a slate."""
Columns = dict[str, NDArray[Any]]
METRICS = ("reward", "click", "dwell")


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
    return _visits(rounds, plan, world) if rounds else pl.DataFrame(schema=SCHEMA)


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
        columns |= {"log_p": slates.log_p_cascade, "target_log_p": target}
    if mixed is not None:
        found = team_draft_outcome(mixed, feedback.choice[:, None] == np.arange(slates.items.shape[1]))
        columns |= {"credit_a": found.credit_a, "credit_b": found.credit_b}
    return columns


def _visits(rounds: list[Columns], plan: Plan, world: World) -> pl.DataFrame:
    """All rounds as one frame, with what the design says of every visit."""
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
        wide = pl.Array(pl.Float64, length) if name in ("log_p", "target_log_p") else dtype
        if name in whole:
            columns.append(pl.Series(name, np.ascontiguousarray(whole[name])).cast(wide))
        else:
            columns.append(pl.Series(name, [None] * len(users), dtype=wide))
    return pl.DataFrame(columns).sort("day", "user", "visit")
