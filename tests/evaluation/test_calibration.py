"""Calibration measures against definitions, scikit-learn and statsmodels."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportion_confint

from driftline.evaluation.calibration import (
    brier,
    brier_many_way,
    expected_calibration_error,
    interval_coverage,
    reliability_bins,
    top_label,
)
from driftline.sim.errors import InputError


def said_and_came(n: int = 600, seed: int = 0, bend: float = 1.0) -> tuple[Any, Any]:
    """Forecasts p and outcomes that come with probability p ** bend."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.7, 1.2, n)
    p[:5] = [0.0, 1.0, 0.2, 0.4, 0.6]
    return p, (rng.random(n) < p**bend).astype(np.int64)


@pytest.mark.parametrize("bins", [1, 5, 15])
@pytest.mark.parametrize(("binning", "strategy"), [("equal_width", "uniform"), ("equal_mass", "quantile")])
def test_bins_and_error_agree_with_scikit_learn(bins: int, binning: Any, strategy: Any) -> None:
    p, y = said_and_came(bend=2.0)
    p[100:200] = 0.25
    found = reliability_bins(p, y.astype(float), bins, binning)
    frequency, said = calibration_curve(y, p, n_bins=bins, strategy=strategy)
    assert np.allclose(found.frequency, frequency, rtol=0, atol=1e-12)
    assert np.allclose(found.probability, said, rtol=0, atol=1e-12)
    ece = sum(n * abs(f - q) for n, f, q in zip(found.count, frequency, said, strict=True)) / len(p)
    assert expected_calibration_error(p, y, bins=bins, binning=binning).value == pytest.approx(ece, abs=1e-12)


def test_a_forecast_on_an_edge_belongs_to_the_bin_below() -> None:
    found = reliability_bins(np.array([0.0, 0.5, 0.5000001, 1.0]), np.zeros(4), 2, "equal_width")
    assert found.count.tolist() == [2.0, 2.0]


def test_the_errors_interval_holds_the_gap_of_miscalibrated_forecasts_as_often_as_it_says() -> None:
    held, repeats = 0, 400
    rng = np.random.default_rng(1)
    said = np.repeat([0.2, 0.5, 0.8], 200)
    truth = np.repeat([0.35, 0.3, 0.9], 200)
    for _ in range(repeats):
        found = expected_calibration_error(said, rng.random(600) < truth, bins=10)
        held += found.low <= (0.15 + 0.2 + 0.1) / 3 <= found.high
        assert not found.warnings
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_calibrated_forecasts_are_told_what_noise_alone_shows() -> None:
    rng = np.random.default_rng(2)
    said = np.repeat(np.linspace(0.05, 0.95, 10), 50)
    drawn = [expected_calibration_error(said, rng.random(500) < said, bins=10) for _ in range(200)]
    stated = {one.warnings[0].split("about ")[1].split()[0] for one in drawn if one.warnings}
    assert len(stated) == 1
    mean, error = np.mean([one.value for one in drawn]), np.std([one.value for one in drawn]) / np.sqrt(200)
    # stated to two digits, by the normal approximation
    assert abs(float(stated.pop()) - mean) < 4 * error + 0.001
    assert sum(bool(one.warnings) for one in drawn) > 195


def test_clusters_widen_the_interval_as_statsmodels_says() -> None:
    p, y = said_and_came(bend=2.0)
    user = np.arange(600) // 12
    found = brier(p, y, cluster=user).score
    fit = OLS((p - y) ** 2, np.ones(600)).fit(cov_type="cluster", cov_kwds={"groups": user}, use_t=True)
    assert found.std_error == pytest.approx(float(fit.bse[0]), abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]), abs=1e-9)
    assert found.n == 50
    assert np.isnan(brier(p, y, cluster=np.zeros(600, int)).score.low)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.one_of(st.none(), st.integers(1, 20)), st.sampled_from(["equal_width", "equal_mass"]))
def test_murphys_parts_add_up_exactly(seed: int, bins: int | None, binning: Any) -> None:
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(80), 1 if bins is None else 6)
    y = rng.random(80) < p
    found = brier(p, y, bins=bins, binning=binning)
    parts = found.reliability - found.resolution + found.uncertainty + found.within_variance - found.within_covariance
    assert parts == pytest.approx(found.score.value, abs=1e-12)
    assert found.score.value == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert min(found.reliability, found.resolution, found.within_variance) >= 0.0


