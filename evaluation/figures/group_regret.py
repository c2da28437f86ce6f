"""Regret by group of users."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from driftline.evaluation.figures.figure import Figure
from driftline.evaluation.figures.style import INK, ORACLE, drawing, lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

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
