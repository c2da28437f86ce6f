"""Group-sequential and always-valid limits beside published tables, formulas and peers; what peeking costs."""

from dataclasses import replace
from functools import partial
from math import exp, sqrt
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
from driftline.evaluation.experiment._always_valid import mixture_limits, mixture_rho, streams
from driftline.evaluation.experiment._levels import CARRIERS
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
    value, arm = np.tile(VALUE, 3), np.tile(ARM, 3)
    found = group_sequential(value, arm, looks=[180], planned=180)
    plain = welch(value, arm)
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
    arm = np.arange(600) % 2
    value = np.random.default_rng(0).normal(0, 1, 600) + 2.0 * arm
    found = group_sequential(value, arm, looks=[200, 400, 600], planned=600)
    assert found.stopped == 0
    assert found.effect.n == 200
    assert found.effect.low > 0.0
    assert any("stopped early" in each for each in found.effect.warnings)


def test_msprt_is_johari_and_others_formula() -> None:
    """Their equation for paired arms of equal size, at the last unit; here the variance is Welch's."""
    value, arm, tau = np.tile(VALUE, 3), np.tile(ARM, 3), 0.7
    found = msprt(value, arm, tau=tau).last()
    plain = welch(value, arm)
    v, d = plain.std_error**2, plain.value
    ratio = sqrt(v / (v + tau**2)) * exp(tau**2 * d**2 / (2 * v * (v + tau**2)))
    assert found.p_value == pytest.approx(min(1.0, 1.0 / ratio), rel=1e-9)
    mixed = integrate.quad(
        lambda theta: stats.norm.pdf(d, theta, sqrt(v)) * stats.norm.pdf(theta, 0, tau), -30, 30, epsabs=1e-14
    )[0]
    assert ratio == pytest.approx(mixed / stats.norm.pdf(d, 0, sqrt(v)), rel=1e-9)
    # the interval is the set of effects not rejected
    for edge in (found.low, found.high):
        gap = d - edge
        assert sqrt(v / (v + tau**2)) * exp(tau**2 * gap**2 / (2 * v * (v + tau**2))) == pytest.approx(20.0, rel=1e-9)


def test_the_asymptotic_sequence_agrees_with_growthbook() -> None:
    """Its formula; driftline says nothing about so few units."""
    seen = replace(streams(VALUE, ARM), carriers_a=np.full(60, CARRIERS), carriers_b=np.full(60, CARRIERS))
    found = mixture_limits(seen, mixture_rho(5000, 0.05) * np.sqrt(seen.n), 0.95, "").last()
    assert [found.value, found.low, found.high] == pytest.approx(GBSTATS["asymptotic_5000"], rel=1e-9)


def test_every_moment_of_a_running_interval_is_the_interval_of_the_units_so_far() -> None:
    value, arm = np.tile(VALUE, 3), np.tile(ARM, 3)
    whole = confidence_sequence(value, arm, planned=100)
    for n in (140, 161, 180):
        part = confidence_sequence(value[:n], arm[:n], planned=100).last()
        plain = welch(value[:n], arm[:n])
        assert [whole.at(n).low, whole.at(n).high] == pytest.approx([part.low, part.high], rel=1e-9)
        assert [part.value, part.std_error] == pytest.approx([plain.value, plain.std_error], rel=1e-9)
    assert np.isinf(whole.low[:9]).all()
    with pytest.raises(InputError, match="n must lie between 1 and 180, got 181"):
        whole.at(181)


def carriers(values: Any) -> float:
    """As the docstring has it."""
    away = np.asarray(values) - np.mean(values)
    return float(len(away) * np.mean(away**2) ** 2 / np.mean(away**4)) if away.any() else 0.0


