"""What is said about a log: checks first, then numbers, then every warning; as rows, as JSON and as a page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment import Effect
from driftline.evaluation.report.style import GREY, INK, PALETTE, drawing, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


NAME = "forest"
ROW, HEAD = 0.34, 0.75
"""Inches of a row and of a panel's title and axis."""
TEMPLATE = Path(__file__).parent / "templates" / "own_log.html.j2"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at before any estimate."""

    name: str
    found: str
    warnings: tuple[str, ...] = ()
    """Empty where nothing speaks against the log."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One number."""

    about: str
    """What it is a number of, such as `value over the log`, `next period`, `mean per user`."""
    name: str
    """The estimator, or the arm that is compared with the control."""
    estimate: Estimate
    unit: str = "value"
    """Numbers of one unit are drawn on one scale."""
    p_adjusted: float | None = None
    """Holm's, over the arms compared with one control; null with a single one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that `driftline.ope` or `driftline.ab` found."""

    command: str
    title: str
    facts: Mapping[str, str]
    """How the log was read: file, columns, policy or control."""
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    level: float
    alarm: str = ""
    """What must be read before any number; empty where there is nothing of the kind."""
    arms: tuple[Mapping[str, object], ...] = ()
    """An experiment's arms, the control first."""
    reference: Mapping[str, float] | None = None
    """By `Finding.about`: the value that a figure marks, such as the logging policy's, or no effect."""
    answer: str = ""
    """Of an experiment: which row answers the question, what it says, and why that row."""
    tables: Mapping[str, tuple[Mapping[str, object], ...]] = field(default_factory=dict)
    """More rows by title, such as guardrails, segments and power; those without rows are not shown."""

    def __getitem__(self, name: str | tuple[str, str]) -> Estimate:
        """An estimate by its name (the first of that name), or by (about, name)."""
        for each in self.findings:
            if name in (each.name, (each.about, each.name)):
                return each.estimate
        raise KeyError(f"no estimate {name!r}; there are {[(each.about, each.name) for each in self.findings]}")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every warning once: the alarm, those of the checks, those of the estimates."""
        return tuple(dict.fromkeys(self._warnings()))

    def _warnings(self) -> Iterator[str]:
        if self.alarm:
            yield self.alarm
        for check in self.checks:
            yield from check.warnings
        for finding in self.findings:
            yield from finding.estimate.warnings

    def rows(self) -> list[dict[str, object]]:
        """One row an estimate, for a table; `see` holds the numbers of its warnings, from 1."""
        number = {line: str(k) for k, line in enumerate(self.warnings, start=1)}
        adjusted = any(each.p_adjusted is not None for each in self.findings)
        return [self._row(each, number, adjusted) for each in self.findings]

    def _row(self, finding: Finding, number: Mapping[str, str], adjusted: bool) -> dict[str, object]:
        found = finding.estimate
        measured = "value" if self.command == "ope" else "effect"
        row: dict[str, object] = {
            "of" if self.command == "ope" else "metric": finding.about,
            "estimator" if self.command == "ope" else "arm": finding.name,
            measured: found.value,
            f"{measured}_low": found.low,
            f"{measured}_high": found.high,
            "std_error": found.std_error,
        }
        if isinstance(found, Effect):
            row["p"] = found.p_value
        if adjusted:
            row["p_holm"] = finding.p_adjusted
        row |= {"n": found.n, "see": " ".join(number[line] for line in found.warnings) or "-"}
        return {name: told(value) for name, value in row.items()}

    def check_rows(self) -> list[dict[str, object]]:
        """One row a check; `see` holds the numbers of its warnings."""
        number = {line: str(k) for k, line in enumerate(self.warnings, start=1)}
        return [
            {"check": each.name, "found": each.found, "see": " ".join(number[line] for line in each.warnings) or "ok"}
            for each in self.checks
        ]

    def document(self) -> dict[str, Any]:
        """Everything as plain values for JSON; null where a number does not exist."""
        return {
            "command": self.command,
            "title": self.title,
            "level": self.level,
            "facts": dict(self.facts),
            "alarm": self.alarm or None,
            "checks": [{"name": c.name, "found": c.found, "warnings": list(c.warnings)} for c in self.checks],
            "arms": [{name: told(value) for name, value in arm.items()} for arm in self.arms],
            "answer": self.answer or None,
            "tables": {
                title: [{name: told(value) for name, value in row.items()} for row in rows]
                for title, rows in self.tables.items()
                if rows
            },
            "estimates": [_document(each) for each in self.findings],
            "warnings": list(self.warnings),
        }

    def write_page(self, path: str | Path) -> Path:
        """A page that opens in any browser without a network."""

        target = Path(path)
        target.write_text(page(self), encoding="utf-8")
        return target


def told(value: object) -> object:
    """A value as JSON can hold it: null for NaN and infinity."""
    return None if isinstance(value, float) and not isfinite(value) else value


def _document(finding: Finding) -> dict[str, object]:
    found = finding.estimate
    row: dict[str, object] = {
        "of": finding.about,
        "name": finding.name,
        "value": told(found.value),
        "std_error": told(found.std_error),
        "low": told(found.low),
        "high": told(found.high),
        "n": found.n,
        "method": found.method,
    }
    if isinstance(found, Effect):
        row |= {"p_value": told(found.p_value), "p_holm": finding.p_adjusted}
    return row | {"warnings": list(found.warnings)}


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


def page(verdict: Verdict) -> str:
    """HTML; everything on it is in `Verdict.document` too, but for the drawing."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["short"] = _short
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        verdict=verdict,
        rows=verdict.rows(),
        checks=verdict.check_rows(),
        measured="value" if verdict.command == "ope" else "effect",
        figure=forest_plot(verdict),
        reference="no effect" if verdict.command == "ab" else "what the logging policy earned, or no gain",
    )


def _short(value: object) -> str:
    if value is None or value != value:  # NaN
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
