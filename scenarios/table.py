"""Tables for people and the same rows as JSON for programs."""

import json
from collections.abc import Mapping, Sequence

import polars as pl

Row = Mapping[str, object]
HEADLINE = ("regret", "tracking_error", "reward", "adaptation_delay", "act_p50")
"""What `driftline run` prints, in this order, where the run has it."""


def headline(metrics: pl.DataFrame) -> list[dict[str, object]]:
    """One row per agent, lowest regret first: the whole run, all seeds together, with 95 % intervals."""
    whole = metrics.filter(pl.col("seed").is_null() & (pl.col("window") == "all"))
    rows: dict[str, dict[str, object]] = {
        str(agent): {"agent": agent} for agent in metrics["agent"].unique(maintain_order=True)
    }
    for metric in HEADLINE:
        for found in whole.filter(pl.col("metric") == metric).iter_rows(named=True):
            rows[found["agent"]] |= {
                metric: found["value"],
                f"{metric}_low": found["low"],
                f"{metric}_high": found["high"],
            }
    return sorted(rows.values(), key=lambda row: (row.get("regret") is None, row.get("regret") or 0.0))


def print_table(rows: Sequence[Row], as_json: bool, title: str = "") -> None:
    """Print rows; `x_low` and `x_high` stand in brackets behind `x`."""
    if as_json:
        print(json.dumps(rows, indent=2, default=str, allow_nan=False))
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
