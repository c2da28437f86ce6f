"""`driftline.run`: what the command line does, as a Python function; and a finished run, `Run`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from driftline.evaluation.run.folder import RunFolder
from driftline.scenarios import runner
from driftline.scenarios.agent_names import checked_agents, with_agents
from driftline.scenarios.compose import build_agent, refuse_missing_encoder
from driftline.scenarios.executors import Progress, execute
from driftline.scenarios.run_folder import ERRORS, OpenFolder, default_folder, open_folder
from driftline.scenarios.schema import Scenario, checked_seeds, load
from driftline.sim.errors import InputError, RunFolderError
from driftline.sim.log import put_parquet
from driftline.sim.world import World

if TYPE_CHECKING:
    from driftline.evaluation.run.paired import Comparison
    from driftline.scenarios.bandit_log import BanditLog
    from driftline.scenarios.own_log.single import Asked
    from driftline.scenarios.own_log.verdict import Verdict


@dataclass(frozen=True)
class Run:
    """A run on disk. Every error of reading it is one line that names the file."""

    folder: Path

    @cached_property
    def files(self) -> RunFolder:
        """The folder, as the judges read it."""
        with readable():
            return RunFolder(self.folder)

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents of this run."""
        return self.files.agents

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of this run."""
        return self.files.seeds

    @property
    def own_metrics(self) -> tuple[str, ...]:
        """The metrics that the run's scenario names, as `package.module:Class`."""
        return self.files.own_metrics

    @cached_property
    def metrics(self) -> pl.DataFrame:
        """agent, seed, metric, window, value, low, high; seed is null for all seeds together."""
        path = self.folder / "metrics.parquet"
        with readable():
            return pl.read_parquet(path) if path.is_file() else self.judge()

    def judge(self) -> pl.DataFrame:
        """Compute the metrics from the logs and write them to `metrics.parquet`."""
        from driftline.evaluation.run.metrics import metrics

        with readable():
            frame = metrics(self.files)
        put_parquet(frame, self.folder / "metrics.parquet")
        return frame

    def log(self, agent: str, seed: int) -> pl.LazyFrame:
        """Visits as an operator saw them."""
        with readable():
            return self.files.log(agent, seed)

    def truth(self, agent: str, seed: int) -> pl.LazyFrame:
        """What was true at each visit."""
        with readable():
            return self.files.truth(agent, seed)

    def values(self, agent: str, seed: int) -> pl.LazyFrame:
        """Expected rewards of the best slate and of the slate shown, at each visit."""
        with readable():
            return self.files.values(agent, seed)

    def bandit_log(self, agent: str, seed: int, target: str | None = None, at: float | None = None) -> "BanditLog":
        """An agent's log as input of off-policy evaluation, beside a target frozen on day `at`; see `bandit_log`."""
        from driftline.scenarios.bandit_log import bandit_log

        with readable():
            return bandit_log(self.files, agent, seed, target, at)

    def ope(
        self, target: str, at: float, agent: str | None = None, seed: int | None = None, asked: "Asked | None" = None
    ) -> "Verdict":
        """What `target`, frozen on day `at`, would have earned, from another agent's log here; see `ope_of_run`."""
        from driftline.scenarios.own_log.of_run import ope_of_run

        with readable():
            return ope_of_run(self.files, target, at, agent, seed, asked)

    def report(self) -> Path:
        """Write `report.html` and the figures; the path of the page."""
        from driftline.evaluation.report.page import report

        with readable():
            return report(self.files)

    def compare(self, a: str, b: str, metric: str = "reward", seeds: Sequence[int] | None = None) -> "Comparison":
        """Agent `b` against agent `a`, paired by user and seed; positive means that `b` has more of it.

        metric: of single visits: a built-in one, one of the scenario's `judge.metrics`, or `package.module:Class`.
        seeds: None for all of this run.
        """
        from driftline.evaluation.run.paired import compare

        with readable():
            try:
                return compare(self.files, a, b, metric, seeds)
            except ValueError as problem:
                raise InputError(str(problem)) from problem


