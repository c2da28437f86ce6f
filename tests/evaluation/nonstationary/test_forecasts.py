from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from drifting_bandit import abrupt, drifting_log, linear, seasonal, still, value

from driftline.evaluation.nonstationary import Basis, cosine, per_period, periods, polynomial, prognosticator
from driftline.evaluation.nonstationary import seasonal as season
from driftline.sim.errors import InputError


def test_ols_is_statsmodels_prediction_with_hc3_errors() -> None:
    log = drifting_log(linear(0.05), 12, 80, 1)
    found = prognosticator(**log.basic, period=log.period, basis=polynomial(2))
    y = per_period(**log.basic, period=log.period).value
    k = np.arange(12.0)
    fit = sm.OLS(y, np.vander(k, 3, increasing=True)).fit(cov_type="HC3", use_t=True)
    wanted = fit.get_prediction(np.array([[1.0, 12.0, 144.0]])).summary_frame(alpha=0.05).iloc[0]
    mine = [found.value, found.std_error, found.low, found.high]
    theirs = [wanted["mean"], wanted["mean_se"], wanted["mean_ci_lower"], wanted["mean_ci_upper"]]
    assert mine == pytest.approx(theirs, rel=1e-9)
    assert found.n == 12


def test_nis_is_weighted_regression_of_rounds_on_time() -> None:
    log = drifting_log(linear(0.05), 9, 50, 2)
    found = prognosticator(**log.basic, period=log.period, form="nis")
    design = np.column_stack([np.ones(len(log.reward)), log.period])
    rounds = sm.WLS(log.reward, design, weights=log.target_pscore / log.pscore).fit()
    assert found.value == pytest.approx(rounds.predict([[1.0, 9.0]])[0], rel=1e-9)
    of = per_period(**log.basic, period=log.period, estimator="snips")
    by_period = sm.WLS(of.value, np.column_stack([np.ones(9), np.arange(9)]), weights=of.weight)
    frame = by_period.fit(cov_type="HC3", use_t=True).get_prediction([[1.0, 9.0]]).summary_frame()
    assert [found.std_error, found.low] == pytest.approx(
        [frame["mean_se"].iloc[0], frame["mean_ci_lower"].iloc[0]], rel=1e-9
    )


def test_the_authors_cosine_basis_and_scaling_are_reproduced() -> None:
    log = drifting_log(linear(0.02), 40, 20, 3)
    found = prognosticator(**log.basic, period=log.period, basis=cosine(4), ahead=3)
    y = per_period(**log.basic, period=log.period).value
    scale = 40 + 3 + 2  # K + delta + int(.05 K)
    columns = np.cos(np.pi * np.outer(np.arange(40) / scale, np.arange(4)))
    ahead = np.cos(np.pi * np.outer(np.arange(40, 43) / scale, np.arange(4))).mean(axis=0)
    assert found.value == pytest.approx(ahead @ np.linalg.inv(columns.T @ columns) @ columns.T @ y, rel=1e-9)
    assert any("3 periods beyond the log" in line for line in found.warnings)


def test_a_constant_basis_gives_ips_and_snips() -> None:
    log = drifting_log(linear(0.05), 6, 30, 4)
    w = log.target_pscore / log.pscore
    ols = prognosticator(**log.basic, period=log.period, basis=polynomial(0))
    nis = prognosticator(**log.basic, period=log.period, basis=polynomial(0), form="nis")
    assert ols.value == pytest.approx(np.mean(w * log.reward), abs=1e-12)
    assert nis.value == pytest.approx(np.average(log.reward, weights=w), abs=1e-12)


@pytest.mark.parametrize(
    "law, basis, periods_logged",
    [(linear(0.05), polynomial(1), 10), (seasonal(7), season(7), 14), (still, polynomial(0), 6)],
)
def test_the_forecast_is_unbiased_where_the_basis_holds_the_law(law: Any, basis: Basis, periods_logged: int) -> None:
    repeats = 300
    truth = value(law, periods_logged)
    plain, doubly, held = [], [], 0
    for seed in range(repeats):
        log = drifting_log(law, periods_logged, 40, seed)
        ols = prognosticator(**log.basic, period=log.period, basis=basis)
        plain.append(ols.value)
        doubly.append(prognosticator(**log.modelled, period=log.period, basis=basis).value)
        held += ols.low <= truth <= ols.high
    for estimates in (plain, doubly):
        assert abs(np.mean(estimates) - truth) < 4 * np.std(estimates, ddof=1) / np.sqrt(repeats)
    # HC3 with few periods errs on the wide side
    assert held / repeats > 0.95 - 4 * np.sqrt(0.95 * 0.05 / repeats)
    assert np.std(doubly) < np.std(plain)