def test_the_parts_are_murphys_definitions() -> None:
    p, y = np.array([0.1, 0.1, 0.6, 0.6, 0.6]), np.array([0, 1, 1, 1, 0])
    found = brier(p, y)
    assert found.reliability == pytest.approx((2 * (0.1 - 0.5) ** 2 + 3 * (0.6 - 2 / 3) ** 2) / 5)
    assert found.resolution == pytest.approx((2 * (0.5 - 0.6) ** 2 + 3 * (2 / 3 - 0.6) ** 2) / 5)
    assert found.uncertainty == pytest.approx(0.24)
    assert found.within_variance == 0.0


def test_many_way_brier_is_a_sum_over_classes_and_twice_the_two_way_one() -> None:
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(4), 50)
    came = rng.integers(0, 4, 50)
    expected = ((p - np.eye(4)[came]) ** 2).sum(axis=1).mean()
    assert brier_many_way(p, came).value == pytest.approx(expected, abs=1e-12)
    two = np.stack([1 - p[:, 0], p[:, 0]], axis=1)
    assert brier_many_way(two, came % 2).value == pytest.approx(2 * brier(p[:, 0], came % 2).score.value, abs=1e-12)


def test_top_label_is_the_likeliest_class_and_whether_it_came() -> None:
    confidence, right = top_label([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]], [1, 1])
    assert confidence.tolist() == [0.5, 0.4]
    assert right.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("held", [0, 1, 17, 40])
def test_coverage_has_wilsons_interval(held: int) -> None:
    truth = np.where(np.arange(40) < held, 0.5, 2.0)
    found = interval_coverage(np.zeros(40), np.ones(40), truth, level=0.9)
    low, high = proportion_confint(held, 40, method="wilson")
    assert found.coverage.value == held / 40
    assert (found.coverage.low, found.coverage.high) == pytest.approx((low, high), abs=1e-9)
    assert (found.below, found.above) == (0.0, 1 - held / 40)
    assert bool(found.coverage.warnings) == (not low <= 0.9 <= high)


def test_the_interval_score_is_width_and_a_fine_for_each_miss() -> None:
    found = interval_coverage([0.0, 0.0, 0.0], [1.0, 1.0, 2.0], [0.5, 1.25, -0.5], level=0.8)
    assert found.score.value == pytest.approx((1 + (1 + 10 * 0.25) + (2 + 10 * 0.5)) / 3)
    assert found.width.value == pytest.approx(4 / 3)
    assert (found.below, found.above) == (1 / 3, 1 / 3)


def test_limits_count_as_held_and_may_be_infinite() -> None:
    found = interval_coverage([0.0, -np.inf], [1.0, 1.0], [1.0, -9.0])
    assert found.coverage.value == 1.0
    assert found.width.warnings == ("some intervals are infinitely wide",)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: brier([0.5, 1.5], [0, 1]), "probability of row 1 is 1.5"),
        (lambda: brier([0.5, np.nan], [0, 1]), "probability of row 1 is nan"),
        (lambda: brier([0.5, 0.5], [0, 2]), "outcome of row 1 is 2"),
        (lambda: brier([0.5], [0, 1]), "one entry per forecast"),
        (lambda: brier([], []), "there are no forecasts"),
        (lambda: brier([0.5], [1], cluster=[1, 2]), "cluster has shape"),
        (lambda: expected_calibration_error([0.5], [1], bins=0), "bins is 0"),
        (lambda: expected_calibration_error([0.5], [1], binning=cast("Any", "equal_mas")), "did you mean 'equal_mass'"),
        (lambda: brier_many_way([[0.5, 0.2]], [0]), "rows must sum to 1"),
        (lambda: brier_many_way([[0.5, 0.5]], [2]), "it must lie in 0 to 1"),
        (lambda: interval_coverage([1.0], [0.0], [0.5]), "row 0 has the interval 1.0 to 0.0"),
        (lambda: interval_coverage([0.0], [1.0], [np.nan]), "the truth nan"),
        (lambda: interval_coverage([0.0], [1.0], [0.5], level=1.0), "level is 1.0"),
    ],
)
def test_bad_forecasts_are_named(call: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        call()
