"""Every metric that is found keeps every promise; a broken twin is refused by the promise it breaks."""

import re
from collections.abc import Callable
from math import inf
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from driftline.evaluation.checks import check_metric
from driftline.evaluation.checks._visits import ITEMS, SLATE, TOPICS, served
from driftline.evaluation.metrics import Better, Case, Judged, Metric
from driftline.evaluation.metrics._base import VISIT_METRICS
from driftline.sim.errors import InputError


class MeanDwell(Metric):
    """A metric as a user would write it."""

    title, meaning, bounds = "dwell", "seconds spent on what was taken, per visit", (0.0, inf)
    better: ClassVar[Better | None] = "high"
    case: ClassVar[Case | None] = ({"dwell": [12.0, 0.0, 30.0]}, [12.0, 0.0, 30.0])

    def values(self, judged: Judged) -> Any:
        return judged.visits["dwell"]


class WrongSign(MeanDwell):
    better = "low"


class NoCase(MeanDwell):
    case = None


class Miscounted(MeanDwell):
    def values(self, judged: Judged) -> Any:
        return judged.visits["dwell"] * 2.0


class TooNarrow(MeanDwell):
    bounds = (0.0, 10.0)


class Unbounded(MeanDwell):
    def values(self, judged: Judged) -> Any:
        return 1.0 / judged.visits["dwell"]


class TooShort(MeanDwell):
    def values(self, judged: Judged) -> Any:
        return judged.visits["dwell"].head(3)


class NoValue(MeanDwell):
    def values(self, judged: Judged) -> Any:
        return np.full(len(judged.visits), np.nan)


class OddItems(MeanDwell):
    """Takes the names of items for numbers."""

    better, case = None, ({"items": [[0, 1], [1, 3]]}, [0.5, 1.0])

    def values(self, judged: Judged) -> Any:
        return (judged.items % 2).mean(axis=1)


class FirstUser(MeanDwell):
    """Looks at who comes first in the table."""

    better, case = None, ({"user": [1, 1, 2]}, [1.0, 1.0, 0.0])

    def values(self, judged: Judged) -> Any:
        user = judged.visits["user"].to_numpy()
        return (user == user[0]).astype(float)


class Lucky(MeanDwell):
    better, case = None, ({"dwell": [0.0, 0.0]}, [0.0, 0.0])

    def values(self, judged: Judged) -> Any:
        return judged.visits["dwell"].to_numpy() * np.random.default_rng().random(len(judged.visits))


class Scribbler(MeanDwell):
    def values(self, judged: Judged) -> Any:
        judged.items[0] = 0
        return judged.visits["dwell"]


class Hoarder(MeanDwell):
    """Leaves a column behind."""

    def values(self, judged: Judged) -> Any:
        if "mine" not in judged.visits.columns:
            judged.visits.insert_column(0, pl.Series("mine", np.zeros(len(judged.visits))))
        return judged.visits["dwell"]


class Untitled(MeanDwell):
    title = ""


class Sideways(MeanDwell):
    better = "up"  # type: ignore[assignment]


class Particular(MeanDwell):
    def __init__(self, days: int) -> None:
        self.days = days


@pytest.mark.parametrize("name", VISIT_METRICS.names())
def test_every_metric_of_the_folder_keeps_its_promises(name: str) -> None:
    checks = check_metric(name)
    assert [str(check) for check in checks if check.fault] == []
    assert len(checks) == 8
    assert VISIT_METRICS.find(name).id == name


@pytest.mark.parametrize("given", [MeanDwell, MeanDwell(), f"{__name__}:MeanDwell"])
def test_a_metric_of_the_users_own_is_asked_the_same(given: Any) -> None:
    assert [check.fault for check in check_metric(given)] == [None] * 8


@pytest.mark.parametrize(
    ("twin", "promise", "words"),
    [
        (WrongSign, "direction", "while better is 'low'"),
        (NoCase, "case", "it states none"),
        (Miscounted, "case", r"it gave \[24, 0, 60\] where \[12, 0, 30\]"),
        (TooNarrow, "bounds", r"outside \[0, 10\]"),
        (Unbounded, "one value a visit", "'unbounded' is infinite at row"),
        (TooShort, "one value a visit", r"gave values of shape \(3,\) for 1200 visits"),
        (NoValue, "one value a visit", "no visit of either agent has a value"),
        (OddItems, "names", "under other names"),
        (FirstUser, "names", "a visit had 0, and 1 under other names"),
        (Lucky, "twice", "a second call gave other values"),
        (Scribbler, "one value a visit", "read-only"),
        (Hoarder, "unchanged", "another one afterwards"),
        (Untitled, "described", "title is ''"),
        (Sideways, "described", "better is 'up'"),
        (Particular, "described", "raised TypeError"),
    ],
)
def test_a_broken_twin_is_refused_by_the_promise_it_breaks(twin: type[Metric], promise: str, words: str) -> None:
    faults = {check.name: check.fault for check in check_metric(twin) if check.fault}
    assert promise in faults
    assert re.search(words, faults[promise])


def test_a_case_names_the_column_it_gets_wrong() -> None:
    class Misspelt(MeanDwell):
        case = {"dwel": [1.0]}, [1.0]

    faults = [check.fault for check in check_metric(Misspelt) if check.fault]
    assert any("column 'dwel' is unknown; did you mean 'dwell'?" in str(fault) for fault in faults)


def test_what_is_no_metric_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="metric 'regrets' is unknown; did you mean 'regret'"):
        check_metric("regrets")
    with pytest.raises(InputError, match=r"must be a subclass of driftline\.evaluation\.metrics\.Metric"):
        check_metric("io:StringIO")


def _means(value: Callable[[Judged], Any]) -> tuple[float, float]:
    good, bad = (np.asarray(value(served(good=each)), dtype=np.float64) for each in (True, False))
    return float(good.mean()), float(bad.mean())


def test_one_of_the_two_agents_is_better_by_construction_and_alike_in_variety() -> None:
    for column in ("click", "reward", "dwell"):
        good, bad = (float(served(good=each).visits[column].sum()) for each in (True, False))
        assert good > 1.5 * bad
    good, bad = _means(lambda judged: judged.visits["regret"])
    assert good < bad / 2
    spread = _means(lambda judged: np.bincount(judged.items.ravel(), minlength=ITEMS).astype(float).std())
    assert spread[0] == spread[1]
    topics = _means(lambda judged: judged.items % TOPICS)
    assert topics[0] == topics[1]
    assert served(good=True).items.shape == (1200, SLATE)
