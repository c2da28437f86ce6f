"""`driftline.grade`: replications of a small world, and a grade for every method."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from driftline.evaluation.off_policy.estimators._base import built as built_estimator
from driftline.evaluation.procedures._base import built
from driftline.scenarios.agent_names import checked_agents, with_agents
from driftline.scenarios.executors import Progress, Task, execute
from driftline.scenarios.grade.findings import Finding, findings
from driftline.scenarios.grade.off_policy import Spans
from driftline.scenarios.grade.page import write_page
from driftline.scenarios.grade.replication import replicate
from driftline.scenarios.grade.rows import grades, selection
from driftline.scenarios.hashes import digest, scenario_hash
from driftline.scenarios.run_folder import make_folder
from driftline.scenarios.schema import Scenario, checked_seeds, load
from driftline.sim.errors import InputError
from driftline.sim.world import World


@dataclass(frozen=True, slots=True)
class Grading:
    """What was found, and where it lies: `grades.csv`, `selection.csv`, `findings.csv`, `grades.html`, the rows."""

    scenario: str
    folder: Path
    grades: pl.DataFrame
    selection: pl.DataFrame
    findings: tuple[Finding, ...]


def grade(
    scenario: str | Path | Scenario,
    seeds: Iterable[int] = range(200),
    overrides: Mapping[str, Any] = {},
    out: str | Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Grading:
    """Grade every off-policy estimator and every experiment procedure on a scenario's small world (its `grade:`).

    seeds: one replication each. overrides: of the scenario and of its `grade:`; they win over `grade.world`. out: a
    folder, by default `runs/grade-<scenario>-<hash>`; replications that are there already are not done again.

    Raises:
        InputError: unusable input, before any work starts; or a replication failed; the others have finished.
    """
    small = small_world(scenario, overrides)
    for path in small.grade.procedures:
        built(path)
    numbers = checked_seeds(seeds)
    if len(numbers) < 2:
        raise InputError(f"{len(numbers)} replication: a grade needs at least 2")
    if jobs < 1:
        raise InputError(f"jobs = {jobs}: must be >= 1")
    if small.slate != 1:
        raise InputError(f"slate = {small.slate}: grading off-policy estimators needs slates of 1")
    for name in small.grade.estimators:
        built_estimator(name)
    Spans.of(small.horizon - small.warmup, small.grade.period)
    World(small, numbers[0])
    key = digest([scenario_hash(small), small.grade.model_dump(mode="json")])[:10]
    folder = Path(out) if out is not None else Path("runs") / f"grade-{small.name}-{key}"
    rows = make_folder(folder, f"rows-{key}")
    tasks = [Task(small, "replication", seed, rows) for seed in numbers if not (rows / f"{seed}.parquet").is_file()]
    failed = [done.error for done in execute(tasks, replicate, jobs, progress or _silent) if done.error]
    if failed:
        raise InputError(f"{failed[0]} ({len(failed)} of {len(tasks)} replications failed; the others are kept)")
    every = pl.concat([pl.read_parquet(rows / f"{seed}.parquet") for seed in numbers])
    boldest = min(small.grade.targets, key=small.grade.targets.__getitem__)
    found = Grading(small.name, folder, grades(every), selection(every), findings(every, boldest))
    found.grades.write_csv(folder / "grades.csv")
    found.selection.write_csv(folder / "selection.csv")
    pl.DataFrame([asdict(each) for each in found.findings]).write_csv(folder / "findings.csv")
    write_page(folder / "grades.html", small, len(numbers), found.grades, found.selection, found.findings)
    return found


def small_world(scenario: str | Path | Scenario, overrides: Mapping[str, Any]) -> Scenario:
    """The scenario as it is graded: its `grade.world` applied, with just the agents of the experiments."""
    # The world's own overrides may only make sense in the small world.
    stated = load(scenario, {key: value for key, value in overrides.items() if key.startswith("grade.")})
    whole = load(scenario, {**stated.grade.world, **overrides})
    return with_agents(whole, checked_agents(whole, dict.fromkeys((stated.grade.control, stated.grade.treatment))))


def _silent(label: str, seed: int, share: float) -> None:
    """No progress is shown."""
