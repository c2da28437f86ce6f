"""The figure of a verdict: every number with its interval, one panel for each thing that it is a number of."""

from collections.abc import Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING

from driftline.evaluation.report.style import GREY, INK, PALETTE, drawing, svg
from driftline.scenarios.own_log.verdict import Finding, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "forest"
ROW, HEAD = 0.34, 0.75
"""Inches of a row and of a panel's title and axis."""


def forest_plot(verdict: Verdict) -> str:
    """One `<svg>` element."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    panels: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        panels.setdefault(finding.about, []).append(finding)
    heights = [HEAD + ROW * len(each) for each in panels.values()]
    with drawing(NAME):
        figure = Figure(figsize=(9.5, sum(heights)), layout=ConstrainedLayoutEngine(hspace=0.08))
        axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        scale: dict[str, Axes] = {}
        for axis, (about, findings) in zip(axes, panels.items(), strict=True):
            first = scale.setdefault(findings[0].unit, axis)
            if first is not axis:
                axis.sharex(first)
            _panel(axis, about, findings, (verdict.reference or {}).get(about, nan))
    return svg(figure, NAME)


def _panel(axes: "Axes", about: str, findings: Sequence[Finding], reference: float) -> None:
    for place, finding in enumerate(findings):
        found = finding.estimate
        color = PALETTE[1] if found.warnings else PALETTE[0]
        if isfinite(found.low) and isfinite(found.high):
            axes.plot([found.low, found.high], [place, place], color=color, linewidth=2.2, solid_capstyle="butt")
        if isfinite(found.value):
            # hollow: something speaks against it
            face = "white" if found.warnings else color
            axes.plot([found.value], [place], "o", color=color, markerfacecolor=face, markersize=6.5)
    if isfinite(reference):
        axes.axvline(reference, color=GREY, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    axes.set_yticks(range(len(findings)), [each.name for each in findings], color=INK)
    axes.set_ylim(len(findings) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.06)
    axes.set_title(about)
