"""The tables of docs/results.md: who gains by reading and predicting, where, and where nobody can.

Usage: python benchmarks/results.py [--seeds 100:105] [--jobs 2] [--out runs/results] [--only NAME]
Prints Markdown. Ratios are of mean regret, `full` over the row's agent, geometric mean over seeds, 95 % t-interval
of the paired log ratios; below 1, `full` is better.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from driftline.scenarios.api import run

ALONE = "full[reads=false,foresees=false]"
"""Ours without the predictor: no reader, no head; item vectors from text stay."""
HEADLESS = "full[foresees=false]"
MIXED = "full[evolution=moving_average]"
STEPPED = "full[evolution=online_gradient]"
DEAF = "full[predictor=noise]"
BLIND = "full[predictor=none]"


@dataclass(frozen=True)
class Table:
    """One world and the agents that meet in it, ours first."""

    name: str
    scenario: str
    agents: tuple[str, ...]
    overrides: Mapping[str, Any] = field(default_factory=dict)


TABLES = (
    Table(
        "abrupt_shift",
        "abrupt_shift",
        (
            "full", "moving_average", "online_gradient", MIXED, STEPPED, ALONE, HEADLESS, DEAF, BLIND,
            "static_mf", "popularity", "random", "oracle",
        ),
    ),
    Table("scrambled", "abrupt_shift", ("full", BLIND, ALONE, "moving_average"), {"text.scramble": True}),
    Table("plain", "plain", ("full", ALONE, DEAF, "moving_average", "online_gradient")),
    Table(
        "interest_flow",
        "interest_flow",
        ("full", HEADLESS, ALONE, "moving_average", "online_gradient", MIXED, STEPPED, "oracle"),
    ),
    Table("no_flow", "interest_flow", ("full", HEADLESS), {"groups.flowing.laws.flow.rate": 0.0}),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="100:105")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/results"))
    parser.add_argument("--only", choices=[table.name for table in TABLES])
    chosen = parser.parse_args()
    first, last = (int(word) for word in chosen.seeds.split(":"))
    for table in TABLES:
        if chosen.only in (None, table.name):
            print(markdown(table, range(first, last), chosen.out, chosen.jobs), flush=True)


def markdown(table: Table, seeds: range, out: Path, jobs: int) -> str:
    """Run one table's world and render it."""
    metrics = run(table.scenario, table.agents, seeds, table.overrides, out / table.name, jobs).metrics
    means = {metric: per_seed(metrics, metric, table.agents) for metric in ("regret", "reward", "ctr")}
    lines = [
        f"### {table.name}",
        "",
        "| agent | regret | full / it | reward | click rate |",
        "|---|---|---|---|---|",
    ]
    for agent in table.agents:
        regret, reward, clicks = (means[metric][agent] for metric in means)
        ratio = "" if agent in ("full", "oracle") else interval(means["regret"]["full"] / regret)
        lines.append(f"| `{agent}` | {regret.mean():.4f} | {ratio} | {reward.mean():.3f} | {clicks.mean():.3f} |")
    return "\n".join(lines) + "\n"


def per_seed(metrics: pl.DataFrame, metric: str, agents: tuple[str, ...]) -> dict[str, np.ndarray[Any, Any]]:
    """Values over the whole judged time, one per seed."""
    rows = metrics.filter(
        (pl.col("metric") == metric) & (pl.col("window") == "all") & pl.col("seed").is_not_null()
    ).sort("seed")
    return {agent: rows.filter(pl.col("agent") == agent)["value"].to_numpy() for agent in agents}


def interval(ratios: np.ndarray[Any, Any]) -> str:
    """Geometric mean and its 95 % t-interval."""
    logs = np.log(ratios)
    middle = float(np.exp(logs.mean()))
    if len(logs) < 2:
        return f"{middle:.3f}"
    half = float(stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs)))
    return f"{middle:.3f} [{middle * np.exp(-half):.3f}, {middle * np.exp(half):.3f}]"


if __name__ == "__main__":
    main()
