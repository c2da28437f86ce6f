"""True against believed interest of a few users, as bands over time."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from driftline.evaluation.report.stories import Witness
from driftline.evaluation.report.style import INK, PALE, PALETTE, Figure, drawing
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.tracking import Beliefs, softmax
from driftline.sim.types import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

TOP = 6
REST = "all other topics"
MORE = ("#882255", "#999933", "#44AA99", "#332288", "#CC6677", "#DDCC77", "#117733", "#AA4499")
"""Further colours of Tol's muted scheme, for when one row after another brings new topics."""
TRUE = "true interest"
CAPTION = (
    "Each row is one user; each band is a topic's share of the interest in the same probe items, grouped by "
    "their strongest topic. Left: the truth. Then what the agents believed just before each visit, from "
    "their scores, after one temperature per agent. Vertical lines: first visit after this user's interest "
    "changed. What holds at a visit is drawn until the next one. Shown are the probed users whose interest "
    "moved most: the hard cases, not the typical ones."
)


def belief(
    run: RunFolder, people: tuple[Witness, ...], known: dict[str, tuple[Beliefs, float]], truth_of: str
) -> Figure:
    """Topic shares over time: user, source (the truth or an agent), day, topic, value.

    known: each agent's beliefs on the witnesses' seed and its temperature; the truth is `truth_of`'s world.
    """
    frames = []
    for person in people:
        truth = known[truth_of][0]
        frames.append(_shares(run, person, TRUE, truth, softmax(truth.utility)))
        for agent, (held, heat) in known.items():
            frames.append(_shares(run, person, agent, held, softmax(held.scores / heat)))
    data = pl.concat(frames) if frames else pl.DataFrame({"user": [], "source": [], "topic": [], "value": []})
    return Figure("interest", CAPTION, data, ("user", "source"), lambda frame: _draw(frame, people))


def _shares(run: RunFolder, person: Witness, source: str, held: Beliefs, preference: Floats) -> pl.DataFrame:
    """One user's preference over the probe items, summed by their strongest topic, at each visit."""
    rows = held.user == person.user
    day, own = held.time[rows], preference[rows]
    topics = np.unique(held.dominant)
    shares = np.stack([own[:, held.dominant == topic].sum(axis=1) for topic in topics], axis=1)
    return pl.DataFrame(
        {
            "user": np.repeat(person.label, shares.size).tolist(),
            "source": np.repeat(source, shares.size).tolist(),
            "day": np.repeat(day, len(topics)),
            "topic": np.tile([run.topics[topic] for topic in topics], len(day)).tolist(),
            "value": shares.ravel(),
        },
        schema_overrides={"user": pl.String, "source": pl.String, "topic": pl.String},
    )


def _draw(data: pl.DataFrame, people: tuple[Witness, ...]) -> "Drawing":
    from matplotlib.figure import Figure as Drawing

    sources = data["source"].unique(maintain_order=True).to_list()
    with drawing("interest"):
        figure = Drawing(figsize=(11, 0.9 + 2.35 * len(people)), layout="constrained")
        panels = figure.subplots(len(people), len(sources), sharey=True, squeeze=False)
        leading = {who.label: _leading(data.filter(pl.col("user") == who.label)) for who in people}
        colors = _colors(list(leading.values()))
        for person, line in zip(people, panels, strict=True):
            own = data.filter(pl.col("user") == person.label)
            for axes, source in zip(line, sources, strict=True):
                part = own.filter(pl.col("source") == source)
                _bands(axes, part, {topic: colors[topic] for topic in leading[person.label]})
                for change in person.changes:
                    axes.axvline(change, color=INK, linewidth=1.4, linestyle=(0, (2, 1.5)))
                axes.set_title(source if source == TRUE else f"believed by {source}", fontsize=10.5, pad=4)
            line[0].set_ylabel(f"{person.label}\nshare of interest (%)", fontsize=10)
            handles, labels = line[-1].get_legend_handles_labels()
            line[-1].legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9.5)
        for axes in panels[-1]:
            axes.set_xlabel("day of the run")
        figure.suptitle("Does the agent see where interests went?", x=0.01, ha="left", fontsize=12.5)
    return figure


def _leading(own: pl.DataFrame) -> list[str]:
    """A user's strongest topics by true share, over all visits."""
    shares = own.filter(pl.col("source") == TRUE).group_by("topic", maintain_order=True).agg(pl.col("value").mean())
    return shares.sort("value", descending=True, maintain_order=True)["topic"].head(TOP).to_list()


def _colors(rows: list[list[str]]) -> dict[str, str]:
    """A topic keeps its colour in every row; no two topics of a row share one."""
    colors: dict[str, str] = {}
    topics = sorted({topic for row in rows for topic in row})
    for topic in sorted(topics, key=lambda name: (-sum(name in row for row in rows), name)):
        beside = {colors[other] for row in rows if topic in row for other in row if other in colors}
        used = list(colors.values())
        free = [color for color in (*PALETTE, *MORE) if color not in beside]
        colors[topic] = min(free, key=used.count)
    return colors


def _bands(axes: "Axes", part: pl.DataFrame, leading: dict[str, str]) -> None:
    wide = part.pivot("topic", index="day", values="value", maintain_order=True)
    rest = [name for name in wide.columns[1:] if name not in leading]
    stack = [100 * wide[name].to_numpy() for name in leading]
    # With no more topics than colours nothing is left over; the band is then flat.
    left = wide.select(pl.sum_horizontal(rest)).to_series().to_numpy() if rest else np.zeros(len(wide))
    stack.append(100 * left)
    colors = [*leading.values(), PALE]
    day = wide["day"].to_numpy()
    axes.stackplot(day, *stack, labels=[*leading, REST], colors=colors, step="post", linewidth=0)
    axes.set_xlim(float(day[0]), float(day[-1]))
    axes.set_ylim(0, 100)
    axes.grid(visible=False)
