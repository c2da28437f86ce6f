import numpy as np

from driftline.scenarios.grade.off_policy import item_means

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
