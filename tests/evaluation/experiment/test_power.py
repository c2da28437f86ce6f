"""Power and sample size beside peers, and beside the tests that they plan for."""

import numpy as np
import pytest
from experiment_sample import ARM, TEA_TASTING, VALUE, VISITS
from scipy import stats
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import power_proportions_2indep

from driftline.evaluation.experiment import minimum_effect, power, ratio, ratio_sd, sample_size, welch
from driftline.sim.errors import InputError


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_power_of_means_agrees_with_statsmodels(share: float) -> None:
    theirs = TTestIndPower().power(0.3, 200 * (1 - share), 0.05, ratio=share / (1 - share))
    assert power(n=200, effect=0.6, sd=2.0, share=share) == pytest.approx(theirs, rel=1e-9)
    assert power(n=200, effect=-0.6, sd=2.0, share=share) == pytest.approx(theirs, rel=1e-9)


def test_power_of_rates_agrees_with_statsmodels() -> None:
    theirs = power_proportions_2indep(0.02, 0.1, 1500, ratio=1, alpha=0.05).power
    assert power(n=3000, effect=0.02, rate=0.1) == pytest.approx(theirs, rel=1e-9)


def test_power_and_size_agree_with_tea_tasting() -> None:
    sd = float(VALUE.std(ddof=1))
    assert power(n=60, effect=1.0, sd=sd) == pytest.approx(TEA_TASTING["power_of_1"], abs=2e-4)
    assert sample_size(effect=1.0, sd=sd) == TEA_TASTING["units_for_1"]


@pytest.mark.parametrize(
    "plan", [{"sd": 2.0}, {"sd": 2.0, "sd_b": 5.0, "share": 0.3}, {"rate": 0.05}, {"rate": 0.05, "share": 0.2}]
)
def test_size_effect_and_power_are_inverses(plan: dict[str, float]) -> None:
    effect = 0.3 if "sd" in plan else 0.02
    n = sample_size(effect=effect, **plan)
    assert power(n=n, effect=effect, **plan) >= 0.8 > power(n=n - 1, effect=effect, **plan)
    least = minimum_effect(n=n, **plan)
    assert power(n=n, effect=least, **plan) == pytest.approx(0.8, abs=1e-9)
    assert least <= effect


def test_the_test_rejects_as_often_as_its_power_says() -> None:
    rng, repeats, arm = np.random.default_rng(1), 3000, (np.arange(80) < 20).astype(int)
    hits = sum(welch(rng.normal(0, 1 + 2 * arm) + 2.0 * arm, arm).p_value < 0.05 for _ in range(repeats))
    expected = power(n=80, effect=2.0, sd=1.0, sd_b=3.0, share=0.25)
    assert abs(hits / repeats - expected) < 4 * np.sqrt(expected * (1 - expected) / repeats)


def test_ratio_sd_is_what_the_ratios_error_is_made_of() -> None:
    inside = ARM == 1
    twice = ratio(
        numerator=np.tile(VALUE[inside], 2), denominator=np.tile(VISITS[inside], 2), arm=np.repeat([0, 1], inside.sum())
    )
    assert twice.std_error == pytest.approx(ratio_sd(VALUE[inside], VISITS[inside]) * np.sqrt(2 / inside.sum()))


def test_huge_experiments_do_not_lose_their_digits() -> None:
    """The closed form leaves out the far tail, 1e-6 of the power."""
    n = sample_size(effect=0.001, sd=1.0)
    closed = 4 * (stats.norm.isf(0.025) + stats.norm.isf(0.2)) ** 2 / 0.001**2
    assert n == pytest.approx(closed, rel=1e-5)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({}, "either sd"),
        ({"sd": 1.0, "rate": 0.1}, "either sd"),
        ({"sd": -1.0}, "sd must be above 0"),
        ({"rate": 1.5}, "rate is 1.5; must be above 0 and below 1"),
        ({"rate": 0.99}, r"rate \+ effect"),
        ({"sd": 1.0, "share": 1.0}, "share is 1; must be above 0 and below 1"),
        ({"sd": 1.0, "level": 95.0}, "level is 95; must be above 0 and below 1"),
        ({"sd": 1.0, "n": 3}, "fewer than 2 units"),
    ],
)
def test_illegal_plans_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        power(**{"n": 100, "effect": 0.1, **wrong})  # type: ignore[arg-type]


def test_impossible_targets_are_refused() -> None:
    with pytest.raises(InputError, match="must not be 0"):
        sample_size(effect=0.0, sd=1.0)
    with pytest.raises(InputError, match="target"):
        sample_size(effect=1.0, sd=1.0, target=0.04)
    assert np.isnan(minimum_effect(n=6, rate=0.9))
