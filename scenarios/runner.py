"""One run: one agent in one world of one seed, from the warm-up to the logs."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from driftline.agents.protocol import Job
from driftline.evaluation.run.folder import slug
from driftline.scenarios.agent_calls import Caller
from driftline.scenarios.compose import build_agent
from driftline.scenarios.oracle_agent import best_in_space
from driftline.scenarios.run_folder import truth_of
from driftline.scenarios.schema import Scenario
from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.keyed import Stream
from driftline.sim.log import OperatorLog, TruthLog, put_parquet
from driftline.sim.types import Bools, Floats, Int32s, Observation
from driftline.sim.warmup import warm_up
from driftline.sim.world import World

Progress = Callable[[float], None]


@dataclass
class Records:
    """What a run leaves behind."""

    operator: OperatorLog = field(default_factory=OperatorLog)
    truth: TruthLog = field(default_factory=TruthLog)
    scores: list[pl.DataFrame] = field(default_factory=list)
    act_seconds: list[float] = field(default_factory=list)
    act_visits: list[int] = field(default_factory=list)


def run_one(scenario: Scenario, agent_id: str, seed: int, out: Path, progress: Progress) -> None:
    """Run one agent on one seed and write its logs under `out`; `timing.json` is written last.

    Raises:
        InputError: bad numbers, an unusable folder, an agent that cannot be built; before any work starts.
        AgentError: the agent raised or answered with something unusable; names agent, user and visit.
    """
    began, cpu = time.perf_counter(), time.process_time()
    world = World(scenario, seed)
    agent = build_agent(scenario, agent_id, world)
    start = warm_up(world)
    caller = Caller(agent, agent_id)
    caller.reset(start.setting)
    records = Records()
    _play(scenario, world, caller, records, progress)
    if not records.act_visits:
        raise InputError(
            f"no user came between day {world.params.warmup:g} and day {world.params.horizon:g}; raise "
            "population.users, population.sessions_per_day or horizon"
        )
    name = slug(agent_id)
    write_world_tables(world, out, seed)
    log, truth = out / "log" / name / str(seed), truth_of(out) / name / str(seed)
    records.operator.write(log)
    records.truth.write(truth)
    if records.scores:
        put_parquet(pl.concat(records.scores).sort("time", "user", "visit"), log / "scores.parquet")
    _write_timing(log / "timing.json", records, time.perf_counter() - began, time.process_time() - cpu)


def _play(scenario: Scenario, world: World, caller: Caller, records: Records, progress: Progress) -> None:
    """The loop: observe, act, respond, learn; shared state moves at tick boundaries."""
    params, trainer = world.params, Trainer()
    boundary = round(params.warmup / params.tick)
    tracked = _tracked(scenario, world)
    while (observation := world.observe(scenario.run.batch)) is not None:
        while boundary <= observation.tick:
            now = boundary * params.tick
            for job in trainer.over(now):
                caller.finish(job)
            trainer.take(caller.tick(now), now)
            progress((now - params.warmup) / (params.horizon - params.warmup))
            boundary += 1
        _visit(scenario, world, caller, records, observation, tracked)


def _visit(
    scenario: Scenario,
    world: World,
    caller: Caller,
    records: Records,
    observation: Observation,
    tracked: Bools,
) -> None:
    now = world.round
    followed = tracked[now.users]
    began = time.perf_counter()
    slates = caller.act(observation, world.params.slate)
    records.act_seconds.append(time.perf_counter() - began)
    records.act_visits.append(len(observation))
    if followed.any():
        # After `act`, before the response: the belief with which the agent acted.
        _record_scores(records, caller, observation, followed, world)
    told = scenario.run.truth != "off"
    keep = np.ones(len(observation), np.bool_) if scenario.run.truth == "all" else followed
    before = records.truth.before(world, keep) if told else {}
    worth = _worth(world, caller, slates.items, followed) if told else None
    feedback, truth = caller.guard_slates(observation, lambda: world.respond_in_full(slates))
    caller.learn(feedback, observation)
    records.operator.add(observation.behaviors, slates, feedback)
    if worth is not None:
        records.truth.add(before, truth, keep)
        records.truth.add_values(world, now, *worth)


def _worth(world: World, caller: Caller, slates: Int32s, followed: Bools) -> tuple[Floats, Floats, Floats]:
    """What the shown slates [n, L] are worth, the best ones, and the best in the agent's space; before the response."""
    now, values = world.round, world.model.values
    shown = values.shown(now.users, world.theta, slates)
    best = values.best(now.users, world.theta, now.candidates)
    return shown, best, best_in_space(caller.item_space, world, followed)


