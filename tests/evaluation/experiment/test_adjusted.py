"""CUPED and post-stratification beside least squares and peers; how a covariate's benefit decays."""

import numpy as np
import pytest
import statsmodels.api as sm
from experiment_sample import ARM, BEFORE, GBSTATS, TEA_TASTING, VALUE, VISITS, VISITS_BEFORE

from driftline.evaluation.experiment import (
    benefit_by_lag,
    cuped,
    cuped_ratio,
    lift,
    post_stratified,
    ratio,
    variance_reduction,
    welch,
)


def test_cuped_is_least_squares_on_arm_and_covariates() -> None:
    table = np.column_stack([BEFORE, VISITS_BEFORE])
    found = cuped(value=VALUE, arm=ARM, covariate=table)
    fit = sm.OLS(VALUE, sm.add_constant(np.column_stack([ARM, table]))).fit()
    assert found.value == pytest.approx(fit.params[1], rel=1e-9)
    left = VALUE - table @ fit.params[2:]
    error = sum(left[k == ARM].var(ddof=1) / np.sum(k == ARM) for k in (0, 1)) ** 0.5
    assert found.std_error == pytest.approx(error, rel=1e-9)


def test_cuped_of_peers_differs_by_where_their_theta_comes_from() -> None:
    """tea-tasting takes theta from all units as one; what the arms differ by then leaks into theta.

    Its numbers follow from ours with that theta, to the last digits; over repeats it finds too small an effect.
    """
    theta = np.cov(VALUE, BEFORE)[0, 1] / BEFORE.var(ddof=1)
    theirs = welch(VALUE - theta * BEFORE, ARM)
    assert [theirs.value, theirs.low, theirs.high, theirs.p_value] == pytest.approx(TEA_TASTING["cuped"], rel=1e-9)
    rng, repeats, arm = np.random.default_rng(1), 4000, np.arange(12) % 2
    ours, leaked = np.empty(repeats), np.empty(repeats)
    for k in range(repeats):
        x = rng.normal(0, 1, 12)
        y = x + 10.0 * arm + rng.normal(0, 0.1, 12)
        ours[k] = cuped(value=y, arm=arm, covariate=x).value
        theta = np.cov(y, x)[0, 1] / x.var(ddof=1)
        leaked[k] = welch(y - theta * x, arm).value
    assert abs(ours.mean() - 10.0) < 4 * ours.std() / np.sqrt(repeats)
    assert leaked.mean() < 10.0 - 4 * leaked.std() / np.sqrt(repeats)


