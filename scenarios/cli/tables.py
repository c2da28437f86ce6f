"""What commands print: tables for people, and the same rows as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from driftline.evaluation.estimate import ENOUGH_SEEDS, Estimate
from driftline.scenarios.api import Run
from driftline.scenarios.own_log.verdict import Verdict
from driftline.sim.errors import InputError

if TYPE_CHECKING:
    from driftline.scenarios.experiment.readings import Experiment

GRADES = ("bias", "rmse", "coverage", "width", "rejected", "warned")
"""What `driftline grade` prints."""
Row = Mapping[str, object]
HEADLINE = ("regret", "tracking_error", "reward", "adaptation_delay", "act_p50")
"""What `driftline run` prints of METRICS, in this order, where the run has it; metrics of the user's own follow."""


def print_table(rows: Sequence[Row], as_json: bool, title: str = "") -> None:
    """Print rows; `x_low` and `x_high` stand in brackets behind `x`."""
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    names = list(dict.fromkeys(name for row in rows for name in row))
    shown = [name for name in names if not (name.endswith(("_low", "_high")) and name.rpartition("_")[0] in names)]
    table = Table(title=_plain(title) or None, title_justify="left", box=None, pad_edge=False)
    for name in shown:
        table.add_column(name, justify="left" if any(isinstance(row.get(name), str) for row in rows) else "right")
    for row in rows:
        table.add_row(*(_plain(_cell(row, name)) for name in shown))
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 200)
    console.print(table)


def print_experiment(found: "Experiment", scenario: str, as_json: bool, html: Path | None) -> None:
    """Its conclusion first, then every reading; numbers of warnings in the table, the texts below it."""
    from driftline.scenarios.experiment.conclusion import conclusion
    from driftline.scenarios.experiment.page import write_page

    if html is not None:
        write_page(found, scenario, html)
    told, rows = conclusion(found), found.rows()
    if as_json:
        seeds = {"seeds": found.seeds, "users": found.users}
        print_json({"pair": found.pair, "metric": found.metric, **seeds, "conclusion": told, "readings": rows})
        return
    print(*told, sep="\n")
    texts = list(dict.fromkeys(str(row["warnings"]) for row in rows if row["warnings"]))
    numbers = {text: str(number) for number, text in enumerate(texts, start=1)}
    shown = [{name: value for name, value in row.items() if name not in ("method", "warnings")} for row in rows]
    for line, row in zip(shown, rows, strict=True):
        line["see"] = numbers.get(str(row["warnings"]), "")
    counts = f"{listed(found.seeds)}; {found.users:,} users"
    how = f"{found.design.kind} design, {found.training} training"
    print()
    print_table(
        shown, as_json=False, title=f"{found.pair[1]} - {found.pair[0]}, {found.metric} a visit, {how}; {counts}"
    )
    _print_warnings(texts)
    print("\nwhat the arms share:")
    for part in found.state:
        print(f"  {part.scope:6s}  {part.name}: {part.why}")
    if html is not None:
        print(f"\npage: {html}")


def _print_warnings(lines: Sequence[str]) -> None:
    if lines:
        print("\nwarnings:")
    for number, line in enumerate(lines, start=1):
        print(f"{number:>3}  {line}")


def print_json(document: object) -> None:
    """What programs read; what JSON does not know is printed as text."""
    print(json.dumps(document, indent=2, default=str, allow_nan=False))


def _cell(row: Row, name: str) -> str:
    value, low, high = row.get(name), row.get(f"{name}_low"), row.get(f"{name}_high")
    if value is None and low is not None:
        return f"> {_number(low)}"  # censored: longer than could be seen
    if low is None or high is None:
        return _number(value)
    return f"{_number(value)} [{_number(low)}, {_number(high)}]"


