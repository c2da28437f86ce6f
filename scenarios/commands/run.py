"""`driftline run`: agents in a scenario, judged."""

import typer

from driftline.scenarios.commands.options import Agents, AsJson, Jobs, Out, Overrides, ScenarioName, Seeds


def run(
    scenario: ScenarioName,
    agents: Agents = "full",
    seeds: Seeds = "3",
    set_: Overrides = None,
    jobs: Jobs = 1,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Run agents in a scenario; print who fared best and where the report lies."""
    from driftline.scenarios.live_run import live_run
    from driftline.scenarios.table import headline, print_table

    result = live_run(scenario, agents, seeds, set_ or [], out, jobs)
    report = result.folder / "report.html"
    if not (result.folder / "metrics.parquet").is_file():
        typer.echo(f"{result.folder}: run.truth is off, so there is nothing to judge by", err=True)
        return
    print_table(headline(result.metrics), as_json=json, title=f"{result.files.scenario['name']}: lowest regret first")
    typer.echo(f"report: {report}", err=json)
