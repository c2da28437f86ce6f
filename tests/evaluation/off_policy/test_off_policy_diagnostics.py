from typing import Any

import numpy as np
import pytest
from peer_log import peer_log
from scipy.stats import binomtest

from driftline.evaluation.off_policy import (
    Bounds,
    Rounds,
    clipped_dr,
    clipped_ips,
    diagnose,
    dm,
    dr,
    ips,
    replay,
    snips,
)

LOG = peer_log()


def starts(warnings: tuple[str, ...]) -> set[str]:
    return {line.split(":")[0] for line in warnings}


def light(n: int, seed: int, wrong: float = 1.0) -> dict[str, Any]:
    """Two actions at .5 each, a target that takes the first with .7."""
    rng = np.random.default_rng(seed)
    first = rng.random(n) < 0.5
    return {
        "reward": (rng.random(n) < 0.4).astype(np.float64),
        "pscore": np.full(n, 0.5) * wrong,
        "target_pscore": np.where(first, 0.7, 0.3),
    }


def test_diagnostics_are_their_definitions() -> None:
    rounds = LOG.rounds
    w = rounds.weight
    found = diagnose(rounds)
    assert found.effective_sample_size == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-12)
    assert found.largest_weight == w.max()
    assert found.largest_share == pytest.approx(w.max() / w.sum())
    assert found.top_percent_share == pytest.approx(np.sort(w)[-4:].sum() / w.sum())
    assert found.mean_weight == pytest.approx(w.mean())
    assert found.mean_weight_z == pytest.approx((w.mean() - 1) / (w.std(ddof=1) / np.sqrt(len(w))))
    assert found.unsupported_mass == 0.0
    assert np.isnan(diagnose(Rounds(**light(50, 0))).unsupported_mass)


def test_light_weights_and_right_propensities_raise_no_warning() -> None:
    warned = [bool(ips(**light(1000, seed)).warnings) for seed in range(200)]
    # the propensity check fires beyond 3 standard errors: .27 %
    assert sum(warned) <= 4


def test_wrong_propensities_show_in_the_mean_weight() -> None:
    found = ips(**light(1000, 1, wrong=0.8))
    assert starts(found.warnings) == {"mean weight"}
    assert "1.24" in found.warnings[0] or "1.25" in found.warnings[0]


def test_wrong_but_constant_weights_are_not_overlooked() -> None:
    same = np.full(100, 0.5)
    found = ips(reward=np.arange(100.0), pscore=same, target_pscore=same / 2)
    assert "mean weight" in starts(found.warnings)
    exact = ips(reward=np.arange(100.0), pscore=same, target_pscore=same)
    assert exact.warnings == ()


def test_a_user_who_repeats_itself_does_not_look_like_wrong_propensities() -> None:
    """Forty rounds of each of 50 users with one and the same weight: rounds alone would seem far too sure."""
    rng = np.random.default_rng(3)
    user = np.repeat(np.arange(50), 40)
    target = rng.choice([0.1, 0.9], 50)[user]
    rounds = Rounds(reward=np.ones(2000), pscore=np.full(2000, 0.5), target_pscore=target, cluster=user)
    alone = diagnose(Rounds(reward=np.ones(2000), pscore=np.full(2000, 0.5), target_pscore=target))
    together = diagnose(rounds, cluster=(user, 50))
    corrections = np.sqrt((2000 / 1999) / (50 / 49))
    assert together.mean_weight_z == pytest.approx(alone.mean_weight_z / np.sqrt(40) * corrections, rel=1e-9)


def test_one_heavy_round_is_told() -> None:
    target = np.full(500, 0.5)
    pscore = np.full(500, 0.5)
    pscore[3], target[3] = 0.001, 1.0
    found = ips(reward=np.ones(500), pscore=pscore, target_pscore=target)
    assert {"effective sample size", "spread"} <= starts(found.warnings)
    assert "66.7% of all;" in " ".join(found.warnings)


def test_rare_rewards_are_told() -> None:
    arrays = light(1000, 5)
    arrays["reward"] = np.zeros(1000)
    assert "spread" in starts(ips(**arrays).warnings)
    arrays["reward"][:3] = 1.0
    assert "spread" in starts(ips(**arrays).warnings)
    arrays["reward"][:60] = 1.0
    assert ips(**arrays).warnings == ()


def test_clipping_that_moves_the_value_is_told() -> None:
    arrays = light(1000, 6)
    arrays["pscore"] = np.where(arrays["target_pscore"] > 0.5, 0.3, 0.7)
    assert "bias" in starts(clipped_ips(**arrays, lambda_=1.0).warnings)
    assert "bias" not in starts(clipped_ips(**arrays, lambda_=100.0).warnings)


