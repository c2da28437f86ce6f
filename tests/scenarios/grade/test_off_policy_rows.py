"""Frozen policies, logs with exact propensities, and every estimator beside the true value."""

from pathlib import Path

import numpy as np
import pytest
from small_grade import started

from driftline.evaluation.off_policy import ips
from driftline.evaluation.off_policy.estimators._base import tamed_names
from driftline.scenarios.grade.off_policy import (
    LAMBDAS,
    TIMES,
    FrozenPolicy,
    Spans,
    drawn,
    frozen_policy_log,
    item_means,
    off_policy_rows,
    policy_value,
    true_values,
)

TARGETS = {"bold": 0.1, "even": 5.0}


def test_a_frozen_policy_is_the_softmax_of_what_was_true_and_stays_it() -> None:
    world = started().world.fork()
    policy = FrozenPolicy(world, 0.2)
    users, items = np.arange(5), np.arange(10, dtype=np.int32)
    value = true_values(world, world.theta[users], items)
    expected = np.exp(value / 0.2) / np.exp(value / 0.2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(policy.chances(users, items), expected, rtol=1e-12)
    log = frozen_policy_log(started(), 0.5, TARGETS)  # lives go on in a fork of the same world
    assert len(log.user) > 500
    world.theta[:] += 1.0 * np.arange(world.theta.shape[1])
    np.testing.assert_allclose(policy.chances(users, items), expected, rtol=1e-12)


def test_the_true_value_of_one_item_is_its_chance_of_a_click_times_its_worth() -> None:
    world = started().world
    items = np.arange(12, dtype=np.int32)
    for user in (0, 7):
        utility, worth = world.true_worth(user, items)
        click = np.exp(utility) / (np.exp(utility) + np.exp(world.params.choice.outside))
        np.testing.assert_allclose(true_values(world, world.theta[[user]], items)[0], click * worth, rtol=1e-9)


def test_draws_have_the_chances_that_are_stated_and_are_keyed() -> None:
    users, visits = np.arange(40_000), np.zeros(40_000, np.int32)
    chance = np.tile([0.5, 0.2, 0.3], (40_000, 1))
    place, p = drawn(chance, users, visits, 1, 5)
    share = np.bincount(place, minlength=3) / 40_000
    np.testing.assert_allclose(share, [0.5, 0.2, 0.3], atol=4 * np.sqrt(0.25 / 40_000))
    np.testing.assert_array_equal(p, chance[0][place])
    np.testing.assert_array_equal(drawn(chance[7:9], users[7:9], visits[7:9], 1, 5)[0], place[7:9])


def test_a_log_states_exact_propensities_for_all_candidates() -> None:
    log = frozen_policy_log(started(), 0.5, TARGETS)
    rows = np.arange(len(log.user))
    for chance in log.target.values():
        np.testing.assert_allclose(chance.sum(axis=1), 1.0, rtol=1e-9)
    assert ((log.pscore > 0) & (log.pscore <= 1)).all()
    np.testing.assert_array_equal(log.action, log.candidates[rows, log.place])
    assert (np.diff(log.day) >= 0).all()
    own = frozen_policy_log(started(), 0.5, {"same": 0.5})
    np.testing.assert_allclose(own.target["same"][rows, own.place], own.pscore, rtol=1e-12)


def test_in_a_toy_world_truth_by_enumeration_agrees_with_what_is_earned() -> None:
    """Six items, all of them on offer: the mean of realised rewards, and importance weighting, within 4 s.e."""
    start = started(toy=True)
    _, value = policy_value(start, 0.1)
    served = frozen_policy_log(start, 0.1, {"bold": 0.1})
    assert abs(served.reward.mean() - value.mean()) < 4 * served.reward.std() / np.sqrt(len(served.user))
    log = frozen_policy_log(start, 0.5, {"bold": 0.1})
    rows = np.arange(len(log.user))
    found = ips(
        reward=log.reward, pscore=log.pscore, target_pscore=log.target["bold"][rows, log.place], cluster=log.user
    )
    assert abs(found.value - value.mean()) < 4 * found.std_error
    assert abs(log.reward.mean() - value.mean()) > 4 * found.std_error  # the check has teeth


USER = np.repeat(np.arange(400), 5)
RNG = np.random.default_rng(1)
ACTION = RNG.integers(0, 8, USER.size).astype(np.int32)
POOL = np.tile(np.arange(8, dtype=np.int32), (USER.size, 1))
EVERY = np.ones(USER.size, np.bool_)


def test_an_item_is_worth_its_mean_and_an_unknown_one_what_is_usual() -> None:
    reward = 0.1 * ACTION + 0.01 * RNG.normal(size=USER.size)
    pool = np.append(POOL, np.full((USER.size, 1), 20, np.int32), axis=1)
    q = item_means(USER, ACTION, reward, EVERY, pool, seed=1, shrink=1e-9)
    np.testing.assert_allclose(q[:, :8], np.tile(0.1 * np.arange(8), (USER.size, 1)), atol=0.01)
    np.testing.assert_allclose(q[:, 8], reward.mean(), atol=0.05)


def test_a_users_own_rewards_never_reach_its_predictions() -> None:
    reward = RNG.normal(size=USER.size)
    before = item_means(USER, ACTION, reward, EVERY, POOL, seed=1)
    changed = np.where(USER == 7, 100.0, reward)
    after = item_means(USER, ACTION, changed, EVERY, POOL, seed=1)
    np.testing.assert_array_equal(after[USER == 7], before[USER == 7])
    assert (after != before).any()


def test_rounds_that_are_not_to_be_fitted_change_nothing() -> None:
    reward = RNG.normal(size=USER.size)
    early = np.arange(USER.size) % 5 < 3
    changed = np.where(early, reward, 9.0)
    np.testing.assert_array_equal(
        item_means(USER, ACTION, reward, early, POOL, seed=1), item_means(USER, ACTION, changed, early, POOL, seed=1)
    )


def test_an_estimator_of_the_users_own_is_graded_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "graded_here.py").write_text(
        "from driftline.evaluation.off_policy import Estimator, Terms\n"
        "class Twice(Estimator):\n"
        "    def terms(self, rounds):\n"
        "        return Terms(top=2.0 * rounds.weighted_reward)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    truth = {name: dict.fromkeys(TIMES, 0.0) for name in TARGETS}
    rows = off_policy_rows(
        frozen_policy_log(started(), 0.5, TARGETS), truth, Spans.of(30.0, 7.0), 1, ("graded_here:Twice",)
    )
    found = {(row.method, row.policy, row.target): row.value for row in rows}
    for policy in TARGETS:
        for time in TIMES:
            assert found["graded_here:Twice", policy, time] == pytest.approx(
                2.0 * found["ips", policy, time], rel=1e-12
            )


def test_every_estimator_that_tames_weights_is_graded_tamed() -> None:
    """Untamed, it would be graded as another one under a second name."""
    assert set(LAMBDAS) == set(tamed_names())
