"""Sample ratio mismatch, at one look and after every unit."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln

from driftline.evaluation.experiment import srm, srm_sequential


def test_srm_is_pearsons_chi_square() -> None:
    arm = np.repeat([0, 1, 2], [520, 250, 230])
    found = srm(arm, share=[0.5, 0.25, 0.25])
    expected = stats.chisquare([520, 250, 230], [500, 250, 250])
    assert [found.statistic, found.p_value] == pytest.approx([expected.statistic, expected.pvalue], rel=1e-12)
    assert found.count.tolist() == [520, 250, 230]
    # tea-tasting 1.14.0, normal test with its continuity correction; without it, this
    assert srm(np.repeat([0, 1], [36, 24])).p_value == pytest.approx(2 * stats.norm.sf(12 / np.sqrt(60)), rel=1e-9)


def test_srm_fires_on_a_planted_mismatch_of_a_million_and_not_without() -> None:
    rng = np.random.default_rng(1)
    assert srm(rng.random(1_000_000) < 0.505).mismatch
    assert not srm(rng.random(1_000_000) < 0.5).mismatch
    assert srm_sequential(rng.random(1_000_000) < 0.505)[0].mismatch
    assert not srm_sequential(rng.random(1_000_000) < 0.5)[0].mismatch
    assert srm(np.repeat([0, 1], [505_000, 495_000])).p_value < 1e-20


def test_sequential_bayes_factor_is_a_beta_integral() -> None:
    """Two arms: B(a + n_0, b + n_1) / B(a, b) over the likelihood of the planned shares."""
    arm = np.random.default_rng(0).integers(0, 2, 50)
    found, p_value = srm_sequential(arm, share=[0.6, 0.4], concentration=10.0)
    log_factor = []
    for n in range(1, 51):
        ones = arm[:n].sum()
        log_factor.append(betaln(6 + n - ones, 4 + ones) - betaln(6, 4) - (n - ones) * np.log(0.6) - ones * np.log(0.4))
    assert found.statistic == pytest.approx(log_factor[-1], rel=1e-9)
    assert np.allclose(p_value, np.exp(-np.maximum.accumulate(np.maximum(log_factor, 0.0))), rtol=1e-9)


def test_sequential_srm_may_be_looked_at_after_every_user() -> None:
    """At most alpha of true experiments ever alarm; the chi-square looked at always would alarm in many more."""
    rng, repeats = np.random.default_rng(4), 1000
    alarms = naive = 0
    for _ in range(repeats):
        arm = rng.integers(0, 2, 2000)
        alarms += bool(srm_sequential(arm, alpha=0.05)[1][-1] < 0.05)
        n = np.arange(1, 2001)
        z = (2 * np.cumsum(arm) - n) / np.sqrt(n)
        naive += bool((np.abs(z[49:]) > 1.96).any())
    assert alarms / repeats < 0.05 + 4 * np.sqrt(0.05 * 0.95 / repeats)
    assert naive / repeats > 0.2


def test_few_units_warn() -> None:
    assert any("fewer than 5" in each for each in srm([0, 1, 1, 0, 1]).warnings)
