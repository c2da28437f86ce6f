"""Regression adjustment beside least squares of statsmodels; where one slope for both arms hurts, and where not."""

from typing import Literal

import numpy as np
import pytest
import statsmodels.api as sm
from experiment_sample import ARM, BEFORE, VALUE, VISITS_BEFORE

from driftline.evaluation.experiment import cuped, regression_adjusted, welch
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

TABLE = np.column_stack([BEFORE, VISITS_BEFORE])


def least_squares(value: Floats, arm: Floats, table: Floats, correction: str) -> tuple[float, float]:
    """The arm's coefficient and its error in value ~ arm * (covariates less their mean)."""
    centred = table - table.mean(axis=0)
    fit = sm.OLS(value, sm.add_constant(np.column_stack([arm, centred, arm[:, None] * centred]))).fit(
        cov_type=correction
    )
    return float(fit.params[1]), float(fit.bse[1])


@pytest.mark.parametrize("correction", ["HC2", "HC3"])
@pytest.mark.parametrize("columns", [1, 2])
def test_on_these_units_it_is_interacted_least_squares(correction: Literal["HC2", "HC3"], columns: int) -> None:
    table = TABLE[:, :columns]
    found = regression_adjusted(value=VALUE, arm=ARM, covariate=table, correction=correction, target="sample")
    assert [found.value, found.std_error] == pytest.approx(least_squares(VALUE, ARM, table, correction), rel=1e-9)


def test_of_a_population_the_error_holds_what_another_mean_of_the_covariates_would_change() -> None:
    found = regression_adjusted(value=VALUE, arm=ARM, covariate=TABLE)
    value, error = least_squares(VALUE, ARM, TABLE, "HC2")
    slopes = [sm.OLS(VALUE[k == ARM], sm.add_constant(TABLE[k == ARM])).fit().params[1:] for k in (0, 1)]
    gap = slopes[1] - slopes[0]
    assert found.value == pytest.approx(value, rel=1e-9)
    assert found.std_error**2 == pytest.approx(error**2 + gap @ np.cov(TABLE.T) @ gap / len(VALUE), rel=1e-9)


def test_unit_scale_and_collinear_covariates_change_nothing() -> None:
    one = regression_adjusted(value=VALUE, arm=ARM, covariate=BEFORE)
    two = regression_adjusted(
        value=VALUE, arm=ARM, covariate=np.column_stack([BEFORE * 1e9, BEFORE * 1e-9, np.full(60, 0.3), ARM])
    )
    assert [two.value, two.std_error, two.df] == pytest.approx([one.value, one.std_error, one.df], rel=1e-9)


def opposed(rng: np.random.Generator, n: int = 1000) -> tuple[Floats, Int64s, Floats]:
    """A tenth of the units in B; slopes -1 and +3; no effect on the whole."""
    arm = (rng.permutation(n) < n // 10).astype(np.int64)
    x = rng.normal(0, 1, n)
    return np.where(arm == 1, 3.0 * x, -x) + rng.normal(0, 1, n), arm, x


def test_where_slopes_differ_it_is_sharper_than_both_and_holds_the_truth() -> None:
    rng, repeats = np.random.default_rng(6), 1500
    spread, held = np.empty((3, repeats)), 0
    for k in range(repeats):
        value, arm, x = opposed(rng)
        found = regression_adjusted(value=value, arm=arm, covariate=x)
        held += found.low <= 0.0 <= found.high
        spread[:, k] = found.value, welch(value, arm).value, cuped(value=value, arm=arm, covariate=x).value
    lin, plain, pooled = spread.std(axis=1)
    assert lin < 0.6 * plain < 0.6 * pooled
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_cuped_says_where_one_slope_for_both_arms_hurts_and_not_where_it_does_not() -> None:
    rng, repeats, said = np.random.default_rng(7), 200, np.zeros(3)
    for _ in range(repeats):
        value, arm, x = opposed(rng)
        alike = value - np.where(arm == 1, 4.0 * x, 0.0)
        halves = np.arange(len(x)) % 2  # equal arms: one slope loses nothing, however different the two are
        other = np.where(halves == 1, 3.0 * x, -x) + rng.normal(0, 1, len(x))
        for k, each in enumerate(((value, arm), (alike, arm), (other, halves))):
            warnings = cuped(value=each[0], arm=each[1], covariate=x).warnings
            said[k] += any("slopes differ" in line and "regression_adjusted" in line for line in warnings)
    assert said.tolist() == [repeats, 0, 0]


@pytest.mark.parametrize("correction", ["HC2", "HC3"])
def test_without_a_useful_covariate_it_is_welchs_difference(correction: Literal["HC2", "HC3"]) -> None:
    found = regression_adjusted(value=VALUE, arm=ARM, covariate=np.full(60, 3.0), correction=correction)
    plain = welch(VALUE, ARM)
    assert found.value == pytest.approx(plain.value, rel=1e-12)
    if correction == "HC2":
        assert [found.std_error, found.df, found.p_value] == pytest.approx([plain.std_error, plain.df, plain.p_value])


def test_arms_too_small_for_their_covariates_are_refused() -> None:
    with pytest.raises(InputError, match="arm B has 3 units for 2 covariates; at least 4"):
        regression_adjusted(value=VALUE[:8], arm=[0, 0, 0, 0, 0, 1, 1, 1], covariate=TABLE[:8])
    alone = np.zeros(60)
    alone[4] = 1.0
    with pytest.raises(InputError, match="alone decides a slope; drop that covariate"):
        regression_adjusted(value=VALUE, arm=ARM, covariate=alone)
    with pytest.raises(InputError, match="correction is 'HC4'"):
        regression_adjusted(value=VALUE, arm=ARM, covariate=BEFORE, correction="HC4")  # type: ignore[arg-type]
