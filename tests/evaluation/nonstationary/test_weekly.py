from typing import Any

import numpy as np
import pytest
from drifting_bandit import DIRECTION, LOGGER, TARGET, drifting_log, means, seasonal, value

from driftline.evaluation.nonstationary import opfv, past_average
from driftline.sim.errors import InputError
from driftline.sim.types import Floats


def _arguments(seed: int = 0, rounds: int = 40) -> dict[str, Any]:
    log = drifting_log(seasonal(4), 8, rounds, seed)
    return {**log.modelled, "time_feature": log.period % 4, "target_feature": 1}


def test_the_formula_by_hand() -> None:
    found = opfv(
        reward=np.array([1.0, 0.0, 1.0, 0.5]),
        pscore=np.array([0.5, 0.5, 0.25, 0.5]),
        target_pscore=np.array([0.25, 0.5, 0.5, 0.1]),
        q_action=np.array([0.5, 0.5, 0.5, 0.5]),
        q_expected=np.array([0.4, 0.6, 0.5, 0.7]),
        time_feature=np.array([1, 0, 1, 0]),
        target_feature=1,
    )
    # rounds 0 and 2 are alike: (0.5 * 0.5 + 2 * 0.5) / 2; and the mean of q_expected
    assert found.value == pytest.approx(0.625 + 0.55, abs=1e-12)
    assert "target next_period" in found.method


def test_both_forms_are_the_authors_estimates() -> None:
    a = _arguments(3)
    n = len(a["reward"])
    weight = a["target_pscore"] / a["pscore"]
    phi = (a["time_feature"] == 1).astype(int)
    rounds = phi / phi.mean() * weight * (a["reward"] - a["q_action"]) + a["q_expected"]
    assert opfv(**a).value == pytest.approx(rounds.mean(), rel=1e-12)
    context = np.arange(n) % 3
    around = (context == 2).astype(int)
    both = phi * around
    rounds = both / both.mean() * weight * (a["reward"] - a["q_action"]) + around / around.mean() * a["q_expected"]
    robust = opfv(**a, context_feature=context, target_context_feature=2)
    assert robust.value == pytest.approx(rounds.mean(), rel=1e-12)


def test_errors_are_those_of_the_mean_and_of_the_delta_method() -> None:
    a = _arguments(4)
    n = len(a["reward"])
    alike = (a["time_feature"] == 1).astype(np.float64)
    miss = alike * a["target_pscore"] / a["pscore"] * (a["reward"] - a["q_action"])
    rounds = miss / 0.3 + a["q_expected"]
    known = opfv(**a, feature_probability=0.3)
    assert known.value == pytest.approx(rounds.mean(), rel=1e-12)
    # the units that count are the rounds with the feature
    units = alike.sum()
    factor = np.sqrt(units / (units - 1) / (n / (n - 1)))
    assert known.std_error == pytest.approx(factor * np.std(rounds, ddof=1) / np.sqrt(n), rel=1e-9)
    slope = np.array([1 / alike.mean(), -miss.mean() / alike.mean() ** 2, 1.0])
    variance = slope @ np.cov([miss, alike, a["q_expected"]]) @ slope / n
    assert opfv(**a).std_error == pytest.approx(factor * np.sqrt(variance), rel=1e-9)


def test_it_is_unbiased_for_a_season_that_comes_back_and_stationary_dr_is_not() -> None:
    repeats = 400
    truth = value(seasonal(4), 9)
    estimated, known, stationary, held = [], [], [], 0
    for seed in range(repeats):
        a = _arguments(seed)
        found = opfv(**a)
        estimated.append(found.value)
        held += found.low <= truth <= found.high
        known.append(opfv(**a, feature_probability=0.25).value)
        log = drifting_log(seasonal(4), 8, 40, seed)
        stationary.append(past_average(**log.modelled, time=log.time, estimator="dr", target="next_period").value)
    for estimates in (estimated, known):
        assert abs(np.mean(estimates) - truth) < 4 * np.std(estimates, ddof=1) / np.sqrt(repeats)
    assert abs(held / repeats - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)
    assert truth - np.mean(stationary) > 10 * np.std(stationary, ddof=1) / np.sqrt(repeats)


