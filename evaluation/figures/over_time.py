"""Reward and regret over time, with the days on which interests changed."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from driftline.evaluation.figures.figure import Figure
from driftline.evaluation.figures.style import GREY, ORACLE, drawing, label_ends, lines
from driftline.evaluation.run_folder import RunFolder
from driftline.sim.types import Floats

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
    return Figure(f"{metric}_over_time", caption, data, ("agent",), partial(_draw_over_time, metric))


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
    total = _spread(np.bincount(cell, values, minlength=size).astype(np.float64).reshape(-1, days))
    count = _spread(np.bincount(cell, minlength=size).astype(np.float64).reshape(-1, days))
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


def _spread(sums: Floats) -> Floats:
    """Each day's sum together with its neighbours' (shorter at both ends)."""
    padded = np.pad(sums, ((0, 0), (SMOOTH // 2, SMOOTH // 2)))
    return np.asarray(sum(padded[:, k : k + sums.shape[1]] for k in range(SMOOTH)))


def _draw_over_time(metric: str, data: pl.DataFrame) -> "Drawing":
    from matplotlib.figure import Figure as Drawing

    with drawing(metric):
        figure = Drawing(figsize=(11, 4.8), layout="constrained")
        changes = bool((data["changed"] > 0).any())
        grid = figure.add_gridspec(2 if changes else 1, 1, height_ratios=[4, 1] if changes else [1])
        axes = figure.add_subplot(grid[0])
        _draw_lines(axes, data)
        axes.set_title(TITLES[metric])
        axes.set_ylabel(UNITS[metric])
        if changes:
            _draw_changes(figure.add_subplot(grid[1], sharex=axes), data)
            axes.tick_params(labelbottom=False)
        else:
            axes.set_xlabel("day of the run")
    return figure


def _draw_lines(axes: "Axes", data: pl.DataFrame) -> None:
    agents = data["agent"].unique(maintain_order=True).to_list()
    ends = []
    for agent, line in lines(agents).items():
        rows = data.filter(pl.col("agent") == agent)
        if rows.is_empty():
            continue
        day = rows["day"].to_numpy() + 0.5
        axes.fill_between(day, rows["low"], rows["high"], color=line.color, alpha=0.14, linewidth=0)
        axes.plot(day, rows["value"], color=line.color, linestyle=line.dash, linewidth=2)
        ends.append((agent, float(rows["value"][-1]), line.color))
    days = data["day"].to_numpy()
    axes.set_xlim(float(days.min()), float(days.max()) + 1.0)
    label_ends(axes, ends, 0.06)


def _draw_changes(axes: "Axes", data: pl.DataFrame) -> None:
    first = data.filter(pl.col("agent") == data["agent"][0])
    axes.bar(first["day"].to_numpy() + 0.5, 100 * first["changed"].to_numpy(), width=0.9, color=GREY)
    axes.set_ylabel("after a\nchange (%)", fontsize=9)
    axes.set_xlabel("day of the run")
    axes.grid(visible=False)
