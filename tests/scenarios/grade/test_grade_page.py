"""What a grading found in plain words, and its heat map."""

from math import nan

import numpy as np
import polars as pl
import pytest
from scipy import stats

from driftline.evaluation.estimate import wilson
from driftline.scenarios.grade.findings import Finding, findings
from driftline.scenarios.grade.page import sheet

N = 60


def verdicts(method: str, target: str, policy: str, value: list[float], truth: float, reach: float) -> pl.DataFrame:
    """One row a seed; intervals reach `reach` either way."""
    made = np.asarray(value)
    return pl.DataFrame(
        {
            "method": method,
            "target": target,
            "policy": policy,
            "seed": np.arange(len(made)),
            "value": made,
            "std_error": np.full(len(made), reach / 2.0),
            "low": made - reach,
            "high": made + reach,
            "truth": np.full(len(made), truth),
        }
    )


def draws(seed: int, mean: float, sd: float) -> list[float]:
    return [float(each) for each in np.random.default_rng(seed).normal(mean, sd, N)]


def every() -> dict[str, Finding]:
    rows = pl.concat(
        [
            verdicts("ips", "next_period", "bold", draws(0, 0.5, 0.1), 0.1, 0.05),
            verdicts("ips", "next_period", "even", draws(1, 9.0, 0.1), 0.1, 0.05),
            verdicts("windowed snips", "next_period", "bold", draws(2, 0.1, 0.01), 0.1, 0.05),
            verdicts("welch", "global", "user, snapshot", draws(3, 0.0, 1.0), 0.0, 10.0),
            verdicts("welch", "global", "user, pooled", [0.0, 5.0] * (N // 2), 0.0, 1.0),
            verdicts("welch", "null", "user, diverted", draws(4, 0.0, 2.0), 0.0, 2.0),
        ]
    )
    return {each.name: each for each in findings(rows, "bold")}


def test_the_stale_estimate_is_off_by_its_mean_error_with_students_interval() -> None:
    found, error = every()["stale"], np.array(draws(0, 0.5, 0.1)) - 0.1
    low, high = stats.t.interval(0.95, N - 1, error.mean(), stats.sem(error))
    np.testing.assert_allclose((found.value, found.low, found.high), (error.mean(), low, high), rtol=1e-9)
    assert "'bold'" in found.text
    assert "0 % of its" in found.text
    assert "100 % hold it" in found.text


def test_coverage_lost_by_learning_together_is_paired_by_world() -> None:
    found = every()["together"]
    assert found.value == pytest.approx(0.5)
    lost = np.array([0.0, 1.0] * (N // 2))
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, N - 1) * stats.sem(lost))
    assert "in 100 % of worlds" in found.text
    assert "in 50 % while" in found.text


def test_the_spread_of_a_a_tests_has_a_chi_square_interval() -> None:
    found, value = every()["apart"], np.array(draws(4, 0.0, 2.0))
    ratio = value.std(ddof=1)  # the stated error is 1
    low, high = (ratio * np.sqrt((N - 1) / stats.chi2.ppf(share, N - 1)) for share in (0.975, 0.025))
    np.testing.assert_allclose((found.value, found.low, found.high), (ratio - 1, low - 1, high - 1), rtol=1e-9)
    assert f"{100 * np.mean(np.abs(value) > 2.0):.0f} % of such" in found.text


def test_the_dose_response_is_paired_by_world() -> None:
    errors = {
        (name, dose): draws(7 + k, 0.1 * dose * (name == "bold"), 0.05)
        for k, (name, dose) in enumerate(
            [("bold", 0.0), ("bold", 0.5), ("bold", 1.0), ("learning", 0.0), ("learning", 0.5), ("learning", 1.0)]
        )
    }
    rows = pl.concat(
        [
            verdicts("ips", "next_period", f"{name}, drift x {dose:g}", value, 0.0, 0.1)
            for (name, dose), value in errors.items()
        ]
    )
    (found,) = findings(rows, "bold")
    gained = np.array(errors["bold", 1.0]) - np.array(errors["bold", 0.0])
    low, high = stats.t.interval(0.95, N - 1, gained.mean(), stats.sem(gained))
    np.testing.assert_allclose((found.value, found.low, found.high), (gained.mean(), low, high), rtol=1e-9)
    assert found.stated
    assert all(f"{np.mean(each):+.3f} [" in found.text for each in errors.values())
    assert findings(rows.filter(pl.col("policy") != "bold, drift x 0"), "bold") == ()


def test_carry_over_and_interference_come_from_designs_that_have_only_one_of_them() -> None:
    rows = pl.concat(
        [
            verdicts("switchback (paired t)", "global", "switchback, snapshot", draws(5, -0.3, 0.1), 0.0, 0.2),
            verdicts("welch", "global", "user, pooled", draws(6, 0.1, 0.1), 0.0, 0.2),
            verdicts("welch", "global", "user, snapshot", draws(7, 0.0, 0.1), 0.0, 0.2),
            verdicts("welch", "realised", "user, pooled", draws(6, 0.1, 0.1), 0.1, 9.0),
            verdicts("welch", "realised", "user, snapshot", draws(7, 0.0, 0.1), 0.1, 9.0),
        ]
    )
    named = {each.name: each for each in findings(rows, "bold")}
    assert named["memory"].value == pytest.approx(np.mean(draws(5, -0.3, 0.1)))
    assert named["memory"].stated
    assert f"interference, is {np.mean(draws(6, 0.1, 0.1)):+.3f}" in named["memory"].text
    assert "chance included, it holds 100 % and 100 %." in named["together"].text


def together(frozen: list[float], pooled: list[float]) -> Finding:
    """Each value is 0 where the interval holds the truth, 5 where it does not."""
    rows = pl.concat(
        [
            verdicts("welch", "global", "user, snapshot", frozen, 0.0, 1.0),
            verdicts("welch", "global", "user, pooled", pooled, 0.0, 1.0),
        ]
    )
    return findings(rows, "bold")[0]


def test_a_finding_is_stated_only_where_its_worlds_tell_it() -> None:
    assert every()["together"].stated
    assert every()["together"].text.startswith(f"{N} worlds: ")
    # One of three: Student's interval runs from -110 to +177 points.
    one = together([0.0] * 3, [0.0, 0.0, 5.0])
    assert not one.stated
    assert one.text.startswith("Not told by 3 worlds: ")
    assert (one.low, one.high) == (-1.0, 1.0)  # a difference of shares is no larger
    # Three of three: an interval without width, which three worlds cannot bear out (exact test: p = .25).
    three = together([0.0] * 3, [5.0] * 3)
    assert (three.low, three.high, three.stated) == (1.0, 1.0, False)
    assert together([0.0] * 6, [5.0] * 6).stated  # p = .03
    assert stats.binomtest(0, 5).pvalue > 0.05 > stats.binomtest(0, 6).pvalue
    assert not together([0.0] * 5, [5.0] * 5).stated
    none = together([0.0] * 4, [0.0] * 4)
    assert (none.value, none.stated) == (0.0, False)


def test_colours_fade_as_far_as_the_worlds_do_not_tell() -> None:
    def cell(share: float, n: int) -> tuple[float, str]:
        numbers = {
            "n": n,
            "coverage": share,
            "rejected": 0.0,
            "bias": 0.1,
            "bias_error": 0.01,
            "rmse": 0.1,
            "warned": 0.0,
        }
        grades = pl.DataFrame([{"method": "ips", "policy": "bold", **numbers}])
        found = sheet("", grades, coverage=True).rows[0][1][0]
        return found.strength, found.detail

    strengths = [cell(1.0, n)[0] for n in (3, 10, 40, 200)]
    assert strengths == sorted(strengths)
    assert strengths[0] == 0.0
    assert strengths[-1] == 1.0
    low, high = wilson(27, 30)
    assert cell(0.9, 30)[0] == pytest.approx((0.25 - (high - low) / 2) / 0.2)
    assert cell(0.9, 30)[1].startswith(f"{100 * low:.0f} to {100 * high:.0f} % in 30 worlds; bias")


def test_what_no_row_tells_is_left_out() -> None:
    assert findings(verdicts("dm", "past", "bold", [1.0, 2.0], 0.0, 1.0), "bold") == ()
    unknown = verdicts("ips", "next_period", "bold", [nan, 1.0], 0.0, 1.0)
    assert findings(unknown, "bold") == ()
