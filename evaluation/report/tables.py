"""The report's tables: numbers as text, in the order in which a reader needs them."""

from dataclasses import dataclass
from math import isfinite, isinf, isnan

import polars as pl

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.report.style import ORACLE
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.paired import compare

Numbers = dict[tuple[str, str], tuple[float | None, float | None, float | None]]
"""Value and limits by (agent, metric)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the headline table."""

    metric: str
    title: str
    meaning: str
    better: int
    """-1: less is better; 1: more is better; 0: neither."""
    digits: int = 3


MEASURES = (
    Measure("regret", "regret", "reward missed per visit, against the best slate at that moment", -1),
    Measure(
        "regret_in_item_space",
        "regret in own item space",
        "the same, against the best slate that the agent's own picture of the items allows: what following "
        "costs, without what the picture costs; below 0 where the agent uses more than that picture",
        -1,
    ),
    Measure("reward", "reward", "what users got per visit, in the scenario's own reward", 1),
    Measure("ctr", "click rate", "share of visits in which anything was taken", 1),
    Measure(
        "tracking_error",
        "tracking error",
        "distance between believed and true interest (Jensen-Shannon, nats: 0 is perfect, 0.69 the worst)",
        -1,
    ),
    Measure(
        "rank_correlation",
        "rank correlation",
        "whether the probe items are ordered as the user would order them (1 perfect, 0 blind)",
        1,
        2,
    ),
    Measure(
        "adaptation_delay",
        "adaptation delay",
        "visits until 90 % of the loss after a change of interest is made up (“none”: no loss to make up; "
        "“> n”: not within n visits)",
        -1,
        0,
    ),
    Measure("recovery_time", "recovery time", "the same in days", -1, 0),
)
"""The headline's columns."""

MORE = (
    Measure("dynamic_regret", "dynamic regret", "regret summed over a user's visits, mean over users", -1, 1),
    Measure(
        "forgetting",
        "forgetting",
        "regret at the first five visits of a returning interest, less that at the last five before it went",
        -1,
    ),
    Measure(
        "savings",
        "savings",
        "regret at the first five visits of an interest when it was new, less that at its return",
        1,
    ),
    Measure("cold_start_plateau", "new users' plateau", "regret at the 16th to 20th visit of a new user", -1),
    Measure(
        "cold_start_learned",
        "new users learned",
        "visits until 90 % of the way from a new user's first visit to that plateau is made",
        -1,
        0,
    ),
    Measure(
        "topic_recall", "topic recall", "share of a user's three strongest topics among the three most believed", 1, 2
    ),
    Measure(
        "belief_entropy_excess",
        "entropy excess",
        "entropy of believed less true interest in nats: above 0, less sure than the user is",
        0,
    ),
    Measure("coverage", "coverage", "share of the items on the shelf that anybody was shown", 0, 2),
    Measure("gini", "Gini", "how unequally the places are shared among those items (0: evenly)", 0, 2),
    Measure("self_information", "novelty", "mean surprise of the items shown, in bits", 0, 2),
    Measure("aplt", "long tail", "share of the items shown that are in the long tail", 0, 2),
    Measure("intra_list_diversity", "diversity", "mean cosine distance of the topics of two items of one slate", 0, 2),
    Measure(
        "topic_entropy_change",
        "change of topic entropy",
        "entropy of the topics users take, last third of the days less first, in bits; below 0: narrower",
        0,
        2,
    ),
)
"""The columns of the second table, which stands folded below the headline."""
CAN_BE_CENSORED = ("adaptation_delay", "recovery_time", "cold_start_learned")


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, its interval, and whether it is the best of its column (the oracle aside)."""

    value: str
    interval: str
    best: bool


def by_regret(metrics: pl.DataFrame) -> list[str]:
    """Agents with the least regret first; those without one last."""
    rows = _pooled(metrics).filter(pl.col("metric") == "regret").sort("value", maintain_order=True)
    ranked: list[str] = rows["agent"].to_list()
    others = [agent for agent in metrics["agent"].unique(maintain_order=True) if agent not in ranked]
    return [*ranked, *others]


def headline(
    metrics: pl.DataFrame, columns: tuple[Measure, ...] = MEASURES
) -> tuple[tuple[Measure, ...], list[tuple[str, list[Cell]]]]:
    """Those of the columns that the run has, and one row of cells per agent, by regret."""
    numbers = _numbers(metrics)
    agents = by_regret(metrics)
    measures = tuple(m for m in columns if any((agent, m.metric) in numbers for agent in agents))
    best = {measure.metric: _best(numbers, agents, measure) for measure in measures}
    rows = []
    for agent in agents:
        cells = [_cell(numbers.get((agent, m.metric)), m, agent in best[m.metric]) for m in measures]
        rows.append((agent, cells))
    return measures, rows


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


def _pooled(metrics: pl.DataFrame) -> pl.DataFrame:
    return metrics.filter(pl.col("seed").is_null() & (pl.col("window") == "all"))


def _numbers(metrics: pl.DataFrame) -> Numbers:
    rows = _pooled(metrics).select("agent", "metric", "value", "low", "high").iter_rows()
    return {(agent, metric): (value, low, high) for agent, metric, value, low, high in rows}


def _best(numbers: Numbers, agents: list[str], measure: Measure) -> set[str]:
    """Who is best of those that can lose: the oracle knows the truth and does not compete."""
    if measure.better == 0:
        return set()
    known = {
        agent: numbers[agent, measure.metric][0]
        for agent in agents
        if agent != ORACLE and (agent, measure.metric) in numbers
    }
    values = {agent: measure.better * value for agent, value in known.items() if value is not None}
    if len(values) < 2:
        return set()
    top = max(values.values())
    return {agent for agent, value in values.items() if value == top}


def _cell(number: tuple[float | None, float | None, float | None] | None, measure: Measure, best: bool) -> Cell:
    if number is None:
        return Cell("none" if measure.metric in CAN_BE_CENSORED else "—", "", best=False)
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