def test_a_model_of_the_feature_removes_variance_and_no_truth() -> None:
    truth = value(seasonal(4), 9)
    plain, modelled = [], []
    for seed in range(200):
        log = drifting_log(seasonal(4), 8, 40, seed)
        q: Floats = means(seasonal(4), log.period)
        at = q[np.arange(len(q)), log.context, log.action]
        then = (TARGET * means(seasonal(4), np.array([1.0]))[0]).sum(axis=1)[log.context]
        feature = log.period % 4
        nothing = np.zeros(len(at))
        plain.append(opfv(**log.basic, q_action=nothing, q_expected=nothing, time_feature=feature, target_feature=1))
        modelled.append(opfv(**log.basic, q_action=at, q_expected=then, time_feature=feature, target_feature=1))
    values = [each.value for each in modelled]
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(200)
    assert np.std(values) < np.std([each.value for each in plain])
    # the stated errors are right for both, within 4 standard errors of a standard deviation
    for estimates in (plain, modelled):
        spread = np.std([each.value for each in estimates], ddof=1)
        assert np.mean([each.std_error for each in estimates]) == pytest.approx(spread, rel=4 / np.sqrt(400))


def test_an_estimated_share_is_not_frozen() -> None:
    """With a constant miss of the model the first term does not vary, and the interval knows it."""
    rng = np.random.default_rng(0)
    n = 400
    same: dict[str, Any] = {
        "reward": np.full(n, 1.5),
        "pscore": np.ones(n),
        "target_pscore": np.ones(n),
        "q_action": np.full(n, 0.5),
        "q_expected": np.full(n, 0.5),
        "time_feature": rng.integers(0, 4, n),
        "target_feature": 1,
    }
    assert opfv(**same).std_error == pytest.approx(0.0, abs=1e-12)
    # a frozen share would say: the spread of 1{alike} / p, which is 1.7 / sqrt(400)
    assert opfv(**same, feature_probability=0.25).std_error == pytest.approx(np.sqrt(3) / 20, rel=0.1)


def test_users_rounds_are_not_independent() -> None:
    a = _arguments(1)
    n = len(a["reward"])
    twice: dict[str, Any] = {k: np.concatenate([v, v]) if isinstance(v, np.ndarray) else v for k, v in a.items()}
    alone = opfv(**a)
    found = opfv(**twice, cluster=np.concatenate([np.arange(n), np.arange(n)]))
    assert [found.value, found.std_error] == pytest.approx([alone.value, alone.std_error], rel=1e-12)
    assert found.n == alone.n


def test_one_round_with_the_feature_has_no_interval() -> None:
    a = _arguments()
    feature = np.zeros(len(a["reward"]), dtype=np.int64)
    feature[5] = 1
    found = opfv(**{**a, "time_feature": feature})
    assert np.isnan(found.std_error)
    assert any("units: 1 of rounds; no interval can be told" in line for line in found.warnings)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"target_feature": 9}, "no round has time_feature 9.*seen: 0, 1, 2, 3"),
        ({"feature_probability": 0.0}, "feature_probability is 0"),
        ({"context_feature": np.zeros(320, dtype=np.int64)}, "needed together"),
        ({"time_feature": np.zeros(3, dtype=np.int64)}, "time_feature has 3 rows"),
        ({"time_feature": np.zeros(320)}, "whole numbers"),
        ({"target": "later"}, "target is 'later'"),
        (
            {"context_feature": np.arange(320), "target_context_feature": 0, "feature_probability": 0.5},
            "has no place",
        ),
        ({"context_feature": np.arange(320), "target_context_feature": 0}, "time_feature 1 and context_feature 0"),
    ],
)
def test_bad_input_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        opfv(**{**_arguments(), **changes})


def test_the_bandit_behind_these_tests_is_a_bandit() -> None:
    assert np.allclose([LOGGER.sum(axis=1), TARGET.sum(axis=1)], 1.0)
    reach = means(seasonal(4), np.arange(8.0))
    assert reach.min() >= 0
    assert reach.max() <= 1
    assert np.abs(DIRECTION).sum() > 0
