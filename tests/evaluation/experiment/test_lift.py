"""The relative lift beside peers, by Fieller's theorem, and where the control is near 0."""

import numpy as np
import pytest
from experiment_sample import ARM, GBSTATS, TEA_TASTING, VALUE, VISITS
from scipy import stats

from driftline.evaluation.experiment import Effect, lift, ratio, welch


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


def test_a_control_that_is_not_told_from_zero_has_no_bounded_lift() -> None:
    value = np.concatenate([np.tile([-1.0, 1.2], 25), np.tile([2.0, 3.0], 25)])
    arm = np.repeat([0, 1], 50)
    found = lift(value=value, arm=arm, interval="fieller")
    assert np.isinf([found.low, found.high]).all()
    assert any("not told from 0" in each and "excluded" in each for each in found.warnings)
    assert any("take fieller" in each for each in lift(value=value, arm=arm).warnings)
    alike = lift(value=np.tile([-1.0, 1.2], 50), arm=arm, interval="fieller")
    assert any("no lift can be excluded" in each for each in alike.warnings)