def test_a_straight_line_is_wrong_after_an_abrupt_shift() -> None:
    law = abrupt(5)
    estimates = [
        prognosticator(**log.basic, period=log.period).value
        for log in (drifting_log(law, 10, 60, seed) for seed in range(400))
    ]
    k = np.arange(10.0)
    y = [value(law, each) for each in k]
    slope, intercept = np.polyfit(k, y, 1)
    error = np.std(estimates, ddof=1) / 20
    # the line overshoots, by exactly what the line through the true values does
    assert abs(np.mean(estimates) - (intercept + 10 * slope)) < 4 * error
    assert np.mean(estimates) - value(law, 10) > 5 * error


def test_per_period_values_are_each_periods_own_estimate() -> None:
    log = drifting_log(linear(0.1), 4, 25, 6)
    found = per_period(**log.basic, period=log.period * 2 - 3, estimator="snips")
    assert found.period.tolist() == [-3, -1, 1, 3]
    here = log.period == 2
    w, r = (log.target_pscore / log.pscore)[here], log.reward[here]
    v = np.average(r, weights=w)
    assert found.value[2] == pytest.approx(v, abs=1e-12)
    assert found.std_error[2] == pytest.approx(np.sqrt(np.sum((w * (r - v)) ** 2) * 25 / 24) / w.sum(), rel=1e-9)
    assert found.rounds.tolist() == [25] * 4


def test_a_missing_period_is_left_out_and_said() -> None:
    log = drifting_log(linear(0.05), 10, 60, 7)
    kept = log.period != 4
    found = prognosticator(**{k: v[kept] for k, v in log.basic.items()}, period=log.period[kept])
    values = per_period(**log.basic, period=log.period).value
    k = np.delete(np.arange(10.0), 4)
    assert found.value == pytest.approx(np.polyval(np.polyfit(k, np.delete(values, 4), 1), 10.0), rel=1e-9)
    assert any("1 of 10 periods" in line for line in found.warnings)


def test_times_fall_into_whole_periods() -> None:
    assert periods(np.array([0.0, 6.99, 7.0, -0.1]), 7.0).tolist() == [0, 0, 1, -1]
    assert periods(np.array([0.0, 3.0]), 7.0, start=3.0).tolist() == [-1, 0]
    with pytest.raises(InputError, match="length is 0"):
        periods(np.zeros(1), 0.0)


def test_too_few_periods_are_said() -> None:
    log = drifting_log(linear(0.05), 4, 100, 8)
    assert any(
        "4 periods for 2 fitted columns: too few" in x for x in prognosticator(**log.basic, period=log.period).warnings
    )
    exact = prognosticator(**log.basic, period=log.period, basis=polynomial(3))
    assert np.isnan([exact.std_error, exact.low, exact.high]).all()
    assert any("meets every period" in line for line in exact.warnings)


def test_a_polynomial_is_a_line_where_no_degree_is_stated() -> None:
    assert polynomial()(np.array([0.0, 2.0]), 4.0).shape == polynomial(1)(np.array([0.0, 2.0]), 4.0).shape == (2, 2)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"basis": polynomial(4)}, "4 periods have a value; the basis has 5 columns"),
        ({"basis": season(4.0, 1, 0), "period": np.repeat([0, 4, 8, 12], 10)}, "tell only 1 apart"),
        ({"form": "wls"}, "form is 'wls'"),
        ({"ahead": 0}, "ahead is 0"),
        ({"period": np.zeros(40)}, "whole numbers"),
        ({"form": "nis", "q_action": np.zeros(40), "q_expected": np.zeros(40)}, "takes no reward model"),
        ({"q_action": np.zeros(40)}, "dr needs q_expected, which was not given"),
    ],
)
def test_bad_input_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    log = drifting_log(still, 4, 10, 1)
    with pytest.raises(InputError, match=message):
        prognosticator(**{**log.basic, "period": log.period, **changes})


def test_bases_refuse_what_makes_no_curve() -> None:
    with pytest.raises(InputError, match="degree is -1"):
        polynomial(-1)
    with pytest.raises(InputError, match="terms is 0"):
        cosine(0)
    with pytest.raises(InputError, match="length is 2"):
        season(2.0)
