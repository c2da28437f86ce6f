"""The report's tables: numbers as text, in the order in which a reader needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isinf, isnan

import polars as pl

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.metrics import METRICS, Measure
from driftline.evaluation.report.style import ORACLE
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.paired import compare

HEADLINE = (
    "regret",
    "regret_in_item_space",
    "reward",
    "ctr",
    "tracking_error",
    "rank_correlation",
    "adaptation_delay",
    "recovery_time",
)
"""The headline's columns of METRICS; metrics of the user's own follow them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, its interval, and whether it is the best of its column (the oracle aside)."""

    value: str
    interval: str
    best: bool


Table = tuple[tuple[Measure, ...], list[tuple[str, list[Cell]]]]
"""Columns, and one row of cells per agent, by regret."""
Numbers = dict[tuple[str, str], tuple[float | None, float | None, float | None]]
"""Value and limits by (agent, metric)."""


def headline(metrics: pl.DataFrame, known: Mapping[str, Measure] = METRICS) -> Table:
    """The first table: the headline's columns and metrics of the user's own, as far as the run has them."""
    own = [measure for measure in known.values() if measure.section == "own"]
    return _table(metrics, [*(known[name] for name in HEADLINE), *own])


def more(metrics: pl.DataFrame, known: Mapping[str, Measure] = METRICS) -> Table:
    """The second table, which stands folded below the headline: every other metric but costs."""
    return _table(metrics, [m for m in known.values() if m.id not in HEADLINE and m.section not in ("own", "cost")])


def by_regret(metrics: pl.DataFrame) -> list[str]:
    """Agents with the least regret first; those without one last."""
    rows = _pooled(metrics).filter(pl.col("metric") == "regret").sort("value", maintain_order=True)
    ranked: list[str] = rows["agent"].to_list()
    others = [agent for agent in metrics["agent"].unique(maintain_order=True) if agent not in ranked]
    return [*ranked, *others]


def paired_rows(run: RunFolder, first: str) -> list[dict[str, str]]:
    """The first agent against each other one: first minus rival, with interval, in reward and regret."""
    rows = []
    for rival in run.agents:
        if rival == first:
            continue
        reward, regret = compare(run, rival, first, "reward"), compare(run, rival, first, "regret")
        notes = dict.fromkeys([*reward.notes, *regret.notes])
        rows.append(
            {
                "rival": rival,
                "regret": _signed(regret.difference),
                "verdict": _verdict(regret.difference),
                "ratio": _ratio(regret.ratio),
                "regret_mde": _plain(regret.smallest_difference),
                "reward": _signed(reward.difference),
                "reward_mde": _plain(reward.smallest_difference),
                "variance": _times(reward.variance_reduction),
                "notes": "; ".join(notes),
            }
        )
    return rows


def cost_rows(run: RunFolder, agents: list[str]) -> list[dict[str, str]]:
    """Seconds and bytes by agent, means over seeds; wall time also as visits per second."""
    rows = []
    for agent in agents:
        timings = [run.timing(agent, seed) for seed in run.seeds]
        n = len(timings)
        wall, visits = sum(t.wall for t in timings) / n, sum(t.visits for t in timings) / n
        rows.append(
            {
                "agent": agent,
                "p50": duration(sum(t.act_p50 for t in timings) / n),
                "p99": duration(sum(t.act_p99 for t in timings) / n),
                "wall": duration(wall),
                "rate": f"{visits / wall:,.0f}" if wall > 0 else "",
                "memory": f"{sum(t.peak_memory for t in timings) / n / 2**20:,.0f} MiB",
            }
        )
    return rows


def duration(seconds: float) -> str:
    """Seconds in the unit that a reader can take in."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:,.3g} {unit}" if seconds / size < 1000 else f"{seconds / size:,.0f} {unit}"
    return f"{seconds / 1e-6:,.3g} µs"


def _table(metrics: pl.DataFrame, columns: Sequence[Measure]) -> Table:
    numbers = _numbers(metrics)
    agents = by_regret(metrics)
    measures = tuple(m for m in columns if any((agent, m.id) in numbers for agent in agents))
    best = {measure.id: _best(numbers, agents, measure) for measure in measures}
    rows = []
    for agent in agents:
        cells = [_cell(numbers.get((agent, m.id)), m, agent in best[m.id]) for m in measures]
        rows.append((agent, cells))
    return measures, rows


def _pooled(metrics: pl.DataFrame) -> pl.DataFrame:
    return metrics.filter(pl.col("seed").is_null() & (pl.col("window") == "all"))


def _numbers(metrics: pl.DataFrame) -> Numbers:
    rows = _pooled(metrics).select("agent", "metric", "value", "low", "high").iter_rows()
    return {(agent, metric): (value, low, high) for agent, metric, value, low, high in rows}


def _best(numbers: Numbers, agents: list[str], measure: Measure) -> set[str]:
    """Who is best of those that can lose: the oracle knows the truth and does not compete."""
    if measure.better is None:
        return set()
    known = {
        agent: numbers[agent, measure.id][0] for agent in agents if agent != ORACLE and (agent, measure.id) in numbers
    }
    values = {agent: value for agent, value in known.items() if value is not None}
    if len(values) < 2:
        return set()
    top = min(values.values()) if measure.better == "low" else max(values.values())
    return {agent for agent, value in values.items() if value == top}


def _cell(number: tuple[float | None, float | None, float | None] | None, measure: Measure, best: bool) -> Cell:
    if number is None:
        return Cell("none" if measure.censored else "—", "", best=False)
    value, low, high = number
    if value is None:
        return Cell(f"> {low:.0f}" if low is not None else "—", "", best=False)
    return Cell(_round(value, measure.digits), _interval(low, high, measure.digits), best)


def _round(x: float, digits: int) -> str:
    text = f"{x:.{digits}f}".replace("-", "−")
    return text.lstrip("−") if not text.strip("−0.") else text


def _interval(low: float | None, high: float | None, digits: int) -> str:
    if low is None:
        return ""
    return f"{_round(low, digits)} to {'?' if high is None else _round(high, digits)}"


def _signed(found: Estimate) -> str:
    text = f"{found.value:+.4f}".replace("-", "−")
    if isnan(found.low):
        return text
    return f"{text} ({_round(found.low, 4)} to {_round(found.high, 4)})"


def _ratio(found: Estimate) -> str:
    if isnan(found.value):
        return "—"
    if isnan(found.low):
        return f"{found.value:.3f}"
    high = f"{found.high:.3f}" if found.high < 1e3 else "over 1000"
    return f"{found.value:.3f} ({found.low:.3f} to {high})"


def _plain(x: float) -> str:
    return f"{x:.4f}" if isfinite(x) else "—"


def _times(x: float) -> str:
    return "all effects equal" if isinf(x) else f"{x:.1f} ×"


def _verdict(regret: Estimate) -> str:
    if regret.high < 0:
        return "better"
    if regret.low > 0:
        return "worse"
    if regret.low == regret.high == 0:
        return "identical"
    return "not told apart"