def _number(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """Brackets are not markup here."""
    return text.replace("[", "\\[")


def headline(metrics: pl.DataFrame) -> list[dict[str, object]]:
    """One row per agent, lowest regret first: the whole run, all seeds together, with 95 % intervals."""
    from driftline.evaluation.metrics import METRICS

    own = [metric for metric in metrics["metric"].unique(maintain_order=True) if metric not in METRICS]
    whole = metrics.filter(pl.col("seed").is_null() & (pl.col("window") == "all"))
    rows: dict[str, dict[str, object]] = {
        str(agent): {"agent": agent} for agent in metrics["agent"].unique(maintain_order=True)
    }
    for metric in (*HEADLINE, *own):
        for found in whole.filter(pl.col("metric") == metric).iter_rows(named=True):
            rows[found["agent"]] |= {
                metric: found["value"],
                f"{metric}_low": found["low"],
                f"{metric}_high": found["high"],
            }
    return sorted(rows.values(), key=lambda row: (row.get("regret") is None, row.get("regret") or 0.0))


def comparison_rows(
    run: Run, a: str, b: str, more: Sequence[str] = (), seeds: Sequence[int] | None = None
) -> list[dict[str, object]]:
    """One row per metric: mean of each agent, difference b - a with its 95 % interval, ratio, notes, and of how many.

    Regret, reward, the metrics that the run's scenario names, and `more`. seeds: None for all that the run folder has.
    Below five the interval over users stands beside that over seeds. `users` are the pairs in all seeds.
    """
    rows: list[dict[str, object]] = []
    for metric in dict.fromkeys(("regret", "reward", *run.own_metrics, *more)):
        found = run.compare(a, b, metric, seeds)
        count = found.effects["seed"].n_unique()
        few = 1 < count < ENOUGH_SEEDS
        rows.append(
            {
                "metric": found.metric,
                a: _finite(found.effects["a"].mean()),
                b: _finite(found.effects["b"].mean()),
                "difference": _finite(found.difference.value),
                "difference_low": _finite(found.difference.low),
                "difference_high": _finite(found.difference.high),
                **(_limits("over users", found.over_users) if few else {}),
                "ratio": _finite(found.ratio.value),
                "ratio_low": _finite(found.ratio.low),
                "ratio_high": _finite(found.ratio.high),
                "smallest_difference": _finite(found.smallest_difference),
                "seeds": count,
                "users": len(found.effects),
                "notes": "; ".join(found.notes),
            }
        )
    return rows


def _limits(name: str, found: Estimate) -> dict[str, object]:
    ends = {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    return {key: _finite(value) for key, value in ends.items()}


def print_comparison(rows: Sequence[Row], title: str) -> None:
    """The rows of a comparison, and what a reader must know of them below the table."""
    print_table(
        [{name: value for name, value in row.items() if name != "notes"} for row in rows], as_json=False, title=title
    )
    for note in dict.fromkeys(str(row["notes"]) for row in rows if row["notes"]):
        print(f"note: {note}")


def listed(seeds: Sequence[int]) -> str:
    """`seeds 0, 1, 2`; many in a row as `seeds 0 to 99`."""
    one_by_one = ", ".join(map(str, seeds))
    in_a_row = len(seeds) > 8 and list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"seed{'s' if len(seeds) > 1 else ''} {f'{seeds[0]} to {seeds[-1]}' if in_a_row else one_by_one}"


def grade_rows(grades: pl.DataFrame) -> list[dict[str, object]]:
    """One row per method, what it estimates and in which world."""
    return [
        {"method": row["method"], "of": row["target"], "on": row["policy"]}
        | {name: _finite(row[name]) for name in GRADES}
        for row in grades.iter_rows(named=True)
    ]


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def checked_page(path: Path | None) -> None:
    """Whether a page can be written there, before any work is done."""
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"--html {str(path)!r}: is a folder, not a file")
    if not path.parent.is_dir():
        raise InputError(f"--html {str(path)!r}: the folder {str(path.parent)!r} does not exist")


def print_verdict(verdict: Verdict, as_json: bool, html: Path | None) -> None:
    """Print it, and write the page where one is asked for."""
    if html is not None:
        verdict.write_page(html)
    if as_json:
        print_json(verdict.document())
        return
    print_table(verdict.check_rows(), as_json=False, title=verdict.title)
    if verdict.alarm:
        print(f"\n!!! {verdict.alarm} !!!")
    if verdict.answer:
        print(f"\n{verdict.answer}")
    if verdict.arms:
        print()
        print_table(verdict.arms, as_json=False)
    print()
    print_table(verdict.rows(), as_json=False, title=f"in brackets: {100 * verdict.level:g} % intervals")
    for title, rows in verdict.tables.items():
        if rows:
            print()
            print_table(rows, as_json=False, title=title)
    _print_warnings(verdict.warnings)
    if html is not None:
        print(f"\npage: {html}")


def refuse(what: str, needed: str, options: Mapping[str, object]) -> None:
    """`InputError` for the first of these options that is stated: it belongs to something else."""
    for name, value in options.items():
        if value not in (None, ""):
            raise InputError(f"{what}: {name} belongs to {needed}")
