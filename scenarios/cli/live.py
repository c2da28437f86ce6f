"""Options as text, progress, Ctrl-C.

Live progress on a terminal, one bar per agent; nothing where there is no terminal.

A run as a command starts it: options as text, live progress, and a word of farewell on Ctrl-C.

An experiment as a command starts it: options as text, and live progress.

A grading as a command starts it: options as text, live progress, rows for a table.

A varied comparison as a command starts it: options as text, live progress, a farewell on Ctrl-C, a page of words.

Options that several commands share.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from driftline.scenarios import api, executors
from driftline.scenarios.agent_names import split_ids
from driftline.scenarios.api import Run
from driftline.scenarios.cli.tables import print_table
from driftline.scenarios.experiment import api as experiment_api
from driftline.scenarios.experiment.design import Design, Training
from driftline.scenarios.experiment.outcome import Experiment
from driftline.scenarios.grade import api as grade_api
from driftline.scenarios.run_folder import default_folder, finished
from driftline.scenarios.schema import load, seed_range
from driftline.scenarios.vary import api as vary_api
from driftline.scenarios.vary.outcome import Varied
from driftline.sim.config.resolve import from_texts
from driftline.sim.config.validation import complaints
from driftline.sim.errors import InputError


def listed(text: str) -> list[str]:
    """`a,b` as a list; what is empty is left out."""
    return [part.strip() for part in text.split(",") if part.strip()]


@contextmanager
def live_progress(agents: Iterable[str], seeds: int) -> Iterator[executors.Progress | None]:
    """What takes (agent, seed, share); None without a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as display:
        bars = {agent: display.add_task(agent, total=float(seeds)) for agent in agents}
        shares: dict[tuple[str, int], float] = {}

        def tell(agent: str, seed: int, share: float) -> None:
            shares[agent, seed] = share
            if agent not in bars:
                bars[agent] = display.add_task(agent, total=float(seeds))
            display.update(bars[agent], completed=sum(done for (who, _), done in shares.items() if who == agent))

        yield tell


def live_run(
    scenario: str, agents: str, seeds: str, settings: Sequence[str], out: Path | None, jobs: int, metrics: str = ""
) -> Run:
    """`driftline.run` with a progress display on a terminal; `metrics` of the user's own stand beside the scenario's.

    Raises:
        InputError: as `driftline.run`.
        KeyboardInterrupt: after one line that says what is kept, and where.
    """
    numbers, overrides = seed_range(seeds), from_texts(settings)
    if named := listed(metrics):
        stated = load(scenario, overrides).judge.metrics
        overrides = {**overrides, "judge.metrics": list(dict.fromkeys((*stated, *named)))}
    whole, _ = api.prepared(scenario, split_ids(agents), numbers, overrides)
    folder = out or default_folder(whole, numbers)
    try:
        with live_progress(whole.agents, len(numbers)) as progress:
            return api.run(scenario, split_ids(agents), numbers, overrides, folder, jobs, progress)
    except KeyboardInterrupt:
        kept = sum(finished(folder, agent, seed) for agent in whole.agents for seed in numbers)
        total = len(whole.agents) * len(numbers)
        typer.echo(
            f"driftline: interrupted; {kept} of {total} runs are finished and kept in '{folder}'; "
            "the same command goes on from there",
            err=True,
        )
        raise


def live_experiment(
    scenario: str,
    pair: tuple[str, str],
    kind: str,
    numbers: Mapping[str, float],
    training: str,
    seeds: str,
    settings: Sequence[str],
    metric: str,
    short: float,
    out: Path | None,
    jobs: int,
) -> Experiment:
    """`driftline.experiment` with a progress display on a terminal.

    Raises:
        InputError: as `driftline.experiment`, and for a design that cannot be.
    """
    design = stated_design({"kind": kind, **numbers})
    chosen = seed_range(seeds)
    overrides = from_texts(settings)
    with live_progress(experiment_api.plans(design, "pooled"), len(chosen)) as progress:
        return experiment_api.experiment(
            scenario, *pair, design, cast("Training", training), chosen, overrides, metric, short, out, jobs, progress
        )


