"""`driftline grade`: which number can you trust, when?"""

from typing import Annotated

import typer

from driftline.scenarios.commands.options import AsJson, Jobs, Out, Overrides, ScenarioName


def grade(
    scenario: ScenarioName,
    seeds: Annotated[str, typer.Option("--seeds", help="Replications: how many (200), or a range (0:200).")] = "200",
    set_: Overrides = None,
    jobs: Jobs = 1,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Grade every off-policy estimator and every experiment against the truth, over many small worlds."""
    from driftline.scenarios.grade.live import live_grade
    from driftline.scenarios.table import print_table

    found, rows = live_grade(scenario, seeds, set_ or [], out, jobs)
    print_table(rows, as_json=json, title=f"{found.scenario}: coverage of 95 % intervals, bias and error")
    if not json:
        for finding in found.findings:
            typer.echo(finding.text)
        typer.echo(f"heat map: {found.folder / 'grades.html'}")
