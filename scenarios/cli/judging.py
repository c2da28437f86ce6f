"""Commands that judge: experiment, grade, ope, ab, tune."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from driftline.scenarios.cli.options import (
    AsJson,
    Columns,
    GradeFolder,
    Html,
    Jobs,
    KeptVisits,
    Level,
    LogOrRun,
    LogPath,
    Overrides,
    OwnProcedures,
    ScenarioName,
    Seeds,
    bounds,
    named_bounds,
    named_numbers,
    names,
    share_text,
    stated_columns,
)
from driftline.sim.errors import InputError


def experiment(
    scenario: ScenarioName,
    a: Annotated[str, typer.Option("--a", help="Agent of arm A, the control.")],
    b: Annotated[str, typer.Option("--b", help="Agent of arm B.")],
    design: Annotated[str, typer.Option("--design", help="user, cluster, switchback or interleave.")] = "user",
    share: Annotated[float, typer.Option(help="Share of arm B.")] = 0.5,
    training: Annotated[str, typer.Option(help="pooled, diverted, snapshot or weighted.")] = "pooled",
    metric: Annotated[str, typer.Option(help="reward, click or dwell.")] = "reward",
    ramp: Annotated[float, typer.Option(help="Days in which the share grows to its full size.")] = 0.0,
    washout: Annotated[float, typer.Option(help="Days left out at the start, and of every switchback block.")] = 0.0,
    block: Annotated[float, typer.Option(help="Days of a switchback block.")] = 2.0,
    clusters: Annotated[int, typer.Option(help="Clusters of a cluster design.")] = 50,
    copies: Annotated[int, typer.Option(help="Copies of each agent, trained apart (diverted training).")] = 1,
    short: Annotated[float, typer.Option(help="Days of the short horizon, and of the long one's end.")] = 7.0,
    procedures: OwnProcedures = "",
    seeds: Seeds = "1",
    set_: Overrides = None,
    jobs: Jobs = 1,
    out: KeptVisits = None,
    json: AsJson = False,
    html: Html = None,
) -> None:
    """Run an A/B test in a world, and print what it said beside the truths that only a simulator knows."""
    from driftline.scenarios.cli.live import live_progress
    from driftline.scenarios.cli.tables import checked_page, print_experiment
    from driftline.scenarios.experiment import api
    from driftline.scenarios.experiment.design import checked_design, checked_training
    from driftline.scenarios.schema import seed_range
    from driftline.sim.config.resolve import from_texts

    checked_page(html)
    stated = {"kind": design, "share": share, "ramp": ramp, "washout": washout, "block": block}
    whole = checked_design({**stated, "clusters": clusters, "copies": copies})
    numbers, overrides = seed_range(seeds), from_texts(set_ or [])
    with live_progress(api.plans(whole, "pooled"), len(numbers)) as progress:
        found = api.experiment(
            scenario,
            a,
            b,
            whole,
            checked_training(training),
            numbers,
            overrides,
            metric,
            short,
            out,
            jobs,
            progress,
            names(procedures),
        )
    print_experiment(found, scenario, json, html)


def grade(
    scenario: ScenarioName,
    seeds: Annotated[str, typer.Option("--seeds", help="Replications: how many (200), or a range (0:200).")] = "200",
    estimators: Annotated[
        str, typer.Option("--estimators", help="Your own estimators, graded beside ours: module:Class,...")
    ] = "",
    procedures: OwnProcedures = "",
    set_: Overrides = None,
    jobs: Jobs = 1,
    out: GradeFolder = None,
    json: AsJson = False,
) -> None:
    """Grade every off-policy estimator and every experiment against the truth, over many small worlds."""
    from driftline.scenarios.cli.live import live_progress
    from driftline.scenarios.cli.tables import grade_rows, print_table
    from driftline.scenarios.grade.api import grade as graded
    from driftline.scenarios.schema import seed_range
    from driftline.sim.config.resolve import from_texts

    numbers, overrides = seed_range(seeds), from_texts(set_ or [])
    if own := names(procedures):
        overrides = {**overrides, "grade.procedures": own}
    if own := names(estimators):
        overrides = {**overrides, "grade.estimators": own}
    with live_progress(("replication",), len(numbers)) as progress:
        found = graded(scenario, numbers, overrides, out, jobs, progress)
    rows = grade_rows(found.grades)
    print_table(rows, as_json=json, title=f"{found.scenario}: coverage of 95 % intervals, bias and error")
    if not json:
        for finding in sorted(found.findings, key=lambda each: not each.stated):
            typer.echo(finding.text)
        typer.echo(f"heat map: {found.folder / 'grades.html'}")


def ope(
    log: LogOrRun,
    policy: Annotated[str | None, typer.Option("--policy", help="Your function, as module:function.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Of a run: the agent to judge.")] = None,
    at: Annotated[float | None, typer.Option("--at", help="Of a run: the day on which the target is frozen.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Of a run: the agent whose log it is.")] = None,
    columns: Columns = "",
    context: Annotated[str, typer.Option("--context", help="Columns for the reward model: a,b,c.")] = "",
    estimators: Annotated[
        str | None, typer.Option("--estimators", help="ips,snips,module:Class,...; default: all of ours.")
    ] = None,
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
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of a run: which one (the first); of bootstrap and folds: 0.")
    ] = None,
    json: AsJson = False,
    html: Html = None,
) -> None:
    """Check a log of decisions, then say what your policy would have earned in place of the one that wrote it.

    Of a run: what another agent would have earned, frozen on a day, beside the truth.
    """
    from driftline.scenarios.api import open_run
    from driftline.scenarios.cli.tables import checked_page, print_verdict, refuse
    from driftline.scenarios.own_log.ope import ope_as_asked
    from driftline.scenarios.own_log.single import Asked

    checked_page(html)
    asked = Asked(
        None if estimators is None else tuple(names(estimators)),
        named_numbers("--lambdas", lambdas),
        interval,  # type: ignore[arg-type]  # checked before any work
        level,
        bounds(reward_range, largest_weight),
        period,
        seed or 0,
    )
    of_files = {"--policy": policy, "--columns": columns, "--context": context}
    of_files["--reward-model"] = reward_model.removeprefix("auto")
    of_runs = {"--target": target, "--at": at, "--agent": agent}
    if log.is_dir():
        refuse(f"'{log}' is a run folder", "a log file", of_files)
        if target is None or at is None:
            raise InputError(
                f"'{log}' is a run folder: state --target AGENT and --at DAY, the day on which it is frozen"
            )
        found = open_run(log).ope(target, at, agent, seed, asked)
    else:
        refuse(f"'{log}' is no folder", "a run folder", of_runs)
        found = ope_as_asked(log, policy, stated_columns(columns), names(context), reward_model, asked)
    print_verdict(found, json, html)


def ab(
    log: LogPath,
    columns: Columns = "",
    control: Annotated[str | None, typer.Option("--control", help="The arm to compare with.")] = None,
    share: Annotated[
        str | None, typer.Option("--share", help="Planned share of the treatment (.5), or of all: A=.5,B=.25,C=.25.")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            help="COLUMN=KIND,...: sum, mean, ratio, conversion, p90, sum@p99 or MODULE:CLASS; the first decides.",
        ),
    ] = None,
    bounds: Annotated[
        str, typer.Option("--bounds", help="Least and most that a user may bring, known beforehand: revenue=0:500.")
    ] = "",
    guardrails: Annotated[
        str, typer.Option("--guardrails", help="What may be lost: latency=+20 (rise), rating=-.1 (fall).")
    ] = "",
    level: Level = 0.95,
    planned: Annotated[
        int, typer.Option("--planned", help="Users near which the always-valid interval is tightest.")
    ] = 5000,
    json: AsJson = False,
    html: Html = None,
) -> None:
    """Check the log of an experiment, sample ratio first, then compare every arm with the control."""
    from driftline.scenarios.cli.tables import checked_page, print_verdict
    from driftline.scenarios.own_log.ab import ab as of_log

    checked_page(html)
    found = of_log(
        log,
        columns=stated_columns(columns),
        control=control,
        share=share_text(share),
        metrics=None if metrics is None else names(metrics),
        bounds=named_bounds("--bounds", bounds),
        guardrails=named_numbers("--guardrails", guardrails),
        level=level,
        planned=planned,
    )
    print_verdict(found, json, html)


def tune(
    scenario: ScenarioName,
    agents: Annotated[str, typer.Option("--agents", help="Agent ids, separated by commas.")] = "full",
    trials: Annotated[int, typer.Option("--trials", min=1, help="Parameter sets per agent.")] = 40,
    seeds: Annotated[str, typer.Option("--seeds", help="Validation seeds.")] = "0:5",
    set_: Overrides = None,
    jobs: Jobs = 1,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where tuned values go; default: where runs find them.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Search each agent's parameters for the lowest mean regret; write the best ones and all trials."""
    from driftline.scenarios import api
    from driftline.scenarios.agent_names import split_ids, tuned_folder, write_tuned
    from driftline.scenarios.cli.live import live_progress
    from driftline.scenarios.cli.tables import print_table
    from driftline.scenarios.hashes import world_hash
    from driftline.scenarios.run_folder import make_folder
    from driftline.scenarios.schema import seed_range
    from driftline.scenarios.tune import search_space, write_trials
    from driftline.scenarios.tune import tune as search
    from driftline.sim.config.resolve import from_texts

    whole, numbers = api.prepared(scenario, split_ids(agents), seed_range(seeds), from_texts(set_ or []))
    place = make_folder(folder or tuned_folder())
    spaces = {agent: search_space(whole, agent) for agent in whole.agents}
    with live_progress(whole.agents, trials * len(numbers)) as progress:
        found = search(whole, spaces, trials, numbers, jobs, progress or (lambda agent, seed, share: None))
    facts = {
        "world_hash": world_hash(whole),
        "seeds": list(numbers),
        "trials": trials,
        "regret": {each.agent: round(each.best.mean, 6) for each in found},
    }
    path = write_tuned(whole, {each.agent: each.best.params for each in found}, facts, place)
    write_trials(found, numbers, place / f"{whole.name}-trials.csv")
    for each in found:
        for warning in each.warnings:
            print(f"driftline: {warning}", file=sys.stderr)
    rows = [{"agent": e.agent, "regret": e.best.mean, "trials": len(e.trials), **e.best.params} for e in found]
    print_table(rows, as_json=json, title=f"written to {path}")
