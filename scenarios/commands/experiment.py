"""`driftline experiment`: an A/B test, and what is true."""

from typing import Annotated

import typer

from driftline.scenarios.commands.options import AsJson, Jobs, Out, Overrides, ScenarioName, Seeds


def experiment(
    scenario: ScenarioName,
    a: Annotated[str, typer.Option("--a", help="Agent of arm A, the control.")],
    b: Annotated[str, typer.Option("--b", help="Agent of arm B.")],
    design: Annotated[str, typer.Option(help="user, cluster, switchback or interleave.")] = "user",
    share: Annotated[float, typer.Option(help="Share of arm B.")] = 0.5,
    training: Annotated[str, typer.Option(help="pooled, diverted, snapshot or weighted.")] = "pooled",
    metric: Annotated[str, typer.Option(help="reward, click or dwell.")] = "reward",
    ramp: Annotated[float, typer.Option(help="Days in which the share grows to its full size.")] = 0.0,
    washout: Annotated[float, typer.Option(help="Days left out at the start, and of every switchback block.")] = 0.0,
    block: Annotated[float, typer.Option(help="Days of a switchback block.")] = 2.0,
    clusters: Annotated[int, typer.Option(help="Clusters of a cluster design.")] = 50,
    copies: Annotated[int, typer.Option(help="Copies of each agent, trained apart (diverted training).")] = 1,
    short: Annotated[float, typer.Option(help="Days of the short horizon, and of the long one's end.")] = 7.0,
    seeds: Seeds = "1",
    set_: Overrides = None,
    jobs: Jobs = 1,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Run an A/B test in a world, and print what it said beside the truths that only a simulator knows."""
    from driftline.scenarios.experiment.live import live_experiment
    from driftline.scenarios.table import print_table

    numbers = {"share": share, "ramp": ramp, "washout": washout, "block": block}
    numbers |= {"clusters": clusters, "copies": copies}
    found = live_experiment(scenario, (a, b), design, numbers, training, seeds, set_ or [], metric, short, out, jobs)
    title = f"{b} - {a}, {metric} a visit, {design} design, {training} training"
    print_table(found.rows(), as_json=json, title=title)
    if not json:
        for part in found.state:
            typer.echo(f"{part.scope:6s}  {part.name}: {part.why}")
