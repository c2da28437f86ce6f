"""Options that several commands share, and how their texts are read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driftline.sim.errors import InputError

if TYPE_CHECKING:
    from driftline.evaluation.off_policy import Bounds

ScenarioName = Annotated[str, typer.Argument(metavar="SCENARIO", help="Name of a scenario, or the path of its file.")]
Agents = Annotated[str, typer.Option("--agents", help="Agent ids, separated by commas.")]
Seeds = Annotated[str, typer.Option("--seeds", help="How many (3), or a half-open range (5:10).")]
SomeSeeds = Annotated[
    str | None,
    typer.Option("--seeds", help="How many (3), or a half-open range (5:10); of a run folder by default all it has."),
]
OwnMetrics = Annotated[
    str, typer.Option("--metrics", metavar="MODULE:CLASS,...", help="Metrics of your own, beside the built-in ones.")
]
OwnProcedures = Annotated[
    str,
    typer.Option(
        "--procedures", metavar="MODULE:CLASS,...", help="Further experiment procedures: your own, or by name."
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, such as population.users=500."),
]
Jobs = Annotated[int, typer.Option("--jobs", help="Processes; the results are the same for any number.")]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder; default runs/<scenario>-<hash>.")]
KeptVisits = Annotated[Path | None, typer.Option("--out", help="Folder that keeps the visits; default: none are kept.")]
GradeFolder = Annotated[Path | None, typer.Option("--out", help="Folder; default runs/grade-<scenario>-<hash>.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
LogPath = Annotated[Path, typer.Argument(metavar="LOG", help="Your log: a .csv, .tsv (.gz too) or .parquet file.")]
LogOrRun = Annotated[Path, typer.Argument(metavar="LOG|RUN", help="Your log (.csv, .tsv, .parquet), or a run folder.")]
Columns = Annotated[
    str, typer.Option("--columns", metavar="ROLE=COLUMN,...", help="Which column is what: reward=clicked,user=uid.")
]
Level = Annotated[float, typer.Option("--level", help="Confidence level of the intervals.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with a figure as well.")]


def names(text: str) -> list[str]:
    """`a,b` as two names."""
    return [each.strip() for each in text.split(",") if each.strip()]


def stated_columns(text: str) -> dict[str, str]:
    """`--columns reward=clicked,user=uid` as a mapping from role to column.

    Raises:
        InputError: something that is not role=column, or a role stated twice.
    """
    found: dict[str, str] = {}
    for pair in names(text):
        role, equals, column = (piece.strip() for piece in pair.partition("="))
        if not (role and equals and column):
            raise InputError(f"--columns {pair!r}: must be role=column, for instance reward=clicked")
        if role in found:
            raise InputError(f"--columns: {role!r} is stated twice, as {found[role]!r} and as {column!r}")
        found[role] = column
    return found


def named_numbers(option: str, text: str) -> dict[str, float]:
    """`a=1,b=2` as a mapping."""
    found: dict[str, float] = {}
    for pair in names(text):
        name, equals, number = (piece.strip() for piece in pair.partition("="))
        if not (name and equals):
            raise InputError(f"{option} {pair!r}: must be name=number")
        found[name] = _number(f"{option} {name}", number)
    return found


def named_bounds(option: str, text: str) -> dict[str, tuple[float, float]]:
    """`a=0:1,b=-1:5` as a mapping to (low, high)."""
    found: dict[str, tuple[float, float]] = {}
    for pair in names(text):
        name, _, ends = (piece.strip() for piece in pair.partition("="))
        low, colon, high = ends.partition(":")
        if not (name and colon):
            raise InputError(f"{option} {pair!r}: must be name=low:high, such as revenue=0:500")
        found[name] = (_number(f"{option} {name}", low), _number(f"{option} {name}", high))
    return found


def share_text(text: str | None) -> float | dict[str, float] | None:
    """`--share .5`, or a share for every arm."""
    if text is None:
        return None
    return named_numbers("--share", text) if "=" in text else _number("--share", text)


def bounds(reward_range: str | None, largest_weight: float | None) -> "Bounds | None":
    """`--reward-range 0,1` and `--largest-weight 20`; null where neither is stated."""
    from driftline.evaluation.off_policy import Bounds

    if reward_range is None and largest_weight is None:
        return None
    if reward_range is None:
        return Bounds(weight=largest_weight)
    pair = names(reward_range)
    if len(pair) != 2:
        raise InputError(f"--reward-range {reward_range}: must be two numbers, such as 0,1")
    return Bounds((_number("--reward-range", pair[0]), _number("--reward-range", pair[1])), largest_weight)


def _number(what: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{what} {text!r}: must be a number") from None
