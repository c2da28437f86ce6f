"""The page "which number can you trust, when?": what a grading found in plain words, and all grades as a heat map."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import chdtri

from driftline.evaluation.estimate import t_interval
from driftline.scenarios.schema import Scenario
from driftline.sim.types import Floats

TEMPLATE = Path(__file__).parent / "templates" / "grades.html.j2"
GOOD, FAIR = 0.93, 0.85
"""Coverage from here on is coloured good or fair, less is bad; 95 % was promised."""
OFF_POLICY = pl.col("family") == "off_policy"
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
class Finding:
    """One number that the sentence is about, with its 95 % interval over the worlds."""

    name: str
    value: float
    low: float
    high: float
    n: int
    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One grade as it is shown."""

    text: str
    detail: str
    colour: str
    """good, fair, bad or none: a class of the page."""


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

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text("utf-8")
    )
    sheets = [sheet(title, grades.filter(rows & OFF_POLICY), coverage=True) for title, rows in SHEETS]
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
        findings=findings,
    )
    path.write_text(page, encoding="utf-8")


def findings(rows: pl.DataFrame, boldest: str) -> tuple[Finding, ...]:
    """`stale`, `together`, `apart`; one that the rows cannot tell is left out.

    rows: of all replications (`Row` and `seed`). boldest: the target policy with the lowest temperature.
    """
    found = (_stale(rows, boldest), _together(rows), _apart(rows))
    return tuple(each for each in found if each is not None)


def _stale(rows: pl.DataFrame, policy: str) -> Finding | None:
    """How far a stationary estimate is from the next period's value."""
    old, new = (_rows_of_cell(rows, method, "next_period", policy) for method in ("ips", "windowed snips"))
    if len(old) < 2:
        return None
    bias = t_interval(_error(old))
    text = (
        f"For the coming period, IPS over the whole log is off by {_signed(bias.value, bias.low, bias.high)} for policy"
        f" {policy!r}, whose true value is {np.mean(old['truth'].to_numpy()):+.3f}; {_share(_covers(old))} of its 95 %"
        " intervals hold the truth."
    )
    if len(new) > 1:
        last = t_interval(_error(new))
        text += (
            f" The last period alone (windowed SNIPS) is off by {_signed(last.value, last.low, last.high)};"
            f" {_share(_covers(new))} hold it."
        )
    return Finding("stale", bias.value, bias.low, bias.high, bias.n, text)


def _together(rows: pl.DataFrame) -> Finding | None:
    """Coverage lost where agents learn together: of the effect of all B against all A by an A/B over users."""
    frozen, pooled = (
        _rows_of_cell(rows, "welch", "global", f"user, {training}") for training in ("snapshot", "pooled")
    )
    both = frozen.join(pooled, on="seed", suffix="_pooled")
    if len(both) < 2:
        return None
    still, moving = _covers(both), _covers(both, "_pooled")
    lost = t_interval(still - moving)
    text = (
        f"An A/B test over users holds the effect of all B against all A in {_share(still)} of worlds while both agents"
        f" are frozen, and in {_share(moving)} while both learn from everybody: a difference of"
        f" {_signed(100 * lost.value, 100 * lost.low, 100 * lost.high, 0)} points."
    )
    return Finding("together", lost.value, lost.low, lost.high, lost.n, text)


def _apart(rows: pl.DataFrame) -> Finding | None:
    """How much more an A/A test varies than it says where each arm's agent learns from its own users only."""
    told = _rows_of_cell(rows, "welch", "null", "user, diverted")
    if len(told) < 2:
        return None
    n, value = len(told), told["value"].to_numpy()
    stated = float((told["std_error"].to_numpy() ** 2).mean())
    ratio = sqrt(float(value.var(ddof=1)) / stated)
    # (n - 1) s^2 / sigma^2 is chi-square: the interval of a standard deviation.
    low, high = (ratio * sqrt((n - 1) / float(chdtri(n - 1, tail))) for tail in (0.025, 0.975))
    rejects = (told["low"].to_numpy() > 0.0) | (told["high"].to_numpy() < 0.0)
    text = (
        f"Two copies of one agent that learn from their own arm's users alone differ {ratio:.2f} times [{low:.2f},"
        f" {high:.2f}] as much as Welch's standard error says; {_share(rejects.astype(np.float64))} of such A/A tests"
        " are significant at 5 %."
    )
    return Finding("apart", ratio - 1.0, low - 1.0, high - 1.0, n, text)


def _rows_of_cell(rows: pl.DataFrame, method: str, target: str, policy: str) -> pl.DataFrame:
    """The finite verdicts of one method, one a seed."""
    wanted = (pl.col("method") == method) & (pl.col("target") == target) & (pl.col("policy") == policy)
    return rows.filter(wanted & pl.col("value").is_finite() & pl.col("low").is_finite()).sort("seed")


def _error(cell: pl.DataFrame) -> Floats:
    return np.asarray(cell["value"].to_numpy() - cell["truth"].to_numpy())


def _covers(cell: pl.DataFrame, suffix: str = "") -> Floats:
    low, high, truth = (cell[name + suffix].to_numpy() for name in ("low", "high", "truth"))
    return ((low <= truth) & (truth <= high)).astype(np.float64)


def _share(hits: Floats) -> str:
    return f"{100 * hits.mean():.0f} %"


def _signed(value: float, low: float, high: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


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
    if coverage:
        colour = "good" if share >= GOOD else "fair" if share >= FAIR else "bad"
    else:
        # Two Monte-Carlo errors above the promised 5 % are chance.
        bound = 0.05 + 2.0 * (0.05 * 0.95 / float(str(row["n"]))) ** 0.5
        colour = "good" if share <= bound else "fair" if share <= 0.15 else "bad"
    return Cell(f"{100 * share:.0f} %", error + warned, colour)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
