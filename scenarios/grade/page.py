"""The page "which number can you trust, when?": what a grading found in plain words, and all grades as a heat map."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import polars as pl

from driftline.evaluation.estimate import wilson
from driftline.scenarios.grade.findings import Finding
from driftline.scenarios.schema import Scenario

TEMPLATE = Path(__file__).parent / "templates" / "grades.html.j2"
GOOD, FAIR = 0.93, 0.85
"""Coverage from here on is coloured good or fair, less is bad; 95 % was promised."""
FULL, PALE = 0.05, 0.25
"""Half of a share's Monte-Carlo interval: up to here its colour is full, from there on there is none."""
OFF_POLICY = pl.col("family") == "off_policy"
DRIFT = pl.col("family") == "drift"
SHEETS = (
    ("Off-policy: the mean value over the log", pl.col("target") == "past"),
    ("Off-policy: the value at present", pl.col("target") == "present"),
    ("Off-policy: the value in the next period", pl.col("target") == "next_period"),
)
TESTS = (
    ("Experiments: the effect of all B against all A", pl.col("target") == "global", True),
    ("A/A: how often is an effect found where there is none?", pl.col("target") == "null", False),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One grade as it is shown."""

    text: str
    detail: str
    colour: str
    """good, fair, bad or none: a class of the page."""
    strength: float = 1.0
    """How full the colour is: 1 where the share is known to 5 points either way, 0 from 25 points on."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One heat map."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def write_page(
    path: Path,
    scenario: Scenario,
    replications: int,
    grades: pl.DataFrame,
    selection: pl.DataFrame,
    findings: Sequence[Finding],
) -> None:
    """Write the page; everything on it is in the CSV files beside it."""
    from jinja2 import Environment

    told, unknown = ([each for each in findings if each.stated is stated] for stated in (True, False))
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text("utf-8")
    )
    sheets = [sheet(title, grades.filter(rows & OFF_POLICY), coverage=True) for title, rows in SHEETS]
    sheets.append(
        sheet(
            "The value in the next period, where none, half or all of the users drift",
            grades.filter(DRIFT),
            coverage=True,
        )
    )
    for title, rows, coverage in TESTS:
        sheets.append(sheet(title, by_training(grades.filter(rows)), coverage=coverage))
    page = template.render(
        scenario=scenario.name,
        title=scenario.title,
        replications=replications,
        users=scenario.population.users,
        grade=scenario.grade,
        sheets=sheets,
        selection=selection.rows(named=True),
        findings=told,
        unknown=unknown,
    )
    path.write_text(page, encoding="utf-8")


def by_training(grades: pl.DataFrame) -> pl.DataFrame:
    """Experiments with designs down and trainings across."""
    design, training = (pl.col("policy").str.split(", ").list.get(k) for k in (0, 1))
    return grades.with_columns((design + ": " + pl.col("method")).alias("method"), training.alias("policy"))


def sheet(title: str, grades: pl.DataFrame, *, coverage: bool) -> Sheet:
    """Methods down, policies or designs across."""
    columns = tuple(grades["policy"].unique(maintain_order=True))
    found = {(row["method"], row["policy"]): row for row in grades.iter_rows(named=True)}
    rows = []
    for method in grades["method"].unique(maintain_order=True):
        cells = [_cell(found.get((method, column)), coverage=coverage) for column in columns]
        rows.append((str(method), tuple(cells)))
    return Sheet(title, columns, tuple(rows))


def _cell(row: dict[str, object] | None, *, coverage: bool) -> Cell:
    if row is None:
        return Cell("", "", "none")
    if not row["n"]:
        return Cell("no number", "refused in every world", "none")
    share = _number(row["coverage"] if coverage else row["rejected"])
    error = f"bias {_number(row['bias']):+.3g} ± {_number(row['bias_error']):.1g}, rmse {_number(row['rmse']):.2g}"
    warned = f", warns in {100 * _number(row['warned']):.0f} %" if _number(row["warned"]) > 0 else ""
    if not isfinite(share):
        return Cell("no interval", error + warned, "none")
    n = int(str(row["n"]))
    low, high = wilson(share * n, n)
    if coverage:
        colour = "good" if share >= GOOD else "fair" if share >= FAIR else "bad"
    else:
        # Two Monte-Carlo errors above the promised 5 % are chance.
        bound = 0.05 + 2.0 * (0.05 * 0.95 / n) ** 0.5
        colour = "good" if share <= bound else "fair" if share <= 0.15 else "bad"
    sure = f"{100 * low:.0f} to {100 * high:.0f} % in {n} worlds; "
    return Cell(f"{100 * share:.0f} %", sure + error + warned, colour, _strength((high - low) / 2.0))


def _strength(reach: float) -> float:
    """Of a colour, by half the width of the share's Monte-Carlo interval."""
    return min(max((PALE - reach) / (PALE - FULL), 0.0), 1.0)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
