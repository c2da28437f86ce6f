"""Group-sequential and always-valid limits beside published tables, formulas and peers; what peeking costs."""

from functools import partial
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from experiment_sample import ARM, GBSTATS, SPOTIFY_POWER_BOUNDS, VALUE
from scipy import integrate, stats

from driftline.evaluation.experiment import (
    Running,
    boundaries,
    confidence_sequence,
    crossing,
    group_sequential,
    msprt,
    peeked,
    peeked_t,
    welch,
)
from driftline.evaluation.experiment._always_valid import bernstein_sequence
from driftline.sim.errors import InputError

FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize(
    "options, table",
    [
        # as printed by gsDesign and WinLD: O'Brien-Fleming and Pocock type, two-sided .05
        ({}, [4.877, 3.357, 2.680, 2.290, 2.031]),
        ({"spending": "pocock"}, [2.438, 2.427, 2.410, 2.397, 2.386]),
    ],
)
def test_boundaries_agree_with_published_tables(options: Any, table: list[float]) -> None:
    assert np.allclose(boundaries(FIVE, **options).z, table, rtol=0.0, atol=5.1e-4)


def test_conventions_differ_in_how_the_sides_share() -> None:
    """Jennison & Turnbull 2000 spend for both sides by one function: the first look is 1.96 / sqrt(.2)."""
    joint = boundaries(FIVE, convention="two_sided")
    assert joint.z[0] == pytest.approx(stats.norm.isf(0.025) / sqrt(0.2), rel=1e-9)
    assert boundaries(FIVE).z[0] == pytest.approx(
        stats.norm.isf(2 * stats.norm.sf(stats.norm.isf(0.0125) / sqrt(0.2))), rel=1e-9
    )
    same = boundaries(FIVE, spending="pocock", convention="two_sided")
    assert np.allclose(same.z, boundaries(FIVE, spending="pocock").z, rtol=1e-12)


@pytest.mark.parametrize("exponent", SPOTIFY_POWER_BOUNDS)
def test_power_family_agrees_with_spotify_confidence(exponent: float) -> None:
    found = boundaries(FIVE, spending="power", exponent=exponent)
    assert np.allclose(found.z, SPOTIFY_POWER_BOUNDS[exponent], atol=1.2e-4)


def test_constant_boundaries_spend_what_jennison_and_turnbull_say() -> None:
    """Tables 2.1 and 2.3: 2.413 (Pocock) and 2.040 (O'Brien-Fleming) for five looks at 5 %."""
    for z in (np.full(5, 2.413), 2.040 / np.sqrt(FIVE)):
        up, down = crossing(z, FIVE)
        assert up.sum() + down.sum() == pytest.approx(0.05, abs=6e-5)
        assert np.allclose(up, down, rtol=1e-9)


@pytest.mark.parametrize("drift", [0.0, 2.0, -1.0])
def test_crossing_probabilities_agree_with_direct_integration(drift: float) -> None:
    """Two looks at any boundaries: a one-dimensional integral by scipy."""
    t, z = (0.3, 1.0), (2.5, 2.0)
    up, down = crossing(z, t, drift=drift)
    scale = sqrt(t[0])
    assert up[0] == pytest.approx(stats.norm.sf(z[0] - drift * scale), rel=1e-9)

    def then_up(s: float) -> float:
        density = stats.norm.pdf(s, drift * t[0], scale)
        return float(density * stats.norm.sf((z[1] - s - drift * 0.7) / sqrt(0.7)))

    inside = integrate.quad(then_up, -z[0] * scale, z[0] * scale, epsabs=1e-13, epsrel=1e-12)[0]
    assert up[1] == pytest.approx(inside, rel=1e-9)
    assert crossing(z, t, drift=-drift)[0] == pytest.approx(down, rel=1e-9)


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock", "power"])
def test_boundaries_spend_exactly_what_they_should(spending: Any) -> None:
    t = [0.01, 0.1, 0.11, 0.5, 0.93, 1.0]
    found = boundaries(t, spending=spending)
    up, down = crossing(found.z, t)
    assert np.allclose(np.cumsum(up + down), found.spent, atol=1e-11)
    assert found.spent[-1] == pytest.approx(0.05, rel=1e-12)
    if spending == "obrien_fleming":
        assert np.isinf(found.z[0])


def test_one_look_is_the_ordinary_test() -> None:
    assert boundaries([1.0]).z[0] == pytest.approx(stats.norm.isf(0.025), rel=1e-12)
    found = group_sequential(VALUE, ARM, looks=[60], planned=60)
    plain = welch(VALUE, ARM)
    assert [found.effect.value, found.effect.std_error] == pytest.approx([plain.value, plain.std_error], rel=1e-12)
    assert found.effect.high == pytest.approx(plain.value + stats.norm.isf(0.025) * plain.std_error, rel=1e-12)


