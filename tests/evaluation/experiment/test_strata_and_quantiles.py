import numpy as np
import pytest
from experiment_sample import ARM, VALUE

from driftline.evaluation.experiment import post_stratified, quantile, welch


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


def test_quantiles_are_numpys_and_their_error_is_that_of_the_density() -> None:
    """Normal values: the error of a quantile is sqrt(q (1 - q) / n) / density; 4 standard errors of 300 repeats."""
    from scipy import stats

    rng, n, repeats = np.random.default_rng(9), 4000, 300
    arm = np.arange(n) % 2
    for q in (0.5, 0.9):
        exact = np.sqrt(2 * q * (1 - q) / (n / 2)) / stats.norm.pdf(stats.norm.ppf(q))
        errors = np.empty(repeats)
        for k in range(repeats):
            value = rng.normal(0, 1, n)
            found = quantile(value=value, arm=arm, q=q)
            errors[k] = found.std_error
        assert found.value == np.quantile(value[arm == 1], q) - np.quantile(value[arm == 0], q)
        assert abs(errors.mean() / exact - 1.0) < 0.02


@pytest.mark.parametrize("clustered", [False, True])
def test_quantile_intervals_hold_the_truth_as_often_as_they_say(clustered: bool) -> None:
    rng, repeats, held = np.random.default_rng(11), 1000, 0
    user = np.repeat(np.arange(200), 5)
    arm = user % 2
    for _ in range(repeats):
        common = np.repeat(rng.normal(0, 1, 200), 5) if clustered else 0.0
        value = np.exp(common + rng.normal(0, 1, 1000)) * np.where(arm == 1, 1.5, 1.0)
        found = quantile(value=value, arm=arm, cluster=user if clustered else None)
        held += found.low <= 0.5 <= found.high
    assert found.n == (200 if clustered else 1000)
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_clusters_of_one_are_no_clusters() -> None:
    rng = np.random.default_rng(1)
    value, arm = rng.normal(0, 1, 1000), np.arange(1000) % 2
    alone, plain = quantile(value=value, arm=arm, cluster=np.arange(1000)), quantile(value=value, arm=arm)
    assert alone.std_error == pytest.approx(plain.std_error, rel=0.03)


def test_quantiles_of_discrete_values_and_far_quantiles_warn() -> None:
    rng, arm = np.random.default_rng(1), np.arange(200) % 2
    assert any("tie" in each for each in quantile(value=rng.poisson(1, 200), arm=arm).warnings)
    assert any("too few values beyond" in w for w in quantile(value=rng.normal(0, 1, 200), arm=arm, q=0.99).warnings)
    assert quantile(value=rng.normal(0, 1, 200), arm=arm).warnings == ()
