"""Differences of means, ratios and shares beside peers and formulas; what is warned of."""

import numpy as np
import pytest
from experiment_sample import ARM, BEFORE, CLICK, TEA_TASTING, VALUE, VISITS
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from driftline.evaluation.estimate import BOUNDED, FLAT
from driftline.evaluation.experiment import Effect, lift, proportions, ratio, welch
from driftline.sim.errors import InputError


def limits(effect: Effect) -> list[float]:
    return [effect.value, effect.low, effect.high]


def test_welch_agrees_with_scipy() -> None:
    found = welch(VALUE, ARM, level=0.9)
    expected = stats.ttest_ind(VALUE[ARM == 1], VALUE[ARM == 0], equal_var=False)
    interval = expected.confidence_interval(0.9)
    assert np.allclose([found.low, found.high], [interval.low, interval.high], rtol=1e-12)
    assert [found.statistic, found.p_value, found.df] == pytest.approx(
        [expected.statistic, expected.pvalue, expected.df], rel=1e-11
    )
    assert found.n == 60


def test_welch_agrees_with_tea_tasting() -> None:
    found = welch(VALUE, ARM)
    assert [*limits(found), found.p_value] == pytest.approx(TEA_TASTING["mean"], rel=1e-9)


def test_ratio_agrees_with_tea_tasting() -> None:
    found = ratio(numerator=VALUE, denominator=VISITS, arm=ARM)
    assert [*limits(found), found.p_value] == pytest.approx(TEA_TASTING["ratio"], rel=1e-9)


def test_ratio_with_equal_denominators_is_welch_divided() -> None:
    found, plain = ratio(numerator=VALUE, denominator=np.full(60, 4.0), arm=ARM), welch(VALUE, ARM)
    assert limits(found) == pytest.approx([each / 4 for each in limits(plain)], rel=1e-12)


def test_ratio_error_is_the_textbook_delta_formula() -> None:
    expected = 0.0
    for inside in (ARM == 0, ARM == 1):
        y, d = VALUE[inside], VISITS[inside]
        c = np.cov(y, d)
        r = y.mean() / d.mean()
        expected += (c[0, 0] - 2 * r * c[0, 1] + r * r * c[1, 1]) / d.mean() ** 2 / len(y)
    assert ratio(numerator=VALUE, denominator=VISITS, arm=ARM).std_error == pytest.approx(expected**0.5, rel=1e-12)


def test_a_ratio_whose_denominators_are_near_zero_warns() -> None:
    rare = np.zeros(200)
    rare[:4] = 1.0
    found = ratio(numerator=rare * 3.0, denominator=rare, arm=np.arange(200) % 2)
    assert any("mean denominator" in each for each in found.warnings)
    assert not any("mean denominator" in w for w in ratio(numerator=VALUE, denominator=VISITS, arm=ARM).warnings)


@pytest.mark.parametrize(
    "ours, theirs", [("newcombe", "newcomb"), ("wald", "wald"), ("agresti_caffo", "agresti-caffo")]
)
def test_proportions_agree_with_statsmodels(ours: str, theirs: str) -> None:
    hits = [int(CLICK[ARM == 1].sum()), int(CLICK[ARM == 0].sum())]
    found = proportions(CLICK, ARM, interval=ours)  # type: ignore[arg-type]
    low, high = confint_proportions_2indep(hits[0], 24, hits[1], 36, method=theirs)
    assert [found.low, found.high] == pytest.approx([low, high], rel=1e-9)
    z, p = proportions_ztest(hits, [24, 36])
    assert [found.statistic, found.p_value] == pytest.approx([z, p], rel=1e-9)


def test_proportions_of_rare_rewards_warn_of_thin_cells() -> None:
    rare = np.zeros(1000)
    rare[[3, 500, 900]] = 1
    found = proportions(rare, np.arange(1000) % 2)
    assert any("expected cell is 1.5" in each for each in found.warnings)
    nobody = proportions(np.zeros(1000), np.arange(1000) % 2)
    assert nobody.low < 0.0 < nobody.high
    assert nobody.p_value == 1.0


def test_values_that_do_not_vary_have_no_interval() -> None:
    found = welch(np.ones(100), np.arange(100) % 2)
    assert np.isnan([found.low, found.high, found.p_value]).all()
    assert found.warnings[-1] == FLAT
    for n in (6, 100, 1_000):
        assert np.isnan(welch(np.full(n, 0.1), np.arange(n) % 2).low)
    assert welch(VALUE, ARM, bounds=(-1e3, 1e3)) == welch(VALUE, ARM)


def test_bounded_values_that_do_not_vary_have_exact_limits() -> None:
    """Nobody clicked: the difference lies between the arms' exact limits at half the error each."""
    arm = np.repeat([0, 1], [900, 100])
    found = welch(np.zeros(1000), arm, bounds=(0.0, 1.0))
    high_a, high_b = (stats.binomtest(0, n, alternative="less").proportion_ci(0.975).high for n in (900, 100))
    assert limits(found) == pytest.approx([0.0, -high_a, high_b], rel=1e-9)
    assert FLAT not in found.warnings
    assert found.warnings == (BOUNDED,)
    with pytest.raises(InputError, match=r"value\[0\] is 0; must be between 1 and 2"):
        welch(np.zeros(1000), arm, bounds=(1.0, 2.0))


def test_a_heavy_tail_is_named_and_normal_values_are_not() -> None:
    rng = np.random.default_rng(2)
    arm = np.arange(2000) % 2
    assert any("heavy tail" in each for each in welch(rng.lognormal(0, 2.5, 2000), arm).warnings)
    assert welch(rng.normal(0, 1, 2000), arm).warnings == ()
    few = welch(rng.normal(0, 1, 40), np.arange(40) % 2).warnings
    assert [each[:15] for each in few] == ["arm A has 20 un", "arm B has 20 un"]


def test_the_unit_of_the_values_does_not_matter() -> None:
    found, scaled = lift(value=VALUE, arm=ARM), lift(value=VALUE * 1e6, arm=ARM)
    assert limits(scaled) == pytest.approx(limits(found), rel=1e-9)
    shifted, plain = welch(VALUE + 1e6, ARM), welch(VALUE, ARM)
    assert limits(shifted) == pytest.approx(limits(plain), rel=1e-7)


def test_polars_columns_are_welcome() -> None:
    import polars as pl

    frame = pl.DataFrame({"value": VALUE, "arm": ARM, "before": BEFORE})
    assert welch(frame["value"], frame["arm"] == 1) == welch(VALUE, ARM)
    with pytest.raises(InputError, match="must be finite"):
        welch(pl.Series([1.0, None, 2.0, 3.0]), [0, 0, 1, 1])
