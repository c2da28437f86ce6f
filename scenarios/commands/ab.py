"""`driftline ab`: what an A/B test says, from your own log."""

from typing import Annotated

import typer

from driftline.scenarios.commands.options import AsJson, Columns, Html, Level, LogPath


def ab(
    log: LogPath,
    columns: Columns = "",
    control: Annotated[str | None, typer.Option("--control", help="The arm to compare with.")] = None,
    share: Annotated[
        str | None, typer.Option("--share", help="Planned share of the treatment (.5), or of all: A=.5,B=.25,C=.25.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="mean,lift,proportion,ratio,cuped,sequence; default: all.")
    ] = None,
    level: Level = 0.95,
    planned: Annotated[
        int, typer.Option("--planned", help="Users near which the always-valid interval is tightest.")
    ] = 5000,
    json: AsJson = False,
    html: Html = None,
) -> None:
    """Check the log of an experiment, sample ratio first, then compare every arm with the control."""
    from driftline.scenarios.own_log.ab import ab as of_log
    from driftline.scenarios.own_log.columns import stated_columns
    from driftline.scenarios.own_log.option_texts import names, share_text
    from driftline.scenarios.own_log.printing import checked_page, show

    checked_page(html)
    found = of_log(
        log,
        columns=stated_columns(columns),
        control=control,
        share=share_text(share),
        metrics=None if metrics is None else names(metrics),
        level=level,
        planned=planned,
    )
    show(found, json, html)