def test_carriers_count_events_and_feel_tails() -> None:
    rng = np.random.default_rng(2)
    value, arm = rng.lognormal(0, 1.0, 300), rng.integers(0, 2, 300)
    seen = streams(value, arm)
    for n in (20, 100, 300):
        for side, found in ((0, seen.carriers_a), (1, seen.carriers_b)):
            assert found[n - 1] == pytest.approx(carriers(value[:n][arm[:n] == side]), rel=1e-8)
    assert carriers(rng.standard_normal(30_000)) == pytest.approx(10_000, rel=0.05)
    assert carriers(np.arange(10_000) < 40) == pytest.approx(40, rel=0.02)
    # an arm without events has none, whatever rounding leaves of its variance
    assert streams(np.where(np.arange(400) % 7 == 1, 0.1, 0.3), np.arange(400) % 7 == 0).carriers_b.max() == 0.0


def test_too_few_events_are_refused_in_either_arm() -> None:
    rng = np.random.default_rng(3)
    arm = (rng.random(4000) < 0.1).astype(np.int64)
    value = (rng.random(4000) < 0.02).astype(np.float64)
    for sides, name in ((arm, "B"), (1 - arm, "A")):
        for found in (confidence_sequence(value, sides), msprt(value, sides, tau=0.01)):
            last = found.last()
            assert (last.low, last.high, last.p_value) == (-np.inf, np.inf, 1.0)
            assert len(last.warnings) == 1
            assert f"arm {name}: " in last.warnings[0]
            assert "carry its variance, fewer than 20" in last.warnings[0]
            assert "kind='betting'" in last.warnings[0]
        looks = group_sequential(value, sides, looks=[2000, 4000], planned=4000)
        assert looks.stopped is None
        assert np.isinf(looks.low).all()
        assert any("look 2, at 4000 units, cannot stop" in each for each in looks.effect.warnings)
    enough = confidence_sequence(np.where(value, value, rng.random(4000) < 0.2), arm).last()
    assert np.isfinite(enough.low)
    assert not enough.warnings


def test_huge_and_tiny_values_keep_their_digits() -> None:
    value, arm = np.random.default_rng(4).normal(1.0, 1.0, 400), np.arange(400) % 2
    plain = confidence_sequence(value, arm).last()
    for factor in (1e-300, 1e160, 1e300):
        scaled = confidence_sequence(value * factor, arm).last()
        assert [scaled.low, scaled.high] == pytest.approx([plain.low * factor, plain.high * factor], rel=1e-9)
        assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-9)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"kind": "asymtotic"}, "did you mean 'asymptotic'"),
        ({"kind": "empirical_bernstein"}, "needs bounds"),
        ({"kind": "betting"}, "needs bounds"),
        ({"kind": "betting", "bounds": (1, 1)}, "low below high"),
        ({"bounds": (0, 1)}, "bounds belong"),
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


DRAWS: dict[str, Any] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "2 %": lambda rng, n: (rng.random(n) < 0.02).astype(np.float64),
    "10 %": lambda rng, n: (rng.random(n) < 0.1).astype(np.float64),
    "log-normal": lambda rng, n: rng.lognormal(0.0, 1.5, n),
    "revenue": lambda rng, n: (rng.random(n) < 0.03) * rng.lognormal(3.0, 1.0, n),
}
TAU = {"normal": 0.1, "2 %": 0.01, "10 %": 0.03, "log-normal": 1.0, "revenue": 0.3}


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("method", ["msprt", "planned 4,000", "planned 500"])
def test_always_valid_methods_bear_being_peeked_at(method: str, share: float, draw: str) -> None:
    """200 A/A streams, looked at after every unit: more than 9.5 % would be chance once in 1,000 times, in no cell.

    They hold or say nothing; docs/experiments.md has the table with 1,000 streams a cell.
    """
    test = partial(msprt, tau=TAU[draw]) if method == "msprt" else None
    found = peeked(
        test or partial(confidence_sequence, planned=4000 if method == "planned 4,000" else 500),
        streams=200,
        n=4000,
        start=1,
        share=share,
        draw=DRAWS[draw],
        seed=11,
    )
    assert found.value <= 0.095
    assert found.n == 200


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