def test_the_direct_method_says_what_its_interval_leaves_out_and_when_the_model_is_off() -> None:
    arrays = light(1000, 7)
    good = dm(q_expected=np.full(1000, 0.4) + 0.01 * np.arange(1000) / 1000)
    assert starts(good.warnings) == {"model"}
    off = dm(**arrays, q_action=np.full(1000, 0.6), q_expected=np.full(1000, 0.6) + 0.2 * (np.arange(1000) % 2))
    assert "bias" in starts(off.warnings)
    assert off.value == pytest.approx(0.7)


def test_replay_on_a_log_that_is_not_uniform_is_told() -> None:
    target = np.tile([0.0, 1.0], 50)
    uneven = replay(reward=np.arange(100.0), target_pscore=target, pscore=np.tile([0.2, 0.8, 0.4, 0.5], 25))
    assert "propensities" in starts(uneven.warnings)
    even = replay(reward=np.arange(100.0), target_pscore=target, pscore=np.full(100, 0.5))
    assert even.warnings == ()


def test_the_bias_of_a_model_comes_with_the_error_of_its_residuals() -> None:
    """Not with the error of the model's own means, which is a hundred times smaller."""
    arrays = light(1000, 7)
    rng = np.random.default_rng(8)
    model: dict[str, Any] = {"q_action": np.full(1000, 0.55), "q_expected": 0.55 + 1e-3 * rng.normal(size=1000)}
    found = dm(**arrays, **model)
    off = -(arrays["target_pscore"] / arrays["pscore"]) * (arrays["reward"] - 0.55)
    told = f"off by an estimated {off.mean():+.4g} (standard error {off.std(ddof=1) / np.sqrt(1000):.4g})"
    assert any(told in line for line in found.warnings)
    assert found.std_error < 0.01 * off.std(ddof=1) / np.sqrt(1000) * 1.5
    near: dict[str, Any] = {"q_action": np.full(1000, 0.41), "q_expected": 0.41 + 1e-3 * rng.normal(size=1000)}
    assert starts(dm(**arrays, **near).warnings) == {"model"}


@pytest.mark.parametrize("interval", ["normal", "bootstrap"])
def test_rewards_that_are_all_zero_have_exact_limits_by_their_bounds_and_else_none(interval: Any) -> None:
    """Clopper & Pearson (1934) with no hits, times the largest weight."""
    arrays = light(400, 9)
    arrays["reward"] = np.zeros(400)
    for estimator in (ips, snips):
        bare = estimator(**arrays, interval=interval)
        assert (bare.value, bare.std_error) == (0.0, 0.0)
        assert np.isnan([bare.low, bare.high]).all()
        assert "spread: the values do not vary: there is no standard error and no interval" in bare.warnings
        known = estimator(**arrays, interval=interval, bounds=Bounds((0.0, 1.0), weight=1.4))
        upper = binomtest(0, 400).proportion_ci(0.90).high  # two-sided 90 %: .05 above
        assert known.low == 0.0
        assert known.high == pytest.approx(1.4 * upper, rel=1e-9)
        assert any("the exact ones that their bounds" in line for line in known.warnings)
    assert np.isnan(ips(**arrays, bounds=Bounds((0.0, 1.0))).high)  # the largest weight is not known


def test_doubly_robust_with_clipped_weights_lies_between_dr_and_dm() -> None:
    arrays = light(300, 10)
    model: dict[str, Any] = {"q_action": np.full(300, 0.3), "q_expected": np.linspace(0.2, 0.5, 300)}
    weight = arrays["target_pscore"] / arrays["pscore"]
    found = clipped_dr(**arrays, **model, lambda_=1.0)
    terms = model["q_expected"] + np.minimum(weight, 1.0) * (arrays["reward"] - 0.3)
    assert found.value == pytest.approx(terms.mean(), rel=1e-12)
    assert found.std_error == pytest.approx(terms.std(ddof=1) / np.sqrt(300), rel=1e-9)
    assert clipped_dr(**arrays, **model).value == dr(**arrays, **model).value
    assert clipped_dr(**arrays, **model, lambda_=0.0).value == pytest.approx(model["q_expected"].mean(), rel=1e-12)


def test_tiny_propensities_and_huge_or_tiny_rewards_stay_in_the_range_of_numbers() -> None:
    arrays = light(50, 11)
    arrays["pscore"][0], arrays["target_pscore"][0] = 1e-300, 1.0
    found = diagnose(Rounds(**arrays))
    assert found.effective_sample_size == pytest.approx(1.0)
    assert any("1.0 of 50 rounds; the largest weight, 1e+300, is 100.0% of all" in line for line in found.warnings())
    one = ips(**light(500, 12))
    for scale in (1e-200, 1e-110, 1e110, 1e200):
        arrays = light(500, 12)
        arrays["reward"] *= scale
        scaled = ips(**arrays)
        assert scaled.std_error == pytest.approx(scale * one.std_error, rel=1e-9)
        assert scaled.warnings == one.warnings
