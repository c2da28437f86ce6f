"""`driftline ope`: what another policy would have earned, from your own log."""

from typing import Annotated

import typer

from driftline.scenarios.commands.options import AsJson, Columns, Html, Level, LogPath


def ope(
    log: LogPath,
    policy: Annotated[str | None, typer.Option("--policy", help="Your function, as module:function.")] = None,
    columns: Columns = "",
    context: Annotated[str, typer.Option("--context", help="Columns for the reward model: a,b,c.")] = "",
    estimators: Annotated[str | None, typer.Option("--estimators", help="ips,snips,dr,...; default: all.")] = None,
    lambdas: Annotated[str, typer.Option("--lambdas", help="Limits of large weights: clipped_ips=10,dros=100.")] = "",
    reward_model: Annotated[
        str, typer.Option("--reward-model", help="auto, ridge, logistic, hist_gradient_boosting or none.")
    ] = "auto",
    interval: Annotated[
        str, typer.Option("--interval", help="normal, bootstrap, hoeffding, empirical_bernstein or anytime.")
    ] = "normal",
    level: Level = 0.95,
    reward_range: Annotated[
        str | None, typer.Option("--reward-range", help="Smallest and largest possible reward: 0,1.")
    ] = None,
    largest_weight: Annotated[
        float | None, typer.Option("--largest-weight", help="Largest possible weight, known beforehand.")
    ] = None,
    period: Annotated[float | None, typer.Option("--period", help="Length of a period of drift (days).")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the bootstrap and of the reward model's folds.")] = 0,
    json: AsJson = False,
    html: Html = None,
) -> None:
    """Check a log of decisions, then say what your policy would have earned in place of the one that wrote it."""
    from driftline.scenarios.own_log.columns import stated_columns
    from driftline.scenarios.own_log.ope import ope as of_log
    from driftline.scenarios.own_log.option_texts import bounds, named_numbers, names
    from driftline.scenarios.own_log.printing import checked_page, show

    checked_page(html)
    found = of_log(
        log,
        policy,
        columns=stated_columns(columns),
        context=names(context),
        estimators=None if estimators is None else names(estimators),
        lambdas=named_numbers("--lambdas", lambdas),
        reward_model=reward_model,
        interval=interval,  # type: ignore[arg-type]  # checked before any work
        level=level,
        bounds=bounds(reward_range, largest_weight),
        period=period,
        seed=seed,
    )
    show(found, json, html)
