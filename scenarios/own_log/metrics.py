"""What is asked of a log: metrics such as `revenue=sum`, `rating=mean`, `latency=p90`, each a column and its kind."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from driftline.evaluation.arrays import one_of
from driftline.evaluation.procedures._base import built
from driftline.sim.errors import InputError, hint

Kind = Literal["sum", "mean", "ratio", "conversion", "quantile", "procedure"]
NAMED: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind not in ("quantile", "procedure"))
QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)$")
HELD: tuple[Kind, ...] = ("sum", "mean")
"""Kinds that may be winsorised: one number a user."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A column and what is made of it, user by user."""

    column: str
    kind: Kind
    q: float = 0.5
    """Of a quantile."""
    under: str | None = None
    """Column of a ratio's denominators; null: 1 a row."""
    held: float | None = None
    """Users beyond the 1 - h and h quantiles of all users are set to them (winsorised)."""
    procedure: str = ""
    """A procedure of the user's own, on users' sums: `module:Class`."""

    @property
    def name(self) -> str:
        """As tables name it, by what it is."""
        held = "" if self.held is None else f", held at p{100 * self.held:g}"
        return f"{self.column}: {self._meaning}{held}"

    @property
    def _meaning(self) -> str:
        if self.kind == "sum":
            return "sum per user"
        if self.kind == "mean":
            return "mean of user means"
        if self.kind == "ratio":
            return f"ratio to {self.under}" if self.under else "value per row"
        if self.kind == "conversion":
            return "share of users with a 1"
        if self.kind == "quantile":
            return f"p{100 * self.q:g} of rows"
        if self.kind == "procedure":
            return built(self.procedure).name
        raise AssertionError(self.kind)


def metrics_of(texts: Sequence[str], roles: Mapping[str, str], columns: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics that were asked for, each `COLUMN=KIND` or, of the column of role `value`, `KIND`.

    KIND: `sum`, `mean`, `ratio` (to the role `denominator`, else to rows; `ratio/COLUMN` to a column of its own),
    `conversion`, `p90`; `sum@p99` and `mean@p99` are winsorised; or `module:Class`.

    Raises:
        InputError: an unknown kind or column, a metric named twice, no value column where one is needed.
    """
    found: list[Metric] = []
    for text in texts:
        column, equals, kind = (piece.strip() for piece in text.rpartition("="))
        if not equals:
            if "value" not in roles:
                raise InputError(f"metric {text!r} names no column, and there is no value: write COLUMN={text}")
            column = roles["value"]
        _check_column(column, text, columns)
        metric = _parsed(column, kind, text, roles.get("denominator"))
        if metric.under is not None:
            _check_column(metric.under, text, columns)
        if metric in found:
            raise InputError(f"metric {text!r} is stated twice")
        found.append(metric)
    return tuple(found)


def _check_column(column: str, text: str, columns: Sequence[str]) -> None:
    if column not in columns:
        raise InputError(f"metric {text!r}: there is no column {column!r}; {hint(column, columns)}")


def _parsed(column: str, text: str, whole: str, denominator: str | None) -> Metric:
    if ":" in text:
        built(text)
        return Metric(column, "procedure", procedure=text)
    if (of := QUANTILE.match(text)) and 0.0 < float(of[1]) < 100.0:
        return Metric(column, "quantile", q=float(of[1]) / 100.0)
    kind, at, held = text.partition("@")
    kind, slash, under = kind.partition("/")
    one_of("metric", kind, (*NAMED, "p90"))
    chosen = next(each for each in NAMED if each == kind)
    if slash and (chosen != "ratio" or not under):
        raise InputError(f"metric {whole!r}: only ratio has a denominator, ratio/COLUMN")
    above = QUANTILE.match(held)
    if at and (chosen not in HELD or above is None or not 50.0 < float(above[1]) < 100.0):
        raise InputError(f"metric {whole!r}: sum and mean are winsorised at a quantile above p50, such as sum@p99")
    return Metric(
        column,
        chosen,
        under=(under or denominator) if chosen == "ratio" else None,
        held=float(above[1]) / 100.0 if above else None,
    )