def test_group_sequential_keeps_its_error_and_its_power() -> None:
    rng, repeats, n = np.random.default_rng(2), 1000, 600
    looks = [200, 400, 600]
    stops = {0.0: 0, 0.25: 0}
    held = 0
    for effect in stops:
        for _ in range(repeats):
            arm = rng.integers(0, 2, n)
            found = group_sequential(rng.normal(0, 1, n) + effect * arm, arm, looks=looks, planned=n, spending="pocock")
            stops[effect] += found.stopped is not None
            held += (effect == 0.0) and bool(((found.low <= 0.0) & (found.high >= 0.0)).all())
    z = boundaries(np.array(looks) / n, spending="pocock").z
    power = sum(map(np.sum, crossing(z, np.array(looks) / n, drift=0.25 * sqrt(n) / 2)))
    assert abs(stops[0.0] / repeats - 0.05) < 4 * sqrt(0.05 * 0.95 / repeats)
    assert stops[0.0] == repeats - held
    assert abs(stops[0.25] / repeats - power) < 4 * sqrt(power * (1 - power) / repeats)


def test_an_early_stop_says_that_it_is_biased() -> None:
    arm = np.arange(400) % 2
    value = np.random.default_rng(0).normal(0, 1, 400) + 2.0 * arm
    found = group_sequential(value, arm, looks=[100, 200, 400], planned=400)
    assert found.stopped == 0
    assert found.effect.n == 100
    assert found.effect.low > 0.0
    assert any("stopped early" in each for each in found.effect.warnings)


def test_msprt_is_johari_and_others_formula() -> None:
    """Their equation for paired arms of equal size, at the last unit; here the variance is Welch's."""
    found, tau = msprt(VALUE, ARM, tau=0.7).last(), 0.7
    plain = welch(VALUE, ARM)
    v, d = plain.std_error**2, plain.value
    ratio = sqrt(v / (v + tau**2)) * exp(tau**2 * d**2 / (2 * v * (v + tau**2)))
    path = msprt(VALUE, ARM, tau=tau).p_value
    assert min(1.0, 1.0 / ratio) >= found.p_value == path.min()
    mixed = integrate.quad(
        lambda theta: stats.norm.pdf(d, theta, sqrt(v)) * stats.norm.pdf(theta, 0, tau), -30, 30, epsabs=1e-14
    )[0]
    assert ratio == pytest.approx(mixed / stats.norm.pdf(d, 0, sqrt(v)), rel=1e-9)
    # the interval is the set of effects not rejected
    for edge in (found.low, found.high):
        gap = d - edge
        assert sqrt(v / (v + tau**2)) * exp(tau**2 * gap**2 / (2 * v * (v + tau**2))) == pytest.approx(20.0, rel=1e-9)


def test_the_asymptotic_sequence_agrees_with_growthbook() -> None:
    found = confidence_sequence(VALUE, ARM, planned=5000).last()
    assert [found.value, found.low, found.high] == pytest.approx(GBSTATS["asymptotic_5000"], rel=1e-9)


def test_every_moment_of_a_running_interval_is_the_interval_of_the_units_so_far() -> None:
    whole = confidence_sequence(VALUE, ARM, planned=100, start=10)
    for n in (10, 31, 60):
        part = confidence_sequence(VALUE[:n], ARM[:n], planned=100, start=10).last()
        plain = welch(VALUE[:n], ARM[:n])
        assert [whole.at(n).low, whole.at(n).high] == pytest.approx([part.low, part.high], rel=1e-9)
        assert [part.value, part.std_error] == pytest.approx([plain.value, plain.std_error], rel=1e-9)
    assert np.isinf(whole.low[:9]).all()
    assert whole.warnings
    with pytest.raises(InputError, match="n must lie between 1 and 60, got 61"):
        whole.at(61)


def test_empirical_bernstein_is_the_papers_recursion() -> None:
    x = np.random.default_rng(3).beta(2, 5, 400)
    assert len(x) * log(len(x)) * x.var() > 24  # the bets get below their cut: 2 log(20) / (var t log t) < 1 / 4
    alpha, mean, variance = 0.1, 0.5, 0.25
    bets = above = spent = 0.0
    lows, highs = [], []
    for t, each in enumerate(x, start=1):
        bet = min(sqrt(2 * log(2 / alpha) / (variance * t * log(1 + t))), 0.5)
        bets, above = bets + bet, above + bet * each
        spent += 4 * (each - mean) ** 2 * (-log(1 - bet) - bet) / 4
        mean = (0.5 + x[:t].sum()) / (t + 1)
        means = [(0.5 + x[: i + 1].sum()) / (i + 2) for i in range(t)]
        variance = (0.25 + sum((x[i] - means[i]) ** 2 for i in range(t))) / (t + 1)
        lows.append(max(above / bets - (log(2 / alpha) + spent) / bets, 0.0))
        highs.append(min(above / bets + (log(2 / alpha) + spent) / bets, 1.0))
    low, high = bernstein_sequence(x, 0.9)
    assert np.allclose(low, np.maximum.accumulate(lows), rtol=1e-9)
    assert np.allclose(high, np.minimum.accumulate(highs), rtol=1e-9)


