"""`driftline.run`: what the command line does, as a Python function."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from driftline.scenarios import precheck, runner
from driftline.scenarios.agent_names import checked_agents, with_agents
from driftline.scenarios.discovery import load
from driftline.scenarios.executors import Progress, execute
from driftline.scenarios.run_folder import ERRORS, OpenFolder, default_folder, open_folder
from driftline.scenarios.run_result import Run
from driftline.scenarios.schema import Scenario
from driftline.scenarios.seed_range import checked_seeds
from driftline.sim.errors import InputError


def run(
    scenario: str | Path | Scenario,
    agents: Iterable[str] = ("full",),
    seeds: Iterable[int] = range(3),
    overrides: Mapping[str, Any] = {},
    out: str | Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Run:
    """Run agents in a scenario and judge them; what is finished in the folder already is not run again.

    scenario: a name, a path or a `Scenario`. agents: ids, see `agent_names`. overrides: by dotted path, such
    as `{"population.users": 500}`. out: the run folder, by default `runs/<scenario>-<hash>`. jobs: processes;
    the results are the same for any number. progress: takes agent, seed and its share that is done.

    Raises:
        InputError: unusable input, before any work starts; or an agent failed; the others have finished.
        KeyboardInterrupt: what had finished is kept, and the same call goes on from there.
    """
    whole, numbers = prepared(scenario, agents, seeds, overrides)
    if jobs < 1:
        raise InputError(f"jobs = {jobs}: must be >= 1")
    topics = precheck.checked_topics(whole, numbers[0])
    path = Path(out) if out is not None else default_folder(whole, numbers)
    with open_folder(path, whole, numbers, topics) as folder:
        _finish(folder, jobs, progress or _silent)
        result = Run(folder.path)
        if whole.run.truth != "off":
            result.judge()
            result.report()
    return result


def prepared(
    scenario: str | Path | Scenario, agents: Iterable[str], seeds: Iterable[int], overrides: Mapping[str, Any]
) -> tuple[Scenario, tuple[int, ...]]:
    """The scenario with exactly these agents, each composed in full, and the seeds; all checked."""
    loaded = load(scenario, overrides)
    return with_agents(loaded, checked_agents(loaded, agents)), checked_seeds(seeds)


def _finish(folder: OpenFolder, jobs: int, progress: Progress) -> None:
    """Do what is missing; a task that fails stops no other."""
    tasks = folder.missing()
    for agent in folder.agents:
        for seed in folder.seeds:
            if not any(task.agent == agent and task.seed == seed for task in tasks):
                progress(agent, seed, 1.0)
    failures: dict[tuple[str, int], str] = {}
    for outcome in execute(tasks, runner.run_one, jobs, progress):
        if outcome.error:
            failures[outcome.task.agent, outcome.task.seed] = outcome.error
            folder.note_error(outcome.error, outcome.trace)
        else:
            progress(outcome.task.agent, outcome.task.seed, 1.0)
    if failures:
        done = len(tasks) - len(failures)
        first = next(failures[key] for task in tasks if (key := (task.agent, task.seed)) in failures)
        raise InputError(
            f"{first} ({len(failures)} of {len(tasks)} runs failed, {done} finished and kept; "
            f"see '{folder.path / ERRORS}')"
        )


def _silent(agent: str, seed: int, share: float) -> None:
    """No progress is shown."""
