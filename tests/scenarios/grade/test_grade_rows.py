"""Verdicts summed up: bias, coverage, power and selection, each with its Monte-Carlo error."""

from math import nan

import numpy as np
import polars as pl
import pytest

from driftline.scenarios.grade.rows import grades, selection

BASE = {"family": "experiment", "method": "m", "target": "global", "policy": "p", "std_error": 1.0}


def row(
    value: float, low: float, high: float, truth: float, warned: bool = False, **changes: object
) -> dict[str, object]:
    return {**BASE, "value": value, "low": low, "high": high, "truth": truth, "warned": warned, **changes}


def test_grades_are_what_their_names_say() -> None:
    rows = [
        row(1.0, 0.5, 1.5, 1.0),
        row(2.0, 1.5, 2.5, 1.0, warned=True),  # misses the truth
        row(-1.0, -1.5, -0.5, 1.0),  # wrong sign
        row(0.5, -0.5, 1.5, 1.0),  # finds nothing
        row(nan, nan, nan, 1.0),  # says nothing
    ]
    found = grades(pl.DataFrame(rows)).row(0, named=True)
    error = np.array([0.0, 1.0, -2.0, -0.5])
    assert found["n"] == 4
    assert found["bias"] == pytest.approx(error.mean())
    assert found["bias_error"] == pytest.approx(error.std(ddof=1) / 2)
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert found["coverage"] == pytest.approx(0.5)
    assert found["coverage_error"] == pytest.approx(0.25)
    assert found["width"] == pytest.approx((1 + 1 + 1 + 2) / 4)
    assert found["warned"] == pytest.approx(2 / 5)
    assert found["rejected"] == pytest.approx(3 / 5)
    assert found["type_s"] == pytest.approx(1 / 3)
    assert found["type_m"] == pytest.approx((1 + 2 + 1) / 3)


def test_each_method_target_and_policy_has_its_own_grade() -> None:
    rows = [row(1.0, 0.0, 2.0, 1.0), row(5.0, 4.0, 6.0, 1.0, policy="q"), row(5.0, 4.0, 6.0, 5.0, method="k")]
    found = grades(pl.DataFrame(rows))
    assert found.select("method", "policy", "coverage").rows() == [("m", "p", 1.0), ("m", "q", 0.0), ("k", "p", 1.0)]


def test_selection_ranks_loses_and_weighs_risk() -> None:
    truth = {"a": 0.3, "b": 0.2, "c": 0.0}
    estimates = [{"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 1.0, "b": 2.0, "c": 3.0}]  # right, and upside down
    rows = [
        row(each[name], nan, nan, truth[name], family="off_policy", target="past", policy=name, seed=seed)
        for seed, each in enumerate(estimates)
        for name in truth
    ]
    found = selection(pl.DataFrame(rows)).row(0, named=True)
    assert found["n"] == 2
    assert found["rank_correlation"] == pytest.approx(0.0)
    assert found["regret_at_1"] == pytest.approx((0.0 + 0.3) / 2)
    assert found["sharpe_at_2"] == pytest.approx((0.3 / 0.05 + 0.2 / 0.1) / 2)
    assert found["regret_at_1_error"] == pytest.approx(0.15)


def test_where_every_truth_is_zero_no_exaggeration_is_told() -> None:
    found = grades(pl.DataFrame([row(1.0, 0.5, 1.5, 0.0), row(0.1, -0.5, 0.7, 0.0)])).row(0, named=True)
    assert found["type_m"] is None
    assert found["rejected"] == pytest.approx(0.5)
