"""What every metric of single visits must do, asked of one: `check_metric`."""

from dataclasses import dataclass
from functools import cached_property
from math import isnan, sqrt

import numpy as np

from driftline.evaluation.checks._visits import relabelled, served, stated
from driftline.evaluation.metrics._base import VISIT_METRICS, Judged, Metric, values_of
from driftline.sim.conformance import Broken, Check, Promise, examined
from driftline.sim.types import Floats

ROUNDING = 1e-9
"""Relative error that two ways of adding the same numbers may differ by."""
CLEAR = 4.0
"""Standard errors beyond which one agent has more of a metric than another."""


def check_metric(metric: str | type[Metric] | Metric) -> tuple[Check, ...]:
    """Ask for every promise of a metric, and say what held.

    metric: a name, `package.module:Class`, a class, or one that is built. It is asked about visits made up in memory;
    no run is needed. InputError: the name cannot be found, or is no `Metric`.
    """
    if isinstance(metric, str):
        metric = VISIT_METRICS.find(metric)
    return tuple(examined(SUITE, _Exam(metric)))


@dataclass(frozen=True)
class _Exam:
    """A metric, and the visits that it is asked about."""

    given: type[Metric] | Metric

    @cached_property
    def metric(self) -> Metric:
        return self.given() if isinstance(self.given, type) else self.given

    @cached_property
    def good(self) -> Judged:
        return served(good=True)

    @cached_property
    def bad(self) -> Judged:
        return served(good=False)

    def values(self) -> tuple[Floats, Floats]:
        """Of the better agent's visits, and of the worse one's."""
        return values_of(self.metric, self.good), values_of(self.metric, self.bad)


def _described(exam: _Exam) -> None:
    metric = exam.metric
    for name, text in (("title", metric.title), ("meaning", metric.meaning)):
        if not isinstance(text, str) or not text.strip() or "\n" in text:
            raise Broken(f"{name} is {text!r}; it must be one line of words")
    if metric.better not in ("low", "high", None):
        raise Broken(f"better is {metric.better!r}; it must be 'low', 'high' or None")
    low, high = metric.bounds
    if not low < high:
        raise Broken(f"bounds are ({low}, {high}); the first must be below the second")


def _one_value_a_visit(exam: _Exam) -> None:
    """`values_of` raises for another length, for infinite values and for what is no number."""
    if all(np.isnan(values).all() for values in exam.values()):
        raise Broken("no visit of either agent has a value")


def _case(exam: _Exam) -> None:
    if exam.metric.case is None:
        raise Broken("it states none")
    columns, expected = exam.metric.case
    found = values_of(exam.metric, stated(columns))
    wanted = np.array([np.nan if value is None else value for value in expected], dtype=np.float64)
    # a case may state fewer probed visits than there are, so lengths are compared first
    if len(found) != len(wanted) or not np.allclose(found, wanted, rtol=1e-6, atol=ROUNDING, equal_nan=True):
        raise Broken(f"it gave {_shown(found)} where {_shown(wanted)} was computed by hand")


def _bounds(exam: _Exam) -> None:
    low, high = exam.metric.bounds
    values = np.concatenate(exam.values())
    out = values[(values < low - ROUNDING) | (values > high + ROUNDING)]
    if len(out):
        raise Broken(f"a visit has {out[0]:.6g}, outside [{low:g}, {high:g}]")


def _direction(exam: _Exam) -> None:
    if exam.metric.better is None:
        return
    good, bad = (_over_users(exam.metric, *pair) for pair in zip((exam.good, exam.bad), exam.values(), strict=True))
    gain, error = good[0] - bad[0], sqrt(good[1] ** 2 + bad[1] ** 2)
    wrong = gain < 0.0 if exam.metric.better == "high" else gain > 0.0
    if not isnan(gain) and wrong and abs(gain) > CLEAR * error:
        raise Broken(
            f"it is {good[0]:.4g} for an agent that shows the best slates and {bad[0]:.4g} for one that shows the "
            f"worst, while better is {exam.metric.better!r}"
        )


def _over_users(metric: Metric, judged: Judged, values: Floats) -> tuple[float, float]:
    """Mean over users of their means (or sums), and its standard error."""
    there = ~np.isnan(values)
    _, code = np.unique(judged.visits["user"].to_numpy()[there], return_inverse=True)
    if not len(code):
        return float("nan"), float("nan")
    total, count = np.bincount(code, values[there]), np.bincount(code)
    own = total if metric.summed else total / count
    return float(own.mean()), float(own.std(ddof=1)) / sqrt(len(own)) if len(own) > 1 else 0.0


def _names(exam: _Exam) -> None:
    before = values_of(exam.metric, exam.good)
    renamed, row = relabelled(exam.good)
    after = values_of(exam.metric, renamed)
    if not np.allclose(after, before[row], rtol=ROUNDING, atol=ROUNDING, equal_nan=True):
        at = int(np.flatnonzero(~np.isclose(after, before[row], rtol=ROUNDING, atol=ROUNDING, equal_nan=True))[0])
        raise Broken(f"a visit had {before[row][at]:.6g}, and {after[at]:.6g} under other names")


def _twice(exam: _Exam) -> None:
    first, second = (values_of(exam.metric, exam.good) for _ in range(2))
    if not np.array_equal(first, second, equal_nan=True):
        raise Broken("a second call gave other values")


def _unchanged(exam: _Exam) -> None:
    values_of(exam.metric, exam.good)
    if not exam.good.visits.equals(served(good=True).visits):
        raise Broken("the frame of visits is another one afterwards")


def _shown(values: Floats) -> str:
    return "[" + ", ".join("null" if isnan(value) else f"{value:.6g}" for value in values[:8]) + "]"


SUITE: tuple[Promise[_Exam], ...] = (
    Promise(
        "described",
        "is built without arguments; has a title, a meaning, a direction and bounds",
        "State `title`, `meaning`, `better` and `bounds` in the class",
        _described,
        last=True,
    ),
    Promise(
        "one value a visit",
        "gives one finite number or null for each visit",
        "Return an array or a column as long as `judged.visits`, NaN or null where a visit has no value",
        _one_value_a_visit,
        last=True,
    ),
    Promise(
        "case",
        "gives the values of its own case, computed by hand",
        "State `case = ({'reward': [0.5, 0.0]}, [...])`: columns of a few visits, and what each visit's value is",
        _case,
    ),
    Promise("bounds", "stays within its bounds", "Widen `bounds`, or mend `values`", _bounds),
    Promise(
        "direction",
        "says that an agent is better which shows the best slates and is taken more often",
        "Turn `better` around, or the sign of the values; None where neither is better",
        _direction,
    ),
    Promise(
        "names",
        "does not depend on the names of users and items, nor on the order of users",
        "Take ids for names only: look items up in `judged.catalogue`, and group by user",
        _names,
    ),
    Promise("twice", "gives the same values twice", "Draw no random numbers and keep nothing between calls", _twice),
    Promise("unchanged", "leaves what it is handed as it was", "Copy an array before writing to it", _unchanged),
)
