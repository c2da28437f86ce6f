"""What a figure of the report is, how it looks, and whether it shows anything.

A figure is data first, saved beside it, then a drawing of just that data. Colours are told apart by colour-blind
readers; an empty or constant series is a fault of the run or of the report.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from driftline.sim.errors import RunFolderError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Figure:
    """A figure whose data lies beside it as CSV."""

    name: str
    """File name without its ending."""
    caption: str
    """How to read it, in plain words."""
    data: pl.DataFrame
    series: tuple[str, ...]
    """Columns whose values tell one drawn series from another; empty if there is one series."""
    draw: Callable[[pl.DataFrame], "Drawing"]
    value: str = "value"
    """The column that is drawn."""


PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F5539", "#6A4C93")
"""Okabe & Ito 2008 without yellow and black, and two more that keep their lightness apart."""
DASHES: tuple[object, ...] = ("-", "--", "-.", (0, (1, 1.2)), (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)), "-", "--")
INK, GREY, PALE = "#222222", "#767676", "#D0D0D0"
ORACLE = "oracle"
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names of topics, groups and agents are words, whatever signs stand in them
    "font.family": "sans-serif",
    "font.size": 11.0,
    "axes.titlesize": 12.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#EBEBEB",
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
}


@dataclass(frozen=True, slots=True)
class Line:
    """An agent's colour and dash; the same in every figure of a report."""

    color: str
    dash: object


def lines(agents: Sequence[str]) -> dict[str, Line]:
    """Colours and dashes by the agents' order; the oracle is always black."""
    rivals = [agent for agent in agents if agent != ORACLE]
    styles = {agent: Line(PALETTE[k % 8], DASHES[k % 8]) for k, agent in enumerate(rivals)}
    return {**styles, ORACLE: Line("#000000", (0, (2, 1.5)))}


@contextmanager
def drawing(name: str) -> Iterator[None]:
    """The house's settings, for as long as a figure is being drawn; nothing global stays changed."""
    import matplotlib as mpl

    with mpl.rc_context({**SETTINGS, "svg.hashsalt": name}):
        yield


def svg(figure: "Drawing", name: str) -> str:
    """The figure as one `<svg>` element: no links, no prolog, ids of its own, the same bytes every time."""
    buffer = StringIO()
    with drawing(name):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)


def label_ends(axes: "Axes", ends: Sequence[tuple[str, float, str]], gap: float) -> None:
    """Write each line's name at the right edge, as near to its end as the others allow.

    ends: (name, height, colour). gap: least distance of two labels as a share of the axis. The least-squares
    placement under least distances is an isotonic regression of the heights less the distances.
    """
    from scipy.optimize import isotonic_regression

    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    placed = sorted(ends, key=lambda end: end[1])
    steps = gap * (high - low) * np.arange(len(placed))
    heights = np.array([min(max(end[1], low), high) for end in placed])
    if len(placed) > 1:
        heights = isotonic_regression(heights - steps).x + steps
    for (name, _, color), height in zip(placed, heights, strict=True):
        axes.text(right + 0.01 * (right - left), height, name, color=color, va="center", fontsize=10.5)


class FigureWarning(UserWarning):
    """A figure has a series that is empty or never moves."""


def series_faults(name: str, data: pl.DataFrame, series: tuple[str, ...], value: str = "value") -> list[str]:
    """What is wrong with a figure's data, one sentence each; empty if all is well.

    A series with no finite value is empty. A series of three or more values that are all equal is constant;
    one or two values say nothing about that.
    """
    missing = [column for column in (*series, value) if column not in data.columns]
    if missing:
        return [f"figure {name} lacks the column {missing[0]!r}"]
    if data.is_empty():
        return [f"figure {name} has no data"]
    finite = pl.col(value).cast(pl.Float64).replace([float("inf"), float("-inf"), float("nan")], None)
    facts = [finite.count().alias("n"), finite.min().alias("least"), finite.max().alias("most")]
    groups = list(series)
    table = data.group_by(groups, maintain_order=True).agg(facts) if groups else data.select(facts)
    faults = []
    for row in table.iter_rows(named=True):
        label = ", ".join(f"{column} {row[column]}" for column in series) or "its only series"
        if row["n"] == 0:
            faults.append(f"figure {name}: {label} has no value")
        elif row["n"] > 2 and row["least"] == row["most"]:
            faults.append(f"figure {name}: {label} is constant at {row['least']:g}")
    return faults


def check_csv(file: Path, series: tuple[str, ...], value: str = "value") -> None:
    """Raise if a figure's saved data has an empty or a constant series; names the file."""
    if not file.is_file():
        raise RunFolderError(f"{file} is missing")
    try:
        data = pl.read_csv(file)
    except pl.exceptions.NoDataError:
        raise RunFolderError(f"{file} is empty") from None
    faults = series_faults(file.stem, data, series, value)
    if faults:
        raise RunFolderError(f"{file}: {'; '.join(faults)}")
