"""The relative lift beside peers, by Fieller's theorem, and where the control is near 0."""

import numpy as np
import pytest
from experiment_sample import ARM, GBSTATS, TEA_TASTING, VALUE, VISITS
from scipy import stats

from driftline.evaluation.experiment import Effect, bootstrap, lift, ratio, welch
from driftline.evaluation.experiment._lift import LiftInterval


def limits(effect: Effect) -> list[float]:
    return [effect.value, effect.low, effect.high]


def test_lift_on_the_log_scale_agrees_with_tea_tasting() -> None:
    assert limits(lift(value=VALUE, arm=ARM, interval="log")) == pytest.approx(TEA_TASTING["mean_lift"], rel=1e-9)
    found = lift(value=VALUE, arm=ARM, denominator=VISITS, interval="log")
    assert limits(found) == pytest.approx(TEA_TASTING["ratio_lift"], rel=1e-9)


def test_delta_lift_agrees_with_growthbook() -> None:
    """Value and standard error; their interval takes the degrees of freedom of the difference."""
    for key, found, plain in (
        ("mean_lift", lift(value=VALUE, arm=ARM), welch(VALUE, ARM)),
        (
            "ratio_lift",
            lift(value=VALUE, arm=ARM, denominator=VISITS),
            ratio(numerator=VALUE, denominator=VISITS, arm=ARM),
        ),
    ):
        value, low, high = GBSTATS[key]
        assert found.value == pytest.approx(value, rel=1e-9)
        assert found.std_error == pytest.approx((high - low) / 2 / stats.t.isf(0.025, plain.df), rel=1e-9)


def test_fieller_limits_are_the_ratios_at_which_the_difference_is_just_significant() -> None:
    found = lift(value=VALUE, arm=ARM, interval="fieller")
    a, b = VALUE[ARM == 0], VALUE[ARM == 1]
    for each in (found.low, found.high):
        r = each + 1.0
        z = (b.mean() - r * a.mean()) / np.sqrt(b.var(ddof=1) / len(b) + r * r * a.var(ddof=1) / len(a))
        assert abs(z) == pytest.approx(stats.t.isf(0.025, found.df), rel=1e-9)
    assert found.low < found.value < found.high
    assert found.high - found.value > found.value - found.low


def test_fieller_with_an_adjusted_level_counts_what_the_arms_share() -> None:
    """Both levels hold the pooled mean of the covariate; its error must enter the covariance."""
    rng = np.random.default_rng(4)
    held = {"delta": 0, "fieller": 0, "log": 0}
    repeats, truth = 1500, 2.0
    for _ in range(repeats):
        x = rng.normal(2.0, 1.0, 200)
        arm = rng.permutation(200) % 2
        y = np.where(arm == 1, 6.0 + 3.0 * x, 2.0 + x) + rng.normal(0, 0.2, 200)
        for name in held:
            found = lift(value=y, arm=arm, covariate=x, interval=name)  # type: ignore[arg-type]
            held[name] += found.low <= truth <= found.high
    for name, count in held.items():
        assert abs(count / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats), (name, count)


def test_a_lift_is_above_zero_where_b_is_better_also_below_zero() -> None:
    """A loses 1.48 a user and B earns 1.05: that is no lift of -171 %."""
    rng = np.random.default_rng(0)
    arm = np.arange(4000) % 2
    value = np.where(arm == 1, 1.05, -1.48) + rng.normal(0, 1, 4000)
    a, b = value[arm == 0], value[arm == 1]
    found = lift(value=value, arm=arm)
    error = np.sqrt(b.var(ddof=1) / len(b) / a.mean() ** 2 + b.mean() ** 2 * a.var(ddof=1) / len(a) / a.mean() ** 4)
    assert found.value == pytest.approx((b.mean() - a.mean()) / abs(a.mean()), rel=1e-9)
    assert found.std_error == pytest.approx(error, rel=1e-9)
    assert found.low > 1.6
    assert found.statistic > 0.0
    fieller = lift(value=value, arm=arm, interval="fieller")
    drawn = bootstrap(value=value, arm=arm, relative=True, interval="normal")
    for other in (fieller, drawn):
        assert other.value == pytest.approx(found.value, rel=1e-12)
        assert [other.low, other.high] == pytest.approx([found.low, found.high], abs=0.02)


@pytest.mark.parametrize("interval", ["delta", "fieller"])
def test_values_of_the_other_sign_have_the_opposite_lift(interval: LiftInterval) -> None:
    found, other = (lift(value=value, arm=ARM, interval=interval) for value in (VALUE, -VALUE))
    assert limits(other) == pytest.approx([-found.value, -found.high, -found.low], rel=1e-12)
    assert other.p_value == pytest.approx(found.p_value, rel=1e-9)


def test_a_negative_base_is_covered_as_often_as_a_positive_one() -> None:
    """A ten standard errors below 0; 1,000 experiments."""
    rng, repeats, held = np.random.default_rng(8), 1000, {"delta": 0, "fieller": 0}
    arm = np.arange(200) % 2
    for _ in range(repeats):
        value = np.where(arm == 1, -0.5, -1.0) + rng.normal(0, 1, 200)
        for name in held:
            found = lift(value=value, arm=arm, interval=name)  # type: ignore[arg-type]
            held[name] += found.low <= 0.5 <= found.high
    for name, count in held.items():
        assert abs(count / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats), (name, count)


@pytest.mark.parametrize("shift", [-0.1, 0.0, 0.1])
def test_a_control_that_is_not_told_from_zero_has_no_lift(shift: float) -> None:
    value = np.concatenate([np.tile([-1.0, 1.0], 25) + shift, np.tile([2.0, 3.0], 25)])
    arm = np.repeat([0, 1], 50)
    for found in (lift(value=value, arm=arm), bootstrap(value=value, arm=arm, relative=True, replicates=500)):
        assert np.isnan([*limits(found), found.p_value]).all()
        assert "is not told from 0: a relative lift has no meaning; take the difference" in found.warnings[-1]
    exact = lift(value=value, arm=arm, interval="fieller")
    assert (exact.low, exact.high) == (-np.inf, np.inf)
    assert "no lift can be excluded" in exact.warnings[-1]


def test_the_base_meets_zero_exactly_where_its_own_t_interval_does() -> None:
    a = np.tile([-1.0, 1.0], 25)
    reach = stats.t.isf(0.025, 49) * a.std(ddof=1) / np.sqrt(50)
    arm = np.repeat([0, 1], 50)
    for sign in (-1.0, 1.0):
        inside, outside = (
            lift(value=np.concatenate([a + sign * by * reach, np.tile([2.0, 3.0], 25)]), arm=arm)
            for by in (1 - 1e-9, 1 + 1e-9)
        )
        assert np.isnan(inside.value)
        assert np.isfinite([outside.value, outside.low, outside.high]).all()
        assert any("take fieller" in each for each in outside.warnings)


def test_a_control_without_any_reward_has_no_lift() -> None:
    value, arm = np.repeat([0.0, 1.0], 50), np.repeat([0, 1], 50)
    for found in (lift(value=value, arm=arm), bootstrap(value=value, arm=arm, relative=True, replicates=100)):
        assert np.isnan(limits(found)).all()
        assert "arm A's level, 0 [0, 0], is not told from 0" in found.warnings[-1]
