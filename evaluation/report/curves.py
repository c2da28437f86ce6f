"""The report's curves: reward and regret over time, at changes of interest, by group of users."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from driftline.evaluation.drift.adaptation import Rule, stacked, window_sums
from driftline.evaluation.report.style import GREY, INK, ORACLE, Figure, Line, drawing, label_ends, lines
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.visits import curve_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing


Visits = dict[tuple[str, int], pl.DataFrame]
"""Judged visits by (agent, seed)."""
SMOOTH = 3
"""Days of the centred mean."""
TITLES = {
    "reward": "What do users get from each recommendation, day by day?",
    "regret": "How much do users miss, day by day?",
}
UNITS = {"reward": "mean reward per visit", "regret": "mean regret per visit (reward missed)"}


def over_time(run: RunFolder, visits: Visits, metric: str) -> Figure:
    """Daily means of `reward` or `regret` by agent, smoothed over three days, with bands over users.

    The oracle's regret is 0 by definition and is not drawn.
    """
    agents = [agent for agent in run.agents if metric == "reward" or agent != ORACLE]
    frames = [_daily(agent, [visits[agent, seed] for seed in run.seeds], metric) for agent in agents]
    caption = (
        f"Lines: daily means smoothed over {SMOOTH} days, all seeds together. Bands: 95 % over users. "
        "Grey bars: share of visits that follow a change of that user's interest."
    )
    if metric == "regret":
        caption += " The oracle's regret is 0 by definition and is not drawn."
    data = pl.concat(frames) if frames else pl.DataFrame({"agent": [], "day": [], "value": []})
    return Figure(f"{metric}_over_time", caption, data, ("agent",), partial(_draw_days, metric))


def _daily(agent: str, seeds: list[pl.DataFrame], metric: str) -> pl.DataFrame:
    """Smoothed means by day with a band: users, whole, are the independent units."""
    day = np.concatenate([np.floor(frame["time"].to_numpy()).astype(np.int64) for frame in seeds])
    user = np.concatenate(
        [frame["user"].rank("dense").to_numpy().astype(np.int64) + 10**7 * k for k, frame in enumerate(seeds)]
    )
    values = np.concatenate([frame[metric].cast(pl.Float64).to_numpy() for frame in seeds])
    changed = np.concatenate([frame["change_point"].to_numpy() for frame in seeds])
    first, days = int(day.min()), int(day.max() - day.min()) + 1
    _, code = np.unique(user, return_inverse=True)
    size = int(code.max() + 1) * days
    cell = code * days + day - first
    total = window_sums(np.bincount(cell, values, minlength=size).astype(np.float64).reshape(-1, days), SMOOTH)
    count = window_sums(np.bincount(cell, minlength=size).astype(np.float64).reshape(-1, days), SMOOTH)
    seen = count.sum(axis=0) > 0
    total, count = total[:, seen], count[:, seen]
    mean = total.sum(axis=0) / count.sum(axis=0)
    n = (count > 0).sum(axis=0)
    residual = ((total - mean * count) ** 2).sum(axis=0) * n / np.maximum(n - 1, 1)
    reach = 1.96 * np.sqrt(residual) / count.sum(axis=0)
    visits = np.bincount(day - first, minlength=days)[seen]
    changes = np.bincount(day - first, changed, minlength=days)[seen]
    return pl.DataFrame(
        {
            "agent": [agent] * len(mean),
            "day": np.arange(first, first + days)[seen],
            "value": mean,
            "low": mean - reach,
            "high": mean + reach,
            "visits": visits,
            "changed": changes / np.maximum(visits, 1),
        }
    )


def _draw_days(metric: str, data: pl.DataFrame) -> "Drawing":
    from matplotlib.figure import Figure as Drawing

    with drawing(metric):
        figure = Drawing(figsize=(11, 4.8), layout="constrained")
        changes = bool((data["changed"] > 0).any())
        grid = figure.add_gridspec(2 if changes else 1, 1, height_ratios=[4, 1] if changes else [1])
        axes = figure.add_subplot(grid[0])
        _draw_agents(axes, data)
        axes.set_title(TITLES[metric])
        axes.set_ylabel(UNITS[metric])
        if changes:
            _draw_changes(figure.add_subplot(grid[1], sharex=axes), data)
            axes.tick_params(labelbottom=False)
        else:
            axes.set_xlabel("day of the run")
    return figure


def _draw_agents(axes: "Axes", data: pl.DataFrame) -> None:
    agents = data["agent"].unique(maintain_order=True).to_list()
    ends = []
    for agent, line in lines(agents).items():
        rows = data.filter(pl.col("agent") == agent)
        if rows.is_empty():
            continue
        _draw_line(axes, rows["day"].to_numpy() + 0.5, rows, line)
        ends.append((agent, float(rows["value"][-1]), line.color))
    days = data["day"].to_numpy()
    axes.set_xlim(float(days.min()), float(days.max()) + 1.0)
    label_ends(axes, ends, 0.06)


def _draw_line(axes: "Axes", x: NDArray[np.number], part: pl.DataFrame, line: Line) -> None:
    """One agent's means with their band."""
    axes.fill_between(x, part["low"], part["high"], color=line.color, alpha=0.14, linewidth=0)
    axes.plot(x, part["value"], color=line.color, linestyle=line.dash, linewidth=2)


def _draw_changes(axes: "Axes", data: pl.DataFrame) -> None:
    first = data.filter(pl.col("agent") == data["agent"][0])
    axes.bar(first["day"].to_numpy() + 0.5, 100 * first["changed"].to_numpy(), width=0.9, color=GREY)
    axes.set_ylabel("after a\nchange (%)", fontsize=9)
    axes.set_xlabel("day of the run")
    axes.grid(visible=False)


