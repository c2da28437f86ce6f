"""The page of an experiment: its conclusion, the test beside the truths as a forest plot, and every number."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.report.style import GREY, INK, PALETTE, drawing, svg
from driftline.scenarios.experiment.conclusion import MEASURED, conclusion
from driftline.scenarios.experiment.readings import TRUTHS, Experiment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "experiment"
TEMPLATE = Path(__file__).parent / "templates" / "experiment.html.j2"
TITLES = {"all": "The whole time", "short": "The first days", "long": "The last days"}
ROW, HEAD = 0.34, 0.75
"""Inches of a row and of a panel's title and axis."""


def write_page(found: Experiment, scenario: str, path: Path) -> None:
    """A page that opens in any browser without a network."""
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text("utf-8")
    )
    told = found.rows()
    warnings = tuple(dict.fromkeys(str(row["warnings"]) for row in told if row["warnings"]))
    page = template.render(
        found=found,
        scenario=scenario,
        titles=TITLES,
        measured=MEASURED[found.metric],
        conclusion=conclusion(found),
        figure=forest_plot(found),
        rows=told,
        warnings=warnings,
        short=_short,
    )
    path.write_text(page, encoding="utf-8")


def forest_plot(found: Experiment) -> str:
    """One `<svg>` element: a panel a window, a row a reading; interleaving's credit, being no reward, is left out."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    kept = {window: [name for name in found.effects[window] if _drawn(found, name)] for window in found.effects}
    heights = [HEAD + ROW * len(names) for names in kept.values()]
    with drawing(NAME):
        figure = Figure(figsize=(9.5, sum(heights)), layout=ConstrainedLayoutEngine(hspace=0.08))
        axes = figure.subplots(len(kept), 1, squeeze=False, height_ratios=heights, sharex=True)[:, 0]
        for axis, (window, names) in zip(axes, kept.items(), strict=True):
            axis.set_title(TITLES[window])
            _panel(axis, found, window, names)
        axes[0].set_xlim(*_scale(found, kept))
    return svg(figure, NAME)


def _scale(found: Experiment, kept: Mapping[str, Sequence[str]]) -> tuple[float, float]:
    """Limits that all intervals about these very worlds fit into; two seeds' interval over seeds may be cut."""
    told = [found.here(name, window) for window, names in kept.items() for name in names]
    ends = [end for each in told for end in (each.value, each.low, each.high) if isfinite(end)]
    low, high = min(ends, default=-1.0), max(ends, default=1.0)
    room = 0.15 * (max(high, 0.0) - min(low, 0.0)) or 1.0
    return min(low, 0.0) - room, max(high, 0.0) + room


def _drawn(found: Experiment, name: str) -> bool:
    said = found.design.kind == "interleave" and name.startswith("ab_test")
    return not said and name != "interference"


def _panel(axes: "Axes", found: Experiment, window: str, names: list[str]) -> None:
    for place, name in enumerate(names):
        over, here = found.effects[window][name], found.here(name, window)
        truth = name in TRUTHS
        color = PALETTE[2] if truth else PALETTE[1] if over.warnings else PALETTE[0]
        _line(axes, over, place, color, 1.0)
        _line(axes, here, place, color, 2.6)
        if not isfinite(over.value):
            axes.annotate("refused", (0.01, place), xycoords=("axes fraction", "data"), color=GREY, va="center")
        else:
            face = "white" if over.warnings else color  # hollow: something speaks against it
            axes.plot([over.value], [place], "D" if truth else "o", color=color, markerfacecolor=face, markersize=6.5)
    axes.axvline(0.0, color=GREY, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    launch = found.effects[window]["global"].value
    if isfinite(launch):
        axes.axvline(launch, color=PALETTE[2], linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    axes.set_yticks(range(len(names)), [found.label(name) for name in names], color=INK)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def _line(axes: "Axes", found: Estimate, place: int, color: str, width: float) -> None:
    if isfinite(found.low) and isfinite(found.high):
        axes.plot([found.low, found.high], [place, place], color=color, linewidth=width, solid_capstyle="butt")


def _short(value: object) -> str:
    return "–" if value is None else f"{value:+.3g}" if isinstance(value, float) else str(value)
