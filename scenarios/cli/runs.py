"""Commands about runs: run, compare, report, show."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driftline.scenarios.cli.options import (
    Agents,
    AsJson,
    Jobs,
    Out,
    Overrides,
    OwnMetrics,
    RunPath,
    ScenarioName,
    Seeds,
    SomeSeeds,
    names,
)

SEEDS = "3"
"""Unless others are asked for."""

if TYPE_CHECKING:
    from driftline.evaluation.run.timeline import Moment, Shares, Timeline
    from driftline.scenarios.api import Run


def run(
    scenario: ScenarioName,
    agents: Agents = "full",
    seeds: Seeds = "3",
    metrics: OwnMetrics = "",
    set_: Overrides = None,
    jobs: Jobs = 1,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Run agents in a scenario; print who fared best and where the report lies."""
    from driftline.scenarios.cli.tables import headline, listed, print_table
    from driftline.scenarios.schema import seed_range

    result = _live(scenario, agents, seeds, metrics, set_ or [], jobs, out)
    report = result.folder / "report.html"
    if not (result.folder / "metrics.parquet").is_file():
        typer.echo(f"{result.folder}: run.truth is off, so there is nothing to judge by", err=True)
        return
    title = f"{result.files.scenario['name']}: lowest regret first; {listed(result.seeds)}"
    print_table(headline(result.metrics), as_json=json, title=title)
    if others := sorted(set(result.seeds) - set(seed_range(seeds))):
        typer.echo(f"note: the folder holds {listed(others)} too; they are part of these numbers", err=json)
    typer.echo(f"report: {report}", err=json)


def _live(
    scenario: str, agents: str, seeds: str, metrics: str, settings: Sequence[str], jobs: int, out: Path | None
) -> "Run":
    """`driftline.run`; `metrics` of the user's own stand beside the scenario's."""
    from driftline.scenarios import api
    from driftline.scenarios.agent_names import split_ids
    from driftline.scenarios.cli.live import farewell, live_progress
    from driftline.scenarios.run_folder import default_folder
    from driftline.scenarios.schema import load, seed_range
    from driftline.sim.config.resolve import from_texts

    numbers, overrides = seed_range(seeds), from_texts(settings)
    if own := names(metrics):
        stated = load(scenario, overrides).judge.metrics
        overrides = {**overrides, "judge.metrics": list(dict.fromkeys((*stated, *own)))}
    whole, _ = api.prepared(scenario, split_ids(agents), numbers, overrides)
    folder = out or default_folder(whole, numbers)
    runs = [(folder, agent, seed) for agent in whole.agents for seed in numbers]
    with farewell(folder, runs), live_progress(whole.agents, len(numbers)) as progress:
        return api.run(scenario, split_ids(agents), numbers, overrides, folder, jobs, progress)