def test_cuped_lift_of_growthbook_under_covers() -> None:
    """gbstats 0.8.0 divides by the plain mean but gives it the adjusted variance (their pull request 3610)."""
    theta = np.cov(VALUE, BEFORE)[0, 1] / BEFORE.var(ddof=1)

    def theirs(y: np.ndarray, x: np.ndarray, arm: np.ndarray, theta: float) -> tuple[float, float]:
        left, b = y - theta * x, arm == 1
        a_mean, b_mean = y[~b].mean(), y[b].mean()
        value = (left[b].mean() - left[~b].mean()) / a_mean
        spread = left[b].var(ddof=1) / a_mean**2 / b.sum() + left[~b].var(ddof=1) * b_mean**2 / a_mean**4 / (~b).sum()
        return float(value), float(spread**0.5)

    value, error = theirs(VALUE, BEFORE, ARM, theta)
    assert value == pytest.approx(GBSTATS["cuped_lift"][0], rel=1e-9)
    assert 2.01 < (GBSTATS["cuped_lift"][2] - value) / error < 2.03
    rng, repeats, arm = np.random.default_rng(3), 1500, np.arange(400) % 2
    held = np.zeros(2)
    for _ in range(repeats):
        x = rng.normal(5.0, 2.0, 400)
        y = x + 5.0 * arm + rng.normal(0, 0.3, 400)
        value, error = theirs(y, x, arm, np.cov(y, x)[0, 1] / x.var(ddof=1))
        ours = lift(value=y, arm=arm, covariate=x)
        held += [abs(value - 1.0) < 1.97 * error, ours.low <= 1.0 <= ours.high]
    rate = held / repeats
    assert rate[0] < 0.9
    assert abs(rate[1] - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_cuped_ratio_is_cuped_of_the_linearised_ratio() -> None:
    found = cuped_ratio(
        numerator=VALUE, denominator=VISITS, arm=ARM, covariate=np.column_stack([BEFORE, VISITS_BEFORE])
    )
    linear = np.empty(60)
    for k in (0, 1):
        y, d = VALUE[k == ARM], VISITS[k == ARM]
        linear[k == ARM] = y.mean() / d.mean() + (y - y.mean() / d.mean() * d) / d.mean()
    expected = cuped(value=linear, arm=ARM, covariate=np.column_stack([BEFORE, VISITS_BEFORE]))
    assert [found.value, found.low, found.high] == pytest.approx(
        [expected.value, expected.low, expected.high], rel=1e-9
    )
    assert found.std_error < ratio(numerator=VALUE, denominator=VISITS, arm=ARM).std_error


def test_cuped_without_a_useful_covariate_is_welch() -> None:
    constant = cuped(value=VALUE, arm=ARM, covariate=np.full(60, 3.0))
    plain = welch(VALUE, ARM)
    assert [constant.value, constant.low, constant.high] == pytest.approx([plain.value, plain.low, plain.high])


def test_collinear_and_badly_scaled_covariates_change_nothing() -> None:
    one = cuped(value=VALUE, arm=ARM, covariate=BEFORE)
    two = cuped(value=VALUE, arm=ARM, covariate=np.column_stack([BEFORE * 1e9, BEFORE * 1e-9]))
    assert [two.value, two.std_error] == pytest.approx([one.value, one.std_error], rel=1e-9)


def test_crowded_covariates_warn() -> None:
    table = np.random.default_rng(0).normal(0, 1, (60, 3))
    assert any("8.0 units a covariate" in each for each in cuped(value=VALUE, arm=ARM, covariate=table).warnings)


def test_variance_reduction_is_the_within_arm_r_squared() -> None:
    found = variance_reduction(value=VALUE, arm=ARM, covariate=BEFORE)
    full = sm.OLS(VALUE, sm.add_constant(np.column_stack([ARM, BEFORE]))).fit()
    arms_only = sm.OLS(VALUE, sm.add_constant(ARM)).fit()
    assert found.value == pytest.approx(1.0 - full.ssr / arms_only.ssr, rel=1e-9)
    assert found.low < found.value < found.high


def test_variance_reduction_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, repeats, arm = np.random.default_rng(8), 800, np.arange(500) % 2
    held = 0
    for _ in range(repeats):
        x = rng.standard_t(8, 500)
        y = 0.6 * x * np.sqrt(6 / 8) + 0.8 * rng.normal(0, 1, 500) + arm
        found = variance_reduction(value=y, arm=arm, covariate=x)
        held += found.low <= 0.36 <= found.high
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_benefit_decays_with_the_lag_as_interests_drift() -> None:
    """An AR(1) interest seen without noise: rho^2 at lag k is keep^(2 k)."""
    rng, keep, n = np.random.default_rng(5), 0.9, 20000
    path = [rng.normal(0, 1, n)]
    for _ in range(6):
        path.append(keep * path[-1] + np.sqrt(1 - keep**2) * rng.normal(0, 1, n))
    arm = np.arange(n) % 2
    found = benefit_by_lag(value=path[-1] + 2.0 * arm, arm=arm, covariate=np.column_stack(path[-2::-1]))
    for lag, each in zip(found.lag, found.rho_squared, strict=True):
        assert abs(each.value - keep ** (2 * lag)) < 4 * each.std_error
        assert each.low < each.value < each.high
    assert found.half_life == pytest.approx(np.log(2) / (-2 * np.log(keep)), rel=0.05)


def test_rho_squared_is_the_squared_within_arm_correlation() -> None:
    found = benefit_by_lag(value=VALUE, arm=ARM, covariate=BEFORE)
    centred = [np.concatenate([each[k == ARM] - each[k == ARM].mean() for k in (0, 1)]) for each in (VALUE, BEFORE)]
    assert found.rho_squared[0].value == pytest.approx(np.corrcoef(centred[0], centred[1])[0, 1] ** 2, rel=1e-9)
    assert found.rho_squared[0].value == pytest.approx(
        variance_reduction(value=VALUE, arm=ARM, covariate=BEFORE).value, rel=1e-9
    )
    assert np.isnan(found.half_life)


def test_the_interval_of_rho_squared_holds_the_truth_as_often_as_it_says() -> None:
    """Normal values, for which the error of rho is (1 - rho^2) / sqrt(n), and a heavier tail, for which it is not."""
    rng, repeats, rho, arm = np.random.default_rng(12), 800, 0.6, np.arange(400) % 2
    for scale in (np.ones(400), np.repeat([1.0, 3.0], 200)):
        held, errors = 0, np.empty(repeats)
        for k in range(repeats):
            x, noise = scale * rng.normal(0, 1, 400), scale * rng.normal(0, 1, 400)
            found = benefit_by_lag(value=rho * x + 0.8 * noise + arm, arm=arm, covariate=x).rho_squared[0]
            held += found.low <= rho**2 <= found.high
            errors[k] = found.std_error
        assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)
        exact = 2 * rho * (1 - rho**2) / np.sqrt(400) * np.sqrt(np.mean(scale**4)) / np.mean(scale**2)
        assert errors.mean() == pytest.approx(exact, rel=0.03)


