"""Limits that hold at every n at once, and the finite-sample ones."""

from typing import Any

import numpy as np
import pytest
from peer_log import peer_log
from scipy import stats

from driftline.evaluation.off_policy import Bounds, Rounds, dm, dr, estimate_all, ips, snips
from driftline.evaluation.off_policy.intervals import (
    bounded_sequence,
    empirical_bernstein,
    hoeffding,
    lower_sequence,
    weighted_sequence,
)
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

ROUNDS = peer_log().rounds
ARRAYS: dict[str, Any] = {name: ROUNDS.need(name, "test") for name in ("reward", "pscore", "target_pscore")}


def predictable_plug_in(x: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Waudby-Smith & Ramdas, theorem 2, as printed, for x in [0, 1]; both limits, running intersection."""
    t = np.arange(1, len(x) + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    spread = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    before_mean, before_spread = np.r_[0.5, mean[:-1]], np.r_[0.25, spread[:-1]]
    bet = np.minimum(np.sqrt(2 * np.log(2 / alpha) / (before_spread * t * np.log(1 + t))), 0.5)
    v, psi = 4 * (x - before_mean) ** 2, (-np.log(1 - bet) - bet) / 4
    centre = np.cumsum(bet * x) / np.cumsum(bet)
    reach = (np.log(2 / alpha) + np.cumsum(v * psi)) / np.cumsum(bet)
    return np.maximum.accumulate(np.maximum(centre - reach, 0)), np.minimum.accumulate(np.minimum(centre + reach, 1))


def test_the_sequence_is_the_published_one() -> None:
    x = np.random.default_rng(0).beta(2, 5, 700)
    low, high = predictable_plug_in(x, 0.05)
    found = bounded_sequence(3.0 + 2.0 * x, 3.0, 5.0, 0.95)
    assert found.low == pytest.approx(3.0 + 2.0 * low, abs=1e-9)
    assert found.high == pytest.approx(3.0 + 2.0 * high, abs=1e-9)


def test_lower_limits_of_values_far_above_one_are_the_formula_with_the_running_mean_held_at_one() -> None:
    x, alpha = 3.0 * np.random.default_rng(4).pareto(3.0, 300), 0.025
    mean, spread, squares, total, bets, won, best = 0.5, 0.25, 0.25, 0.5, 0.0, 0.0, 0.0
    paid, expected = np.log(1 / alpha), []
    for t, value in enumerate(x, start=1):
        bet = min(0.5, np.sqrt(2 * np.log(1 / alpha) / (spread * t * np.log(1 + t))))
        bets, won = bets + bet, won + bet * value
        paid += (value - mean) ** 2 * (-np.log(1 - bet) - bet)
        best = max(best, (won - paid) / bets)
        expected.append(best)
        total += value
        mean = min(1.0, total / (t + 1))
        squares += (value - mean) ** 2
        spread = squares / (t + 1)
    assert total / 301 > 1.2
    assert lower_sequence(x, alpha) == pytest.approx(np.array(expected), abs=1e-9)


def test_streams_looked_at_after_every_round_keep_the_truth_and_a_t_test_does_not() -> None:
    streams, n, truth = 500, 5000, 0.3
    rng = np.random.default_rng(1)
    excluded, naive = 0, 0
    for _ in range(streams):
        # a logging policy of 20 equal actions, a target that prefers one of them: weights .5 and 10.5
        best = rng.random(n) < 0.05
        weight = np.where(best, 10.5, 0.5)
        reward = (rng.random(n) < truth).astype(np.float64)
        found = weighted_sequence(reward, weight, 0.0, 1.0, 0.95)
        excluded += bool(((found.low > truth) | (found.high < truth))[49:].any())
        values = weight * reward
        t = np.arange(1, n + 1)
        mean = np.cumsum(values) / t
        error = np.sqrt((np.cumsum(values**2) / t - mean**2) / (t - 1).clip(1))
        naive += bool((np.abs(mean - truth) > stats.norm.ppf(0.975) * error)[49:].any())
    assert excluded / streams <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / streams)
    assert naive / streams > 0.3


def test_lower_limits_need_no_upper_bound_of_the_values() -> None:
    """Heavy tails (Pareto, infinite variance) with mean 1/2: at most 5 % of streams are ever excluded."""
    streams, n = 500, 1000
    rng = np.random.default_rng(2)
    excluded = 0
    for _ in range(streams):
        values = 0.5 * rng.pareto(1.5, n) * 0.5  # mean of pareto(1.5) is 2
        excluded += bool((lower_sequence(values, 0.05) > 0.5).any())
    assert excluded / streams <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / streams)


def test_limits_only_tighten_and_close_in_on_the_value() -> None:
    rng = np.random.default_rng(3)
    reward, weight = (rng.random(20_000) < 0.4).astype(np.float64), rng.uniform(0.0, 2.0, 20_000)
    found = weighted_sequence(reward, weight, 0.0, 1.0, 0.95)
    assert (np.diff(found.low) >= 0).all()
    assert (np.diff(found.high) <= 0).all()
    assert found.high[-1] - found.low[-1] < 0.06
    assert found.low[-1] < 0.4 < found.high[-1]


def test_plain_weighting_needs_no_bound_on_weights_and_doubly_robust_does() -> None:
    found = ips(**ARRAYS, interval="anytime", bounds=Bounds())
    assert 0.0 <= found.low < found.value < found.high <= 1.0
    assert found.method == "ips (anytime)"
    with pytest.raises(InputError, match=r"needs bounds\.weight"):
        dr(
            **ARRAYS,
            q_action=ROUNDS.need("q_action", ""),
            q_expected=ROUNDS.need("q_expected", ""),
            interval="anytime",
            bounds=Bounds(),
        )


def test_hoeffding_and_empirical_bernstein_are_their_formulas() -> None:
    x = np.array([0.2, 0.9, 0.4, 0.7, 0.1])
    reach = 2.0 * np.sqrt(np.log(2 / 0.1) / 10)
    assert hoeffding(x, -1.0, 1.0, 0.9) == pytest.approx((x.mean() - reach, x.mean() + reach), abs=1e-12)
    logs = np.log(4 / 0.1)
    reach = np.sqrt(2 * np.var(x, ddof=1) * logs / 5) + 7 * 2.0 * logs / (3 * 4)
    assert empirical_bernstein(x, -1.0, 1.0, 0.9) == pytest.approx((x.mean() - reach, x.mean() + reach), abs=1e-12)


@pytest.mark.parametrize("lambda_", [0.7, 3.0, 50.0])
def test_the_range_of_terms_holds_for_every_way_of_taming_weights(lambda_: float) -> None:
    """Limits are as wide as the largest tamed weight over a grid of weights says."""
    largest = 20.0
    weight = np.linspace(0.0, largest, 20_001)
    n = len(weight)
    pscore = np.full(n, 1 / largest)
    rounds = Rounds(
        reward=np.ones(n), pscore=pscore, target_pscore=weight / largest, q_action=np.zeros(n), q_expected=np.ones(n)
    )
    lambdas = {
        "clipped_ips": lambda_,
        "switch_dr": lambda_,
        "dros": lambda_,
        "sub_gaussian_ips": min(1.0, lambda_ / 50),
    }
    expected = {
        "clipped_ips": np.minimum(weight, lambda_).max(),
        "sub_gaussian_ips": (weight / (1 - lambda_ / 50 + lambda_ / 50 * weight + 1e-300)).max(),
        "switch_dr": 1.0 + 2 * min(lambda_, largest),
        "dros": 1.0 + 2 * (lambda_ * weight / (weight**2 + lambda_)).max(),
    }
    found = estimate_all(
        rounds,
        methods=["clipped_ips", "sub_gaussian_ips", "switch_dr", "dros"],
        lambdas=lambdas,
        interval="hoeffding",
        bounds=Bounds((0.0, 1.0), largest),
    )
    for name, width in expected.items():
        reach = width * np.sqrt(np.log(2 / 0.05) / (2 * n))
        assert found[name].high - found[name].value == pytest.approx(reach, rel=2e-3), name


@pytest.mark.parametrize("interval", ["hoeffding", "empirical_bernstein", "anytime"])
def test_what_such_intervals_cannot_do_is_refused(interval: str) -> None:
    with pytest.raises(InputError, match="does not exist for snips"):
        snips(**ARRAYS, interval=interval, bounds=Bounds(weight=100.0))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs bounds"):
        ips(**ARRAYS, interval=interval)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs independent rounds"):
        ips(**ARRAYS, cluster=np.arange(400) // 2, interval=interval, bounds=Bounds(weight=100.0))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"bounds\.reward says 0 to 0\.5"):
        ips(**ARRAYS, interval=interval, bounds=Bounds((0.0, 0.5), 100.0))  # type: ignore[arg-type]


def test_a_larger_weight_than_stated_is_refused() -> None:
    with pytest.raises(InputError, match=r"bounds\.weight says at most 2"):
        ips(**ARRAYS, interval="hoeffding", bounds=Bounds(weight=2.0))


def test_a_reward_model_that_leaves_the_range_is_refused() -> None:
    with pytest.raises(InputError, match=r"q_expected\[1\] is 1\.5"):
        dm(q_expected=np.array([0.5, 1.5]), interval="hoeffding", bounds=Bounds())
