"""`driftline report`: write a run's report anew."""

import typer

from driftline.scenarios.commands.options import RunPath


def report(run: RunPath) -> None:
    """Judge a run folder anew, write its report, and print the path of the page."""
    from driftline.scenarios.run_result import open_run

    found = open_run(run)
    found.judge()
    typer.echo(str(found.report()))