def stated_design(stated: Mapping[str, Any]) -> Design:
    """A design from numbers as stated; InputError with the first complaint."""
    try:
        return Design.model_validate(dict(stated))
    except ValidationError as problem:
        raise InputError(f"design: {complaints(problem, dict(stated), Design)[0]}") from problem


SHOWN = ("bias", "rmse", "coverage", "width", "rejected", "warned")


def live_grade(
    scenario: str, seeds: str, settings: Sequence[str], out: Path | None, jobs: int
) -> tuple[grade_api.Grading, list[dict[str, object]]]:
    """`driftline.grade` with a progress display on a terminal, and its grades as table rows."""
    numbers = seed_range(seeds)
    with live_progress(("replication",), len(numbers)) as progress:
        found = grade_api.grade(scenario, numbers, from_texts(settings), out, jobs, progress)
    rows: list[dict[str, object]] = []
    for row in found.grades.iter_rows(named=True):
        cells = {name: row[name] if row[name] is not None and isfinite(row[name]) else None for name in SHOWN}
        rows.append({"method": row["method"], "of": row["target"], "on": row["policy"], **cells})
    return found, rows


def live_vary(
    scenario: str,
    pair: tuple[str, str],
    variations: str | None,
    seeds: str,
    settings: Sequence[str],
    out: Path | None,
    jobs: int,
) -> tuple[Varied, Path]:
    """`driftline.vary` with a progress display on a terminal, and the folder of its runs.

    Raises:
        InputError: as `driftline.vary`, and for a run folder where a scenario is needed.
        KeyboardInterrupt: after one line that says what is kept, and where.
    """
    if (Path(scenario) / "resolved.yaml").is_file():
        raise InputError(f"--vary '{scenario}': needs a scenario; that of this run is '{scenario}/resolved.yaml'")
    names = None if variations is None else listed(variations)
    numbers, overrides = seed_range(seeds), from_texts(settings)
    plan = vary_api.planned(scenario, pair, names, numbers, overrides, out)
    try:
        with live_progress([world.name for world in plan.worlds], len(numbers)) as progress:
            return vary_api.vary(scenario, *pair, names, numbers, overrides, plan.folder, jobs, progress), plan.folder
    except KeyboardInterrupt:
        runs = [(plan.folder / world.name, agent, seed) for world in plan.worlds for agent in pair for seed in numbers]
        kept = sum(finished(*each) for each in runs)
        typer.echo(
            f"driftline: interrupted; {kept} of {len(runs)} runs are finished and kept in '{plan.folder}'; "
            "the same command goes on from there",
            err=True,
        )
        raise


def print_varied(found: Varied, folder: Path, as_json: bool) -> None:
    """The table, what was changed and skipped, and the count of signs last; or one JSON object."""
    if as_json:
        print(json.dumps(found.record(), indent=2, allow_nan=False))
        return
    print_table(found.table(), as_json=False, title=f"{found.b} - {found.a}, mean over users; 95 % intervals")
    typer.echo(f"runs: {folder}")
    for line in found.lines():
        typer.echo(line)


ScenarioName = Annotated[str, typer.Argument(metavar="SCENARIO", help="Name of a scenario, or the path of its file.")]
Agents = Annotated[str, typer.Option("--agents", help="Agent ids, separated by commas.")]
Seeds = Annotated[str, typer.Option("--seeds", help="How many (3), or a half-open range (5:10).")]
OwnMetrics = Annotated[
    str, typer.Option("--metrics", metavar="MODULE:CLASS,...", help="Metrics of your own, beside the built-in ones.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, such as population.users=500."),
]
Jobs = Annotated[int, typer.Option("--jobs", help="Processes; the results are the same for any number.")]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder; default runs/<scenario>-<hash>.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
LogPath = Annotated[Path, typer.Argument(metavar="LOG", help="Your log: a .csv, .tsv or .parquet file.")]
Columns = Annotated[
    str, typer.Option("--columns", metavar="ROLE=COLUMN,...", help="Which column is what: reward=clicked,user=uid.")
]
Level = Annotated[float, typer.Option("--level", help="Confidence level of the intervals.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with a figure as well.")]