def _tracked(scenario: Scenario, world: World) -> Bools:
    """A keyed sample of users whose beliefs are judged [N]."""
    users = world.params.population.users
    chosen = keyed.order(world.seed, Stream.SAMPLE, users)[: scenario.judge.tracked_users]
    marks = np.zeros(users, np.bool_)
    marks[chosen] = True
    return marks


def _record_scores(records: Records, caller: Caller, observation: Observation, followed: Bools, world: World) -> None:
    scores = caller.score(observation.user[followed], world.catalogue.probes)
    records.scores.append(
        pl.DataFrame(
            {
                "user": observation.user[followed],
                "visit": observation.visit[followed],
                "time": observation.time[followed],
                "scores": scores.astype(np.float32),
            }
        )
    )


def _write_timing(path: Path, records: Records, wall: float, cpu: float) -> None:
    visits = np.array(records.act_visits, dtype=np.float64)
    each = np.array(records.act_seconds) / np.maximum(visits, 1.0)
    figures = {
        "act_p50": float(np.percentile(each, 50)) if each.size else 0.0,
        "act_p99": float(np.percentile(each, 99)) if each.size else 0.0,
        "peak_memory": peak_memory(),
        "wall": wall,
        "cpu": cpu,
        "visits": int(visits.sum()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(figures, indent=2))
    partial.replace(path)


def peak_memory() -> int:
    """Bytes; 0 where the platform does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Trainer:
    """A queue of capacity one; a job that waits ends later, so staleness is visible."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, str]] = []

    def take(self, jobs: Sequence[Job], now: float) -> None:
        """Start jobs at day `now`, each when the trainer is free."""
        for job in jobs:
            free = max(now, self._queue[-1][0]) if self._queue else now
            self._queue.append((free + job.days, job.name))

    def over(self, now: float) -> list[str]:
        """Names of the jobs that have ended by day `now`, in order; each is told once."""
        ended = [name for end, name in self._queue if end <= now + 1e-9]
        self._queue = [entry for entry in self._queue if entry[0] > now + 1e-9]
        return ended


def write_world_tables(world: World, out: Path, seed: int) -> None:
    """Write them once per seed; they are the same for every agent, so a second write changes nothing."""
    base, shelf = world.model, world.catalogue
    ids = np.arange(shelf.items, dtype=np.int32)
    known = base.items(ids)
    users = np.arange(world.params.population.users)
    log, truth = out / "log", truth_of(out)
    _write(base.corpus.segments.frame(), log / f"segments-{seed}.parquet")
    _write(
        pl.DataFrame(
            {
                "item": ids,
                "text": known.text,
                "domain": known.domain,
                "price": known.price,
                "born": known.born,
                "category": known.category,
            }
        ),
        log / f"items-{seed}.parquet",
    )
    _write(
        pl.DataFrame(
            {
                "item": ids,
                "mixture": shelf.mixture,
                "quality": shelf.quality,
                "appeal": shelf.appeal,
                "born": shelf.born,
                "retired": shelf.retired,
            }
        ),
        truth / f"items-{seed}.parquet",
    )
    _write(pl.DataFrame({"item": shelf.probes}), truth / f"probes-{seed}.parquet")
    _write(
        pl.DataFrame({"user": world.pseudonyms(users), "group": world.groups(users)}),
        truth / f"users-{seed}.parquet",
    )
    past = base.past
    if len(past):
        _write(
            pl.DataFrame({"user": past.user, "item": past.item, "time": past.time, "rating": past.rating}),
            log / f"past-{seed}.parquet",
        )


def _write(frame: pl.DataFrame, path: Path) -> None:
    if path.exists():
        return
    put_parquet(frame, path)
