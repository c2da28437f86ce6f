"""Tuning: the same number of trials for every agent, on the same seeds of the same scenario."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from driftline.agents.composed.full import Full
from driftline.agents.composed.rival import Rival
from driftline.agents.tuning_range import Range
from driftline.evaluation.run.folder import slug
from driftline.evaluation.run.visits import regret
from driftline.scenarios import runner
from driftline.scenarios.agent_names import parse_id
from driftline.scenarios.built_in import BASELINES, TRACKERS
from driftline.scenarios.executors import Progress, Task, execute
from driftline.scenarios.schema import AgentSpec, Scenario
from driftline.sim.errors import InputError
from driftline.sim.keyed import Stream, derived_seed

Space = Mapping[str, Range]
Values = dict[str, float | int]
WIDENINGS = 2
"""How often a range is widened whose edge holds the best value."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of parameters of one agent, and what it cost."""

    agent: str
    number: int
    params: Values
    regret: tuple[float, ...] = ()
    """Mean regret of each seed."""

    @property
    def mean(self) -> float:
        """The objective: mean over seeds, smaller is better."""
        return float(np.mean(self.regret))


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best parameters of one agent, all its trials, and what a reader must know."""

    agent: str
    best: Trial
    trials: tuple[Trial, ...]
    warnings: tuple[str, ...]


def tune(
    scenario: Scenario,
    spaces: Mapping[str, Space],
    trials: int,
    seeds: Sequence[int],
    jobs: int,
    progress: Progress,
) -> list[Tuned]:
    """The best of `trials` parameter sets of each agent by mean regret over `seeds`.

    `scenario.agents` holds the agents, each composed in full. Where the best value of a parameter lies within
    2 % of an edge that is not natural, the range is widened there by half and a quarter as many trials
    follow in what was added, at most twice; then a warning remains.

    Raises:
        InputError: a trial failed.
    """
    wide = {agent: dict(space) for agent, space in spaces.items()}
    done: dict[str, list[Trial]] = {agent: [] for agent in spaces}
    queue = [trial for agent, space in wide.items() for trial in sobol_trials(agent, space, trials)]
    for widening in range(WIDENINGS + 1):
        for trial in _measured(scenario, queue, seeds, jobs, progress):
            done[trial.agent].append(trial)
        queue = []
        for agent, space in wide.items() if widening < WIDENINGS else ():
            edges = at_edge(_best(done[agent]), space)
            beyond = {name: more for name, edge in edges.items() if (more := space[name].added(edge))}
            if beyond:
                queue += sobol_trials(agent, {**space, **beyond}, max(trials // 4, 1), first=len(done[agent]))
            space.update({name: space[name].widened(edge) for name, edge in edges.items()})
    return [_verdict(agent, done[agent], wide[agent]) for agent in spaces]


def _best(trials: Sequence[Trial]) -> Trial:
    return min(trials, key=lambda trial: (trial.mean, trial.number))


def _verdict(agent: str, trials: Sequence[Trial], space: Space) -> Tuned:
    ordered = tuple(sorted(trials, key=lambda trial: trial.number))
    best = _best(ordered)
    warnings = tuple(
        f"agent {agent!r}: best {name} = {best.params[name]:.4g} lies at the {edge} edge of "
        f"[{space[name].low:.4g}, {space[name].high:.4g}]; widen its range"
        for name, edge in at_edge(best, space).items()
    )
    return Tuned(agent, best, ordered, warnings)


def _measured(
    scenario: Scenario, trials: Sequence[Trial], seeds: Sequence[int], jobs: int, progress: Progress
) -> Iterator[Trial]:
    """Run all trials on all seeds; each trial comes back when its last seed is done."""
    with TemporaryDirectory(prefix="driftline-tune-") as scratch:
        where = {Path(scratch) / f"{slug(trial.agent)}-{trial.number}": trial for trial in trials}
        tasks = [
            Task(_with_params(scenario, trial), trial.agent, seed, folder)
            for folder, trial in where.items()
            for seed in seeds
        ]
        found: dict[Path, dict[int, float]] = {folder: {} for folder in where}
        for finished in execute(tasks, runner.run_one, jobs, progress):
            task, trial = finished.task, where[finished.task.out]
            if finished.error:
                raise InputError(f"trial {trial.number} with {json.dumps(trial.params)}: {finished.error}")
            progress(task.agent, task.seed, 1.0)
            found[task.out][task.seed] = mean_regret(task.out, task.agent, task.seed)
            if len(found[task.out]) == len(seeds):
                yield replace(trial, regret=tuple(found[task.out][seed] for seed in seeds))


def mean_regret(folder: Path, agent: str, seed: int) -> float:
    """Mean over all visits after the warm-up."""
    import polars as pl

    values = pl.scan_parquet(folder / "truth" / slug(agent) / str(seed) / "values.parquet")
    return float(regret(values).select(pl.col("regret").mean()).collect().item())


def _with_params(scenario: Scenario, trial: Trial) -> Scenario:
    spec: AgentSpec = scenario.agents[trial.agent]
    changed = spec.model_copy(update={"params": {**spec.params, **trial.params}})
    return scenario.model_copy(update={"agents": {trial.agent: changed}})


def at_edge(best: Trial, space: Space) -> dict[str, str]:
    """Parameters whose best value lies at an edge that is not natural, and which edge."""
    found = {name: space[name].edge(value) for name, value in best.params.items()}
    return {name: edge for name, edge in found.items() if edge is not None and space[name].added(edge) is not None}


def sobol_trials(agent: str, space: Space, count: int, first: int = 0) -> list[Trial]:
    """Scrambled Sobol points (Owen 1998) of a search space, keyed by the number of the first one."""
    from scipy.stats import qmc

    if not space:
        return [Trial(agent, first, {})]
    names = sorted(space)
    rng = np.random.default_rng(derived_seed(first, Stream.AGENT))
    whole = qmc.Sobol(len(names), scramble=True, rng=rng).random_base2(max(count - 1, 1).bit_length())
    return [
        Trial(agent, first + k, {name: space[name].at(float(x)) for name, x in zip(names, point, strict=True)})
        for k, point in enumerate(whole[:count])
    ]


def search_space(scenario: Scenario, agent: str) -> dict[str, Range]:
    """The ranges that the agent's class and its evolution model's class state as `space`.

    A parameter that the id's brackets fix is not searched.
    """
    name = parse_id(agent)
    spec = scenario.agents.get(agent, AgentSpec())
    space = {key: each for holder in _holders(name.base, spec) for key, each in getattr(holder, "space", {}).items()}
    return {key: each for key, each in space.items() if key not in name.changes}


def _holders(base: str, spec: AgentSpec) -> list[Any]:
    """The classes whose constructors take the agent's parameters."""
    if base == "oracle":
        return []
    if base in BASELINES.names() or ":" in base:
        return [BASELINES.find(base)]
    rival = base in TRACKERS.names()
    tracker = spec.evolution or (base if rival else "filter_bank")
    return [Rival if rival else Full, TRACKERS.find(tracker)]


def write_trials(tuned: Sequence[Tuned], seeds: Sequence[int], path: Path) -> None:
    """All trials as CSV: agent, trial, regret, regret_<seed>..., params (JSON). Others' rows are kept."""
    header = ["agent", "trial", "regret", *(f"regret_{seed}" for seed in seeds), "params"]
    agents = {each.agent for each in tuned}
    rows: list[list[str]] = []
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            before = list(csv.reader(file))
        rows = [row for row in before[1:] if row[0] not in agents] if before and before[0] == header else []
    for each in tuned:
        for trial in each.trials:
            numbers = [f"{value:.6g}" for value in (trial.mean, *trial.regret)]
            rows.append([trial.agent, str(trial.number), *numbers, json.dumps(trial.params)])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
