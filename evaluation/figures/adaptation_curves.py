"""What a change of interest costs, visit by visit."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from driftline.evaluation.drift.change_curve import Rule, stacked
from driftline.evaluation.figures.figure import Figure
from driftline.evaluation.figures.over_time import Visits
from driftline.evaluation.figures.style import GREY, ORACLE, drawing, label_ends, lines
from driftline.evaluation.run_folder import RunFolder
from driftline.evaluation.visits import curve_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

AT_CHANGES = (
    "Every change of interest is moved to 0, the first visit after it. Each change is compared with its own "
    "earlier level, so users with few visits do not bend the curve; what is drawn is the mean earlier level "
    "plus that mean excess, as a centred three-visit mean that never reaches across the change. Bands: 95 % "
    "over users. The sooner a line is back where it was, the faster the agent adapts."
)


def adaptation_curves(run: RunFolder, visits: Visits) -> Figure:
    """Mean regret aligned at change points, 10 visits before to 30 after, by agent, no oracle."""
    frames = [_curve(agent, [visits[agent, seed] for seed in run.seeds]) for agent in run.agents if agent != ORACLE]
    data = pl.concat(frames) if frames else pl.DataFrame({"agent": [], "offset": [], "value": []})
    return Figure("adaptation", AT_CHANGES, data, ("agent",), _draw_at_changes)


def _curve(agent: str, seeds: list[pl.DataFrame]) -> pl.DataFrame:
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
                axes.fill_between(part["offset"], part["low"], part["high"], color=line.color, alpha=0.14, linewidth=0)
                axes.plot(part["offset"], part["value"], color=line.color, linestyle=line.dash, linewidth=2)
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
