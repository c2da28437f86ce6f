"""Confidence sequences of bounded means: against their formulas and peers, and held at any share of the arms."""

from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from driftline.evaluation.experiment import confidence_sequence, peeked
from driftline.evaluation.experiment._bounded import _tuned, arms, betting_limits, gamma_exponential
from driftline.sim.errors import InputError

ERROR = 0.0125
"""Of one side of one arm, at 95 % for the difference."""


def gambled(x: Any, mean: float, planned: int, side: int) -> float:
    """Average capital of one side's four gamblers after all of x, as the paper writes it."""
    capital = []
    for horizon in (planned, planned / 10, planned / 100, planned / 1000):
        cash, seen, total, squares = 1.0, 0, 0.5, 0.25
        for each in x:
            bet = sqrt(2 * log(1 / ERROR) / (squares / (seen + 1) * horizon))
            limit = mean if side > 0 else 1.0 - mean
            cash *= 1.0 + side * min(bet, 0.5 / limit) * (each - mean)
            seen, total = seen + 1, total + each
            squares += (each - total / (seen + 1)) ** 2
        capital.append(cash)
    return float(np.mean(capital))


def test_betting_limits_are_the_papers_capital() -> None:
    """Means just outside the limits are out, means a little inside are not."""
    rng = np.random.default_rng(3)
    a, b = rng.beta(2, 5, 150), rng.beta(3, 3, 60)
    value, in_b = np.concatenate([a, b]), np.arange(210) >= 150
    found = betting_limits(arms(value, in_b, (0.0, 1.0)), 0.95, 400)
    # before B's first unit its limits are 0 and 1: what is seen is A's
    low_a, high_a = 1.0 - found.high[149], -found.low[149]
    low_b, high_b = found.low[-1] + high_a, found.high[-1] + low_a
    for x, low, high in ((a, low_a, high_a), (b, low_b, high_b)):
        assert gambled(x, low, 400, 1) >= 1 / ERROR > gambled(x, low + 0.002, 400, 1)
        assert gambled(x, high, 400, -1) >= 1 / ERROR > gambled(x, high - 0.002, 400, -1)


def test_betting_limits_agree_with_confseq() -> None:
    """confseq 0.0.11, `betting_cs`: four `lambda_predmix_eb` with `fixed_n`, alpha .025, 20,000 breaks."""
    x = np.random.default_rng(3).beta(2, 5, 200)
    found = betting_limits(arms(np.tile(x, 2), np.arange(400) >= 200, (0.0, 1.0)), 0.95, 400)
    for n, low, high in ((1, 0.0, 1.0), (10, 0.1103, 0.6766), (50, 0.21905, 0.40555), (200, 0.25685, 0.32735)):
        assert -6e-5 < low - (1.0 - found.high[n - 1]) < 0.002  # their breaks, and our places
        assert -6e-5 < -found.low[n - 1] - high < 0.002


@pytest.mark.parametrize(
    "error, optimum, limits",
    [
        (0.0125, 50.0, [9.78078683509, 14.572902718, 37.0729366414]),
        (0.05, 20.0, [6.51312232011, 11.3803966545, 32.3517646518]),
    ],
)
def test_gamma_exponential_boundary_agrees_with_confseq(error: float, optimum: float, limits: list[float]) -> None:
    """confseq 0.0.11, `gamma_exponential_mixture_bound` at variances 1, 10 and 100, scale 1."""
    found = gamma_exponential(np.array([1.0, 10.0, 100.0]), error, rho=_tuned(optimum, error))
    assert found == pytest.approx(limits, rel=1e-9)


def test_gamma_exponential_boundary_is_a_mixture() -> None:
    """Of exp(l s + v (log(1 - l) + l)) over l in [0, 1), by the density that 1 - l has: a truncated gamma's."""
    rho, v, s = 3.0, 7.0, 6.0

    def density(u: float) -> float:
        return float(u ** (rho - 1) * np.exp(-rho * u))

    def mixed(at: float) -> float:
        mass = integrate.quad(density, 0, 1)[0]
        weighed = integrate.quad(lambda u: density(u) * np.exp((1 - u) * at + v * (np.log(u) + 1 - u)), 0, 1)[0]
        return float(weighed / mass)

    error = 1.0 / mixed(s)
    assert gamma_exponential(np.array([v]), error, rho=rho)[0] == pytest.approx(s, rel=1e-7)