def test_empirical_bernstein_of_two_arms_subtracts_each_arms_limits_at_half_of_alpha() -> None:
    rng = np.random.default_rng(6)
    arm, value = rng.integers(0, 2, 500), 2.0 + 4.0 * rng.beta(2, 5, 500)
    found = confidence_sequence(value, arm, kind="empirical_bernstein", bounds=(2.0, 6.0), level=0.9)
    (low_a, high_a), (low_b, high_b) = (bernstein_sequence((value[arm == k] - 2.0) / 4.0, 0.95) for k in (0, 1))
    for n in (1, 60, 500):
        a, b = n - int(arm[:n].sum()), int(arm[:n].sum())
        known_a = (low_a[a - 1], high_a[a - 1]) if a else (0.0, 1.0)
        known_b = (low_b[b - 1], high_b[b - 1]) if b else (0.0, 1.0)
        expected = [4.0 * (known_b[0] - known_a[1]), 4.0 * (known_b[1] - known_a[0])]
        assert [found.at(n).low, found.at(n).high] == pytest.approx(expected, rel=1e-9)
    assert found.last().value == pytest.approx(value[arm == 1].mean() - value[arm == 0].mean(), rel=1e-9)


def test_empirical_bernstein_of_two_arms_holds_at_all_times_and_finds_effects() -> None:
    rng, missed = np.random.default_rng(4), 0
    for _ in range(300):
        arm = rng.integers(0, 2, 2000)
        value = 2.0 + 4.0 * rng.beta(np.where(arm == 1, 3.0, 2.0), 2.0)
        found = confidence_sequence(value, arm, kind="empirical_bernstein", bounds=(2.0, 6.0))
        truth = 4.0 * (0.6 - 0.5)
        missed += bool(((found.low > truth) | (found.high < truth)).any())
    assert missed / 300 <= 0.05
    assert found.low[-1] > 0.0
    assert np.all(np.diff(found.low) >= 0.0)
    with pytest.raises(InputError, match="outside the bounds"):
        confidence_sequence(value, arm, kind="empirical_bernstein", bounds=(2.0, 3.0))


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"kind": "asymtotic"}, "did you mean 'asymptotic'"),
        ({"kind": "empirical_bernstein"}, "needs bounds"),
        ({"bounds": (0, 1)}, "bounds belong"),
        ({"start": 3}, "start must lie"),
        ({"planned": 0}, "planned"),
    ],
)
def test_illegal_sequences_are_refused(wrong: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        confidence_sequence(VALUE, ARM, **wrong)


def test_illegal_looks_and_fractions_are_refused() -> None:
    for looks, message in (([3, 60], "from 4 on"), ([30, 61], "beyond"), ([30, 30], "ascending")):
        with pytest.raises(InputError, match=message):
            group_sequential(VALUE, ARM, looks=looks, planned=60)
    with pytest.raises(InputError, match="ascend within"):
        boundaries([0.5, 1.1])
    with pytest.raises(InputError, match="did you mean 'pocock'"):
        boundaries([0.5], spending="pocok")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="tau must be above 0"):
        msprt(VALUE, ARM, tau=0.0)


def rare(rng: np.random.Generator, n: int) -> Any:
    return (rng.random(n) < 0.02).astype(np.float64)


@pytest.mark.parametrize(
    "method",
    [partial(msprt, tau=0.1), partial(confidence_sequence, planned=2000), partial(confidence_sequence, planned=200)],
    ids=["msprt", "asymptotic", "asymptotic, tight early"],
)
@pytest.mark.parametrize("draw", [None, rare], ids=["normal", "rare"])
def test_always_valid_methods_bear_being_peeked_at(method: Any, draw: Any) -> None:
    """1,000 A/A streams, looked at after every unit of 50..5,000: at most 6.4 % (5 % and two standard errors)."""
    found = peeked(method, streams=1000, n=5000, start=50, draw=draw, seed=11)
    assert found.value <= 0.064
    assert found.n == 1000


def test_the_naive_test_does_not_bear_it() -> None:
    found = peeked(peeked_t, streams=1000, n=5000, start=50, seed=11)
    assert found.low > 0.3
    once = peeked(peeked_t, streams=1000, n=5000, start=5000, seed=11)
    assert abs(once.value - 0.05) < 4 * sqrt(0.05 * 0.95 / 1000)


def test_a_stream_does_not_depend_on_how_many_there_are() -> None:
    seen: list[float] = []

    def watch(value: Any, arm: Any) -> Running:
        seen.append(float(value.sum()))
        return peeked_t(value, arm)

    peeked(watch, streams=3, n=100)
    peeked(watch, streams=2, n=100)
    assert seen[:2] == seen[3:]