def open_run(folder: str | Path) -> Run:
    """The run in a folder.

    Raises:
        InputError: there is no such folder, or it holds no run.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"run folder '{path}' {'is a file' if path.is_file() else 'does not exist'}")
    if not (path / "resolved.yaml").is_file():
        raise InputError(f"'{path}' is no run folder: it has no resolved.yaml")
    run = Run(path)
    run.files  # noqa: B018  (reads resolved.yaml, so that a broken one is found here)
    return run


def run(
    scenario: str | Path | Scenario,
    agents: Iterable[str] = ("full",),
    seeds: Iterable[int] = range(3),
    overrides: Mapping[str, Any] = {},
    out: str | Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Run:
    """Run agents in a scenario and judge them; what is finished in the folder already is not done again.

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
    topics = checked_topics(whole, numbers[0])
    path = Path(out) if out is not None else default_folder(whole, numbers)
    with open_folder(path, whole, numbers, topics) as folder:
        with folder.truth_apart():
            _finish(folder, jobs, progress or _silent)
        result = Run(folder.path)
        # The code of one's own metrics may have changed.
        if whole.run.truth != "off" and (whole.judge.metrics or not folder.judged()):
            result.judge()
            result.report()
    return result


def prepared(
    scenario: str | Path | Scenario, agents: Iterable[str], seeds: Iterable[int], overrides: Mapping[str, Any]
) -> tuple[Scenario, tuple[int, ...]]:
    """The scenario with exactly these agents, each composed in full, and the seeds; all checked."""
    from driftline.evaluation.metrics._table import own_metrics

    loaded = load(scenario, overrides)
    own_metrics(loaded.judge.metrics)
    return with_agents(loaded, checked_agents(loaded, agents)), checked_seeds(seeds)


def checked_topics(scenario: Scenario, seed: int) -> tuple[str, ...]:
    """Lay the world's foundation, build each agent once without its encoder, and return the topics' names.

    Raises:
        InputError: unusable real data; an unknown part or parameter of an agent, with the nearest one.
    """
    world = World(scenario, seed)
    for agent, spec in scenario.agents.items():
        deaf = spec if ":" in agent else spec.model_copy(update={"predictor": "none"})
        build_agent(scenario.model_copy(update={"agents": {agent: deaf}}), agent, world)
        refuse_missing_encoder(scenario, agent)
    return world.model.topic_names


def _finish(folder: OpenFolder, jobs: int, progress: Progress) -> None:
    """Do what is missing; a task that fails stops no other."""
    tasks = folder.missing()
    for agent in folder.agents:
        for seed in folder.seeds:
            if not any(task.agent == agent and task.seed == seed for task in tasks):
                progress(agent, seed, 1.0)
    failures: dict[tuple[str, int], str] = {}
    for finished in execute(tasks, runner.run_one, jobs, progress):
        if finished.error:
            failures[finished.task.agent, finished.task.seed] = finished.error
            folder.note_error(finished.error, finished.trace)
        else:
            progress(finished.task.agent, finished.task.seed, 1.0)
    if failures:
        done = len(tasks) - len(failures)
        first = next(failures[key] for task in tasks if (key := (task.agent, task.seed)) in failures)
        raise InputError(
            f"{first} ({len(failures)} of {len(tasks)} runs failed, {done} finished and kept; "
            f"see '{folder.path / ERRORS}')"
        )


def _silent(agent: str, seed: int, share: float) -> None:
    """No progress is shown."""


@contextmanager
def readable() -> Iterator[None]:
    """What is wrong with a run folder, as the one-line error of unusable input."""
    try:
        yield
    except (RunFolderError, pl.exceptions.PolarsError) as problem:
        raise InputError(str(problem).strip().splitlines()[0]) from problem
