"""`driftline show`: one user's life in a run."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from driftline.scenarios.commands.options import AsJson, RunPath

if TYPE_CHECKING:
    from driftline.scenarios.timeline import Moment, Shares, Timeline


def show(
    run: RunPath,
    user: Annotated[int, typer.Option("--user", help="The user's pseudonym, as in the logs.")],
    agent: Annotated[str | None, typer.Option("--agent", help="Default: the run's first agent.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Default: the run's first seed.")] = None,
    first: Annotated[float, typer.Option("--from", help="Day to begin with.")] = 0.0,
    visits: Annotated[int, typer.Option("--visits", min=1, help="Most visits to show.")] = 10,
    json: AsJson = False,
) -> None:
    """Show what a user was shown, took, wrote and rated, beside what the user truly wanted."""
    from driftline.scenarios.run_result import open_run
    from driftline.scenarios.timeline import timeline

    found = open_run(run)
    agent = agent if agent is not None else found.agents[0]
    seed = seed if seed is not None else found.seeds[0]
    life = timeline(found, agent, seed, user, first, visits)
    if json:
        from json import dumps

        print(dumps({"agent": agent, "seed": seed, **asdict(life)}, indent=2))
        return
    print(f"user {life.user}, group {life.group or 'unknown'}; agent {agent}, seed {seed}")
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
    lines += [f"  wrote   {text}" for text in moment.written]
    lines += [f"  bought  {title}" for title in moment.bought]
    if moment.after:
        lines.append(f"  then wants {_topics(moment.after)}")
    return lines


def _response(moment: "Moment") -> str:
    parts = [f"{moment.dwell:.0f} s"]
    if moment.rating is not None:
        parts.append(f"rated {moment.rating:g}")
    if moment.satisfaction is not None:
        parts.append(f"satisfaction {moment.satisfaction:+.2f}")
    return f"   ({', '.join(parts)})"


def _topics(shares: "Shares") -> str:
    return ", ".join(f"{topic} {share:.0%}" for topic, share in shares)
