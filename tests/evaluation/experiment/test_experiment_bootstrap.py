"""The bootstrap beside the delta method and scipy; clusters; memory."""

import tracemalloc

import numpy as np
import pytest
from experiment_sample import ARM, VALUE, VISITS
from scipy import stats

from driftline.evaluation.bootstrap import resampled_sums
from driftline.evaluation.estimate import FLAT
from driftline.evaluation.experiment import bootstrap, cluster, lift, ratio, welch
from driftline.evaluation.experiment._bootstrap import replicate_levels


def test_replicates_are_weighted_ratios_and_do_not_depend_on_how_many_there_are() -> None:
    in_b = ARM == 1
    counts = resampled_sums(list(np.eye(len(VALUE))), None, 3, 120)
    found = replicate_levels(VALUE, VISITS, in_b, None, 120, 3)
    for inside, levels in zip((~in_b, in_b), found, strict=True):
        exact = (counts[:, inside] @ VALUE[inside]) / (counts[:, inside] @ VISITS[inside])
        assert np.allclose(levels, exact, rtol=1e-12)
    assert np.array_equal(replicate_levels(VALUE, VISITS, in_b, None, 101, 3)[0], found[0][:101])
    assert not np.array_equal(replicate_levels(VALUE, VISITS, in_b, None, 120, 4)[0], found[0])


@pytest.mark.parametrize("relative", [False, True])
def test_bootstrap_error_is_the_delta_methods(relative: bool) -> None:
    """Divisor n against n - 1, and 4 standard errors of a standard deviation of 4,000 replicates."""
    rng = np.random.default_rng(0)
    below = rng.poisson(5, 3000) + 1.0
    above, arm = below * rng.normal(3, 1, 3000), np.arange(3000) % 2
    found = bootstrap(value=above, denominator=below, arm=arm, relative=relative, replicates=4000, seed=2)
    exact = (
        lift(value=above, denominator=below, arm=arm)
        if relative
        else ratio(numerator=above, denominator=below, arm=arm)
    )
    assert found.value == pytest.approx(exact.value, rel=1e-12)
    assert abs(found.std_error / exact.std_error - 1.0) < 4 / np.sqrt(2 * 4000) + 1 / 3000


def test_clusters_are_resampled_whole() -> None:
    rng = np.random.default_rng(1)
    user = np.repeat(np.arange(400), rng.integers(1, 9, 400))
    arm = user % 2
    value = rng.normal(0, 1, 400)[user] + rng.normal(0, 0.5, len(user))
    found = bootstrap(value=value, arm=arm, cluster=user, replicates=4000)
    exact = cluster(value=value, arm=arm, cluster=user, correction="CR0")
    assert found.n == 400
    assert abs(found.std_error / exact.std_error - 1.0) < 4 / np.sqrt(2 * 4000)
    assert found.std_error > 1.5 * welch(value, arm).std_error


def test_bca_limits_agree_with_scipy() -> None:
    """A skewed sample; scipy takes n leave-one-out fits. 4 Monte-Carlo errors of the difference of two limits."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 0.1, 30), rng.exponential(1, 30)
    value, arm = np.concatenate([a, b]), np.repeat([0, 1], 30)
    theirs = stats.bootstrap(
        (b, a),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        n_resamples=20000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = bootstrap(value=value, arm=arm, replicates=20000)
    plain = bootstrap(value=value, arm=arm, replicates=20000, interval="percentile")
    # the error of a quantile of 20,000 replicates, over the normal density at 1.96 (.058); smaller inside
    tolerance = 4 * np.sqrt(2) * np.sqrt(0.025 * 0.975 / 20000) / 0.058 * found.std_error
    assert [found.low, found.high] == pytest.approx([theirs.low, theirs.high], abs=tolerance)
    assert found.high - plain.high > tolerance


def test_kinds_of_interval_follow_their_formulas() -> None:
    by = {kind: bootstrap(value=VALUE, arm=ARM, interval=kind) for kind in ("percentile", "basic", "normal")}
    point = by["basic"].value
    assert by["basic"].low == pytest.approx(2 * point - by["percentile"].high)
    assert by["normal"].high == pytest.approx(point + stats.norm.isf(0.025) * by["normal"].std_error)
    plain = welch(VALUE, ARM)
    assert abs(by["percentile"].p_value - plain.p_value) < 0.05
    assert by["percentile"].low == pytest.approx(plain.low, abs=0.25 * plain.std_error)


def test_a_bootstrap_of_a_million_users_holds_no_array_of_resamples() -> None:
    """tea-tasting 1.14.0 asks for 233 GiB here (n leave-one-out fits of n units each)."""
    rng = np.random.default_rng(2)
    value, arm = rng.exponential(1, 1_000_000), np.arange(1_000_000) % 2
    bootstrap(value=value[:100], arm=arm[:100], replicates=100)
    tracemalloc.start()
    found = bootstrap(value=value, arm=arm, replicates=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6
    assert abs(found.std_error / welch(value, arm).std_error - 1.0) < 4 / np.sqrt(200)


def test_replicates_that_leave_an_arm_empty_are_left_out_and_said() -> None:
    """Six units: none of them is drawn once in e^6 = 403 times, so about 10 of 2,000 replicates have an empty arm."""
    value, arm = np.array([1.0, 4.0, 2.0, 8.0, 5.0, 7.0, 2.0, 4.0, 2.5, 9.0, 6.0, 7.0]), np.repeat([0, 1], 6)
    for interval in ("bca", "percentile", "basic", "normal"):
        found = bootstrap(value=value, arm=arm, interval=interval)
        assert np.isfinite([found.low, found.high, found.std_error, found.p_value]).all()
        assert (found.p_value < 0.05) == (found.low > 0.0 or found.high < 0.0)
        left = int(found.warnings[-1].split()[2])
        assert 2 <= left <= 25
        assert found.warnings[-1] == f"bootstrap: in {left} replicates an arm drew none of its units; they are left out"


def test_a_bootstrap_of_values_that_do_not_vary_has_no_interval() -> None:
    found = bootstrap(value=np.full(100, 0.1), arm=np.arange(100) % 2, replicates=100)
    assert np.isnan([found.low, found.high, found.p_value]).all()
    assert found.warnings == (FLAT,)
