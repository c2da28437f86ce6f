"""`driftline.experiment`: an A/B test in a world whose truth is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from driftline.evaluation.procedures._base import built
from driftline.scenarios.api import prepared
from driftline.scenarios.executors import Progress, Report, Task, execute
from driftline.scenarios.experiment.design import Design, Training, checked_training
from driftline.scenarios.experiment.play import METRICS, SCHEMA, Plan, play
from driftline.scenarios.experiment.readings import Experiment, Twins, judged
from driftline.scenarios.hashes import agent_hash, digest, scenario_hash
from driftline.scenarios.run_folder import make_folder
from driftline.scenarios.schema import Scenario
from driftline.sim.errors import InputError, hint
from driftline.sim.log import put_parquet
from driftline.sim.warmup import warm_up
from driftline.sim.world import World

HALVES = Design()
"""Every other user in B."""
FEW = 0.05
"""Share of users whose effect is taken with nearly everybody else in A."""


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs behind an experiment: each label's plan, for one pair of agents."""

    pair: tuple[str, str]
    plans: Mapping[str, Plan]

    def __call__(self, scenario: Scenario, label: str, seed: int, out: Path, report: Report) -> None:
        """One run of one seed, written to `out/<label>-<seed>.parquet`."""
        start = warm_up(World(scenario, seed))
        visits = play(scenario, start, self.pair, self.plans[label], report)
        put_parquet(visits, visits_file(out, label, seed))


def experiment(
    scenario: str | Path | Scenario,
    a: str,
    b: str,
    design: Design = HALVES,
    training: Training = "pooled",
    seeds: Iterable[int] = range(1),
    overrides: Mapping[str, Any] = {},
    metric: str = "reward",
    short: float = 7.0,
    out: str | Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    procedures: Iterable[str] = (),
) -> Experiment:
    """Run an A/B test of agent `b` against agent `a`, and the twin runs that show what is true.

    design: who is shown which arm. training: what each agent learns from. metric: `reward` (the scenario's, measured at
    every visit), `click` or `dwell` (seconds). short: days of the short horizon; the long one is the last as many.
    procedures: further ones, by name or as `package.module:Class`; what each says of the A/B test stands beside ours.
    out: a folder for the visits of all runs, in a subfolder of this experiment; what is there is not run again.

    Raises:
        InputError: unusable input, before any work starts; or a run failed.
    """
    whole, numbers = prepared(scenario, dict.fromkeys((a, b)), seeds, overrides)
    _check(design, training, metric, short, jobs)
    days = whole.horizon - whole.warmup
    if design.washout >= days:
        raise InputError(f"washout = {design.washout:g} days: must be < the {days:g} judged days")
    own = [built(path) for path in procedures]
    if own and design.kind not in ("user", "cluster"):
        raise InputError(f"procedure {own[0].id!r}: a {design.kind} design has no users of one arm only to compare")
    runs = Runs((a, b), plans(design, training))
    with TemporaryDirectory() as spare:
        folder = make_folder(Path(out) if out is not None else Path(spare), _key(whole, runs))
        tasks = [
            Task(whole, label, seed, folder)
            for seed in numbers
            for label in runs.plans
            if not visits_file(folder, label, seed).is_file()
        ]
        for done in execute(tasks, runs, jobs, progress or _silent):
            if done.error:
                raise InputError(done.error)
        twins = {seed: _twins(folder, runs.plans, seed) for seed in numbers}
    return judged((a, b), design, training, metric, min(short, days), days, twins, own)


def plans(design: Design, training: Training) -> dict[str, Plan]:
    """The runs that an experiment with all its truths takes, by label."""
    few = Design(kind="user", share=min(FEW, design.share))
    mixed = {f"mixed{turn}": Plan("mixed", design, training, turn) for turn in range(design.turns)}
    rest = {
        "few": Plan("mixed", few, training),
        "all_a": Plan("all_a", design, training),
        "all_b": Plan("all_b", design, training),
    }
    return mixed | rest


def visits_file(folder: Path, label: str, seed: int) -> Path:
    """Where the visits of a run are."""
    return folder / f"{label}-{seed}.parquet"


def _key(scenario: Scenario, runs: Runs) -> str:
    """Names what the visits depend on, and what is kept of them: a folder never mixes two experiments."""
    stated = [plan.design.model_dump(mode="json") | {"training": plan.training} for plan in runs.plans.values()]
    agents = [[agent, agent_hash(scenario.agents[agent])] for agent in runs.pair]
    return digest([scenario_hash(scenario), agents, stated, list(SCHEMA)])[:12]


def _twins(folder: Path, labels: Mapping[str, Plan], seed: int) -> Twins:
    frames = {label: pl.read_parquet(visits_file(folder, label, seed)) for label in labels}
    mixed = [frame for label, frame in frames.items() if label.startswith("mixed")]
    return Twins(mixed, frames["few"], frames["all_a"], frames["all_b"])


def _check(design: Design, training: str, metric: str, short: float, jobs: int) -> None:
    checked_training(training)
    if design.copies > 1 and training != "diverted":
        raise InputError(f"copies = {design.copies}: only training 'diverted' trains agents apart, not {training!r}")
    if design.kind == "interleave" and training not in ("pooled", "snapshot"):
        raise InputError(
            f"training {training!r}: interleave needs training 'pooled' or 'snapshot', as slates hold both arms' items"
        )
    if metric not in METRICS:
        raise InputError(f"metric {metric!r} is unknown; {hint(metric, METRICS)}")
    if not short > 0.0:
        raise InputError(f"short = {short:g} days: must be > 0")
    if jobs < 1:
        raise InputError(f"jobs = {jobs}: must be >= 1")


def _silent(label: str, seed: int, share: float) -> None:
    """No progress is shown."""