def test_post_stratification_is_the_weighted_sum_of_strata() -> None:
    stratum = np.array(list("abc"))[np.arange(60) % 3]
    value = within = below = 0.0
    effects, shares = [], []
    for name in "abc":
        a, b = VALUE[(stratum == name) & (ARM == 0)], VALUE[(stratum == name) & (ARM == 1)]
        share = (len(a) + len(b)) / 60
        effects.append(b.mean() - a.mean())
        shares.append(share)
        value += share * effects[-1]
        for each in (a, b):
            part = share**2 * each.var(ddof=1) / len(each)
            within += part
            below += part**2 / (len(each) - 1)
    between = sum(w * (e - value) ** 2 for w, e in zip(shares, effects, strict=True)) / 60
    found = post_stratified(value=VALUE, arm=ARM, stratum=stratum)
    assert [found.value, found.std_error, found.df] == pytest.approx(
        [value, (within + between) ** 0.5, within**2 / below], rel=1e-9
    )
    known = post_stratified(value=VALUE, arm=ARM, stratum=stratum, shares=[20, 20, 20])
    assert [known.value, known.std_error] == pytest.approx([value, within**0.5], rel=1e-9)
    tilted = post_stratified(value=VALUE, arm=ARM, stratum=stratum, shares=[0.5, 0.25, 0.25])
    assert tilted.value == pytest.approx(0.5 * effects[0] + 0.25 * (effects[1] + effects[2]), rel=1e-9)


def test_one_stratum_is_welch() -> None:
    found, plain = post_stratified(value=VALUE, arm=ARM, stratum=np.zeros(60)), welch(VALUE, ARM)
    assert [found.low, found.high, found.df] == pytest.approx([plain.low, plain.high, plain.df], rel=1e-12)


def test_post_stratification_holds_the_truth_where_strata_differ_in_effect() -> None:
    """Shares come from the sample: without the between-strata part intervals would be too narrow."""
    rng, repeats, held, width = np.random.default_rng(7), 1500, 0, 0.0
    for _ in range(repeats):
        stratum = (rng.random(200) < 0.5).astype(int)
        arm = rng.permutation(200) % 2
        value = 5.0 * stratum + arm * (4.0 * stratum) + rng.normal(0, 1, 200)
        found = post_stratified(value=value, arm=arm, stratum=stratum)
        held += found.low <= 2.0 <= found.high
        width += found.std_error / welch(value, arm).std_error
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)
    assert width / repeats < 0.5


def test_small_strata_warn() -> None:
    found = post_stratified(value=VALUE, arm=ARM, stratum=np.arange(60) // 10)
    assert any("6 of 6 strata" in each for each in found.warnings)