AT_CHANGES = (
    "Every change of interest is moved to 0, the first visit after it. Each change is compared with its own "
    "earlier level, so users with few visits do not bend the curve; what is drawn is the mean earlier level "
    "plus that mean excess, as a centred three-visit mean that never reaches across the change. Bands: 95 % "
    "over users. The sooner a line is back where it was, the faster the agent adapts."
)


def adaptation_curves(run: RunFolder, visits: Visits) -> Figure:
    """Mean regret aligned at change points, 10 visits before to 30 after, by agent, no oracle."""
    frames = [
        _around_changes(agent, [visits[agent, seed] for seed in run.seeds]) for agent in run.agents if agent != ORACLE
    ]
    data = pl.concat(frames) if frames else pl.DataFrame({"agent": [], "offset": [], "value": []})
    return Figure("adaptation", AT_CHANGES, data, ("agent",), _draw_at_changes)


def _around_changes(agent: str, seeds: list[pl.DataFrame]) -> pl.DataFrame:
    curve = stacked([curve_of(frame) for frame in seeds])
    _, count = curve.excess()
    smooth = curve.smoothed(Rule().window)
    excess, _ = smooth.excess()
    reach = 1.96 * smooth.error()
    value = curve.level() + excess
    frame = pl.DataFrame(
        {
            "agent": [agent] * len(value),
            "offset": curve.offsets,
            "value": value,
            "low": value - reach,
            "high": value + reach,
            "visits": count.astype(np.int64),
        }
    )
    return frame.filter(pl.col("visits") >= Rule().least_points)


def _draw_at_changes(data: pl.DataFrame) -> "Drawing":
    from matplotlib.figure import Figure as Drawing

    agents = data["agent"].unique(maintain_order=True).to_list()
    with drawing("adaptation"):
        figure = Drawing(figsize=(11, 4.8), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(-0.5, color=GREY, linewidth=1)
        ends = []
        for agent, line in lines(agents).items():
            rows = data.filter(pl.col("agent") == agent)
            if rows.is_empty():
                continue
            for part in (rows.filter(pl.col("offset") < 0), rows.filter(pl.col("offset") >= 0)):
                _draw_line(axes, part["offset"].to_numpy(), part, line)
            ends.append((agent, float(rows["value"][-1]), line.color))
        offsets = data["offset"].to_numpy()
        axes.set_xlim(float(offsets.min()), max(float(offsets.max()), float(offsets.min()) + 1.0))
        axes.set_ylim(bottom=min(0.0, float(data["value"].to_numpy().min())))
        axes.text(-0.3, axes.get_ylim()[1], "interest changes", color=GREY, va="top", fontsize=10)
        axes.set_title("How much does a change of interest cost, and how soon is it made up?")
        axes.set_xlabel("visits since the change of interest")
        axes.set_ylabel("mean regret per visit (reward missed)")
        label_ends(axes, ends, 0.06)
    return figure


BY_GROUP = (
    "Mean regret per visit, one panel per group of users; shorter is better. Whiskers: 95 % interval, over "
    "seeds where there are several, else over users. Agents are ordered by their regret over all groups. The "
    "oracle's regret is 0 by definition and is not drawn."
)


def group_regret(metrics: pl.DataFrame) -> Figure:
    """One panel per group, one bar per agent, ordered by regret over all visits (best first)."""
    pooled = metrics.filter((pl.col("metric") == "regret") & pl.col("seed").is_null() & (pl.col("agent") != ORACLE))
    overall = pooled.filter(pl.col("window") == "all").sort("value")["agent"].to_list()
    rank = pl.col("agent").replace_strict(overall, range(len(overall)), return_dtype=pl.Int64)
    data = (
        pooled.filter(pl.col("window").str.starts_with("group:"))
        .with_columns(group=pl.col("window").str.strip_prefix("group:"), rank=rank)
        .sort("rank", maintain_order=True)
        .select("group", "agent", "value", "low", "high")
    )
    order = [agent for agent in metrics["agent"].unique(maintain_order=True) if agent in overall]
    return Figure("regret_by_group", BY_GROUP, data, ("group",), lambda frame: _draw_groups(frame, order))


def _draw_groups(data: pl.DataFrame, order: list[str]) -> "Drawing":
    from matplotlib.figure import Figure as Drawing

    groups = data["group"].unique(maintain_order=True).to_list()
    agents = data["agent"].unique(maintain_order=True).to_list()
    style = lines(order)
    with drawing("regret_by_group"):
        columns = min(len(groups), 4)
        rows = -(-len(groups) // columns)
        figure = Drawing(figsize=(11, 1.2 + rows * (0.5 + 0.34 * len(agents))), layout="constrained")
        panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)).ravel()
        for axes, group in zip(panels, groups, strict=False):
            part = data.filter(pl.col("group") == group)
            at = [agents.index(agent) for agent in part["agent"]]
            value = part["value"].to_numpy()
            reach = np.stack([value - part["low"].to_numpy(), part["high"].to_numpy() - value])
            colors = [style[agent].color for agent in part["agent"]]
            axes.barh(at, value, color=colors, height=0.66, xerr=np.nan_to_num(reach), ecolor=INK, capsize=2.5)
            axes.set_title(group, fontsize=11)
            axes.grid(visible=False, axis="y")
        for axes in panels[len(groups) :]:
            axes.set_visible(False)
        panels[0].set_xlim(left=0)  # last, so that every panel has widened the shared axis
        panels[0].set_yticks(range(len(agents)), agents)
        panels[0].invert_yaxis()
        figure.suptitle("Which users are served worse, and by whom?", x=0.01, ha="left", fontsize=12.5)
        figure.supxlabel("mean regret per visit (reward missed)", fontsize=11)
    return figure