@pytest.mark.parametrize("kind", ["betting", "empirical_bernstein"])
@pytest.mark.parametrize("rate, share", [(0.02, 0.1), (0.005, 0.02), (0.3, 0.1)])
def test_bounded_sequences_bear_being_peeked_at_at_any_share(kind: Any, rate: float, share: float) -> None:
    """200 A/A streams looked at after every unit: more than 8.1 % would be chance once in a thousand times."""
    found = peeked(
        lambda value, arm: confidence_sequence(value, arm, kind=kind, bounds=(0, 1), planned=2000),
        streams=200,
        n=2000,
        start=1,
        share=share,
        draw=lambda rng, n: (rng.random(n) < rate).astype(np.float64),
        seed=3,
    )
    assert found.value <= 0.081


def test_a_betting_sequence_covers_the_effect_at_all_times_and_finds_it() -> None:
    rng, missed, seen = np.random.default_rng(4), 0, 0
    for _ in range(150):
        arm = (rng.random(1500) < 0.2).astype(np.int64)
        value = 2.0 + 4.0 * rng.beta(np.where(arm == 1, 3.0, 2.0), 2.0)
        found = confidence_sequence(value, arm, kind="betting", bounds=(2.0, 6.0), planned=1500)
        missed += bool(((found.low > 0.4) | (found.high < 0.4)).any())
        seen += bool(found.low[-1] > 0.0)
    assert missed / 150 <= 0.1
    assert seen >= 140


def test_empirical_bernstein_holds_the_running_mean_while_it_moves() -> None:
    """B's rate goes from .2 to .8; after n units the estimand is the mean of the rates so far."""
    rng, missed = np.random.default_rng(8), 0
    for _ in range(100):
        arm = rng.integers(0, 2, 1200)
        rate = np.where(arm == 1, np.linspace(0.2, 0.8, 1200), 0.5)
        value = (rng.random(1200) < rate).astype(np.float64)
        found = confidence_sequence(value, arm, kind="empirical_bernstein", bounds=(0, 1), planned=1200)
        units = np.maximum(np.cumsum(arm == 1), 1), np.maximum(np.cumsum(arm == 0), 1)
        truth = np.cumsum(np.where(arm == 1, rate, 0)) / units[0] - np.cumsum(np.where(arm == 0, rate, 0)) / units[1]
        missed += bool(((found.low > truth + 1e-12) | (found.high < truth - 1e-12))[10:].any())
    assert missed <= 12
    assert 0.0 < found.high[-1] - found.low[-1] < 0.5


def test_the_p_value_is_below_alpha_where_zero_is_excluded() -> None:
    rng = np.random.default_rng(5)
    arm = (rng.random(800) < 0.3).astype(np.int64)
    value = (rng.random(800) < np.where(arm == 1, 0.25, 0.1)).astype(np.float64)
    for level in (0.8, 0.95):
        found = confidence_sequence(value, arm, kind="betting", bounds=(0, 1), planned=800, level=level)
        assert found.excludes_zero().any()
        assert np.array_equal(found.p_value <= 1.0 - level, found.excludes_zero())


def test_bounded_limits_follow_the_values_unit_and_the_arms_names() -> None:
    rng = np.random.default_rng(6)
    arm, value = rng.integers(0, 2, 300), rng.beta(2, 2, 300)
    for kind in ("betting", "empirical_bernstein"):
        plain = confidence_sequence(value, arm, kind=kind, bounds=(0, 1)).last()
        moved = confidence_sequence(4 * value - 1, arm, kind=kind, bounds=(-1, 3)).last()
        back = confidence_sequence(value, 1 - arm, kind=kind, bounds=(0, 1)).last()
        assert (moved.low, moved.high) == pytest.approx((4 * plain.low, 4 * plain.high), rel=1e-6)
        assert (back.low, back.high) == pytest.approx((-plain.high, -plain.low), rel=1e-6)


def test_values_outside_the_bounds_are_named() -> None:
    with pytest.raises(InputError, match=r"value 7 at row 3 lies outside the bounds \[0, 1\]"):
        confidence_sequence([0, 1, 0, 7, 1, 0], [0, 1, 0, 1, 0, 1], kind="betting", bounds=(0, 1))


def test_a_normal_mixture_would_not_have_held() -> None:
    """Why betting is there: a tenth of the units in B and 2 % events, under a normal mixture from 50 units on."""
    rng, excluded = np.random.default_rng(1), 0
    for _ in range(100):
        in_b = rng.random(4000) < 0.1
        value = rng.random(4000) < 0.02
        n_a, n_b = np.cumsum(~in_b), np.cumsum(in_b)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate_a, rate_b = np.cumsum(value & ~in_b) / n_a, np.cumsum(value & in_b) / n_b
            error = np.sqrt(rate_a * (1 - rate_a) / n_a + rate_b * (1 - rate_b) / n_b)
        excluded += bool((np.abs(rate_b - rate_a) > stats.norm.ppf(0.9995) * error)[50:].any())
    assert excluded > 15