def compare(
    what: Annotated[str, typer.Argument(metavar="RUN|SCENARIO", help="A run folder, or a scenario to run first.")],
    agents: Annotated[str, typer.Option("--agents", help="Two agent ids: a,b; the difference is b - a.")],
    vary: Annotated[bool, typer.Option("--vary", help="Repeat it in varied worlds: does the sign hold?")] = False,
    variations: Annotated[
        str | None,
        typer.Option("--variations", help="Only these: choice,topics,drift,text,reward, or single names. Says --vary."),
    ] = None,
    metrics: OwnMetrics = "",
    seeds: SomeSeeds = None,
    set_: Overrides = None,
    jobs: Jobs = 1,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Compare two agents, paired by user and seed; print the differences b - a with their intervals."""
    from driftline.scenarios.agent_names import split_ids
    from driftline.scenarios.api import open_run
    from driftline.scenarios.cli.tables import comparison_rows, listed, print_comparison, print_json
    from driftline.scenarios.schema import seed_range
    from driftline.sim.errors import InputError

    pair = split_ids(agents)
    if len(pair) != 2:
        raise InputError(f"--agents {agents}: must be two agents, a,b")
    if pair[0] == pair[1]:
        raise InputError(f"--agents {agents}: must be two different agents; an agent does not differ from itself")
    if vary or variations is not None:
        if metrics:
            raise InputError(f"--metrics {metrics}: --vary compares regret and reward only")
        _compare_varied(what, (pair[0], pair[1]), variations, seeds or SEEDS, set_ or [], jobs, out, as_json=json)
        return
    is_run = (Path(what) / "resolved.yaml").is_file()
    found = open_run(what) if is_run else _live(what, agents, seeds or SEEDS, metrics, set_ or [], jobs, out)
    wanted = found.seeds if is_run and seeds is None else seed_range(seeds or SEEDS)
    rows = comparison_rows(found, *pair, names(metrics), wanted)
    if json:
        print_json(rows)
        return
    print_comparison(rows, f"{pair[1]} - {pair[0]}; {listed(wanted)}")
    if others := sorted(set(found.seeds) - set(wanted)):
        typer.echo(f"left out: {listed(others)} of {found.folder}, not asked for")


def _compare_varied(
    scenario: str,
    pair: tuple[str, str],
    variations: str | None,
    seeds: str,
    settings: Sequence[str],
    jobs: int,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """The table, what was changed and skipped, and the count of signs last; or one JSON object."""
    from driftline.scenarios.cli.live import farewell, live_progress
    from driftline.scenarios.cli.tables import print_json, print_table
    from driftline.scenarios.schema import seed_range
    from driftline.scenarios.vary.api import planned, vary
    from driftline.sim.config.resolve import from_texts
    from driftline.sim.errors import InputError

    if (Path(scenario) / "resolved.yaml").is_file():
        raise InputError(f"--vary '{scenario}': needs a scenario; that of this run is '{scenario}/resolved.yaml'")
    wanted = None if variations is None else names(variations)
    numbers, overrides = seed_range(seeds), from_texts(settings)
    plan = planned(scenario, pair, wanted, numbers, overrides, out)
    worlds = [world.name for world in plan.worlds]
    runs = [(plan.folder / world, agent, seed) for world in worlds for agent in pair for seed in numbers]
    with farewell(plan.folder, runs), live_progress(worlds, len(numbers)) as progress:
        found = vary(scenario, *pair, wanted, numbers, overrides, plan.folder, jobs, progress)
    if as_json:
        print_json(found.record())
        return
    print_table(found.table(), as_json=False, title=f"{found.b} - {found.a}, mean over users; 95 % intervals")
    typer.echo(f"runs: {plan.folder}")
    for line in found.lines():
        typer.echo(line)


def report(run: RunPath) -> None:
    """Judge a run folder anew, write its report, and print the path of the page."""
    from driftline.scenarios.api import open_run

    found = open_run(run)
    found.judge()
    typer.echo(str(found.report()))


def show(
    run: RunPath,
    user: Annotated[
        int, typer.Option("--user", help="1 is the user who came first, 2 the next, ...; or a pseudonym of the logs.")
    ] = 1,
    agent: Annotated[str | None, typer.Option("--agent", help="Default: the run's first agent.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Default: the run's first seed.")] = None,
    first: Annotated[float, typer.Option("--from", help="Day to begin with.")] = 0.0,
    visits: Annotated[int, typer.Option("--visits", min=1, help="Most visits to show.")] = 10,
    json: AsJson = False,
) -> None:
    """Show what a user was shown, took, wrote and rated, beside what the user truly wanted."""
    from driftline.evaluation.run.timeline import timeline
    from driftline.scenarios.api import open_run, readable
    from driftline.scenarios.cli.tables import print_json

    found = open_run(run)
    agent = agent if agent is not None else found.agents[0]
    seed = seed if seed is not None else found.seeds[0]
    with readable():
        life = timeline(found.files, agent, seed, user, first, visits)
    if json:
        print_json({"agent": agent, "seed": seed, **asdict(life)})
        return
    name = f"{life.user}" if user == life.user else f"{user} (pseudonym {life.user})"
    print(f"user {name}, group {life.group or 'unknown'}; agent {agent}, seed {seed}")
    for line in _lines(life):
        print(line)


def _lines(life: "Timeline") -> list[str]:
    lines = [f"  before the run: {title} {'' if rating is None else f'({rating:g})'}" for title, rating in life.past]
    for moment in life.moments:
        lines += _moment(moment)
    return lines


def _moment(moment: "Moment") -> list[str]:
    lines = [
        "",
        f"day {moment.time:.2f}, visit {moment.visit}{', interest has jumped' if moment.jumped else ''}",
    ]
    if moment.before:
        lines.append(f"  wants   {_topics(moment.before)}")
    for place, title in enumerate(moment.shown):
        mark = ">" if place == moment.taken else " "
        lines.append(f"  {mark} {place + 1:2d}. {title}{_response(moment) if place == moment.taken else ''}")
    if moment.taken is None:
        lines.append("  took nothing")
    lines += [f"  {deed.kind:8s}{deed.text}" for deed in moment.deeds]
    if moment.after and _topics(moment.after) != _topics(moment.before):
        lines.append(f"  then wants {_topics(moment.after)}")
    return lines


def _response(moment: "Moment") -> str:
    parts = [] if moment.dwell is None else [f"{moment.dwell:.0f} s"]
    if moment.rating is not None:
        parts.append(f"rated {moment.rating:g}")
    if moment.satisfaction is not None:
        parts.append(f"satisfaction {moment.satisfaction:+.2f}")
    return f"   ({', '.join(parts)})"


def _topics(shares: "Shares") -> str:
    return ", ".join(f"{topic} {share:.0%}" for topic, share in shares)
