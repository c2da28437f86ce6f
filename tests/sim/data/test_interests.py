"""Starting interests are the smoothed profiles of what real users took."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.sim.data.events import RealData, popularity
from driftline.sim.data.interests import (
    Weighting,
    best_prior,
    everything,
    held_out_gain,
    in_user_order,
    profiles,
    sample_users,
    shares,
    starting_interests,
)
from driftline.sim.types import Floats, Int64s

PLAIN = Weighting(half_life=None, below_mean=1.0)
POPULATION = np.array([0.4, 0.3, 0.2, 0.1])


def shop(user: Int64s, item: Int64s, time: Floats, rating: Floats | None = None, topics: int = 4) -> RealData:
    """One item per topic, and one item without any."""
    order = np.lexsort((item, user, time))
    users, m = int(user.max()) + 1, len(user)
    mixture = np.vstack([np.eye(topics), np.full(topics, 1 / topics)]).astype(np.float32)
    names = tuple(map(str, range(topics + 1)))
    return RealData(
        item_ids=names,
        titles=names,
        texts=names,
        topics=names[:topics],
        mixture=mixture,
        labelled=np.arange(topics + 1) < topics,
        domains=("video",),
        domain=np.zeros(topics + 1, np.int8),
        born=np.zeros(topics + 1),
        user_ids=tuple(map(str, range(users))),
        user=user[order].astype(np.int64),
        item=item[order].astype(np.int32),
        time=time[order] - time.max(),
        rating=np.full(m, np.nan, np.float32) if rating is None else rating[order].astype(np.float32),
        kind=np.zeros(m, np.int8),
        comments=None,
    )


def drawn(users: int, events: int, strength: float, seed: int = 0) -> tuple[RealData, Floats]:
    """Users whose true profiles are Dirichlet around the population, and what they took."""
    generator = np.random.default_rng(seed)
    truth = generator.dirichlet(strength * POPULATION, size=users)
    truth = np.maximum(truth, 1e-12)
    user = np.repeat(np.arange(users), events)
    item = (generator.random(users * events)[:, None] > np.cumsum(truth[user], axis=1)[:, :3]).sum(axis=1)
    return shop(user, item, generator.random(users * events) * 100.0), truth


def test_interests_are_the_centred_logs_of_dirichlet_smoothed_counts() -> None:
    data = shop(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2]), np.arange(4.0))
    logits = starting_interests(data, prior=2.0, weighting=PLAIN)
    everybody = (np.array([2.0, 1.0, 1.0, 0.0]) + 0.25) / 5.0
    expected = np.array([[2, 1, 0, 0], [0, 0, 1, 0]]) + 2.0 * everybody
    np.testing.assert_allclose(shares(logits), expected / expected.sum(axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(logits.sum(axis=1), 0.0, atol=1e-6)
    assert logits.dtype == np.float32


def test_a_planted_profile_comes_back() -> None:
    data, truth = drawn(users=300, events=2_000, strength=8.0)
    found = shares(starting_interests(data, weighting=PLAIN))
    error = np.sqrt(((found - truth) ** 2).mean())
    assert error < 1.1 * np.sqrt((truth * (1 - truth)).mean() / 2_000), "no worse than counting errors"


def test_an_old_interaction_counts_half_after_its_half_life() -> None:
    data = shop(np.array([0, 0]), np.array([0, 1]), np.array([0.0, 30.0]))
    count = profiles(data, everything(data), Weighting(half_life=30.0)).count
    np.testing.assert_allclose(count, [[0.5, 1.0, 0.0, 0.0]])


def test_a_rating_below_the_users_own_mean_counts_less() -> None:
    data = shop(np.zeros(3, int), np.array([0, 1, 2]), np.zeros(3), np.array([2.0, 4.0, np.nan]))
    count = profiles(data, everything(data), Weighting(half_life=None, below_mean=0.25)).count
    np.testing.assert_allclose(count, [[0.25, 1, 1, 0]])


def test_equal_ratings_are_not_below_their_mean_whatever_the_rounding() -> None:
    user = np.repeat(np.arange(100), np.arange(1, 101))
    data = shop(user, np.zeros(user.size, int), np.zeros(user.size), np.full(user.size, 3.3))
    count = profiles(data, everything(data), Weighting(half_life=None)).count
    np.testing.assert_allclose(count[:, 0], np.arange(1.0, 101.0))


def test_items_without_topics_do_not_count_and_unused_interactions_neither() -> None:
    data = shop(np.array([0, 0, 0]), np.array([0, 4, 1]), np.arange(3.0))
    used = np.array([True, True, False])
    np.testing.assert_allclose(profiles(data, used, PLAIN).count, [[1, 0, 0, 0]])


def test_a_user_without_interactions_to_learn_from_starts_as_the_population() -> None:
    data = shop(np.array([0, 0, 1]), np.array([0, 1, 2]), np.arange(3.0))
    used = np.array([True, True, False])
    found = shares(starting_interests(data, prior=3.0, used=used))
    np.testing.assert_allclose(found[1], profiles(data, used, PLAIN).population, rtol=1e-6)


def test_spread_scales_without_reordering() -> None:
    data, _ = drawn(users=50, events=20, strength=4.0)
    plain, wide = starting_interests(data), starting_interests(data, 2.0)
    assert np.sqrt((wide.astype(float) ** 2).mean()) == pytest.approx(2.0, rel=1e-5)
    ratio = wide / plain
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


@pytest.mark.parametrize("strength", [2.0, 20.0])
def test_leave_one_out_finds_the_strength_that_made_the_users(strength: float) -> None:
    found = [best_prior(drawn(400, 30, strength, seed)[0], np.ones(12_000, bool), PLAIN) for seed in range(8)]
    error = np.std(np.log(found), ddof=1) / np.sqrt(8)
    assert abs(np.mean(np.log(found)) - np.log(strength)) < 4 * error + 0.02
    assert error < 0.1


def test_users_who_are_all_alike_need_the_strongest_prior() -> None:
    generator = np.random.default_rng(0)
    data = shop(np.repeat(np.arange(300), 30), generator.choice(4, 9_000, p=POPULATION), generator.random(9_000))
    assert best_prior(data, everything(data), PLAIN) > 300.0


def test_the_gain_is_that_of_the_truth_and_permuted_users_lose_it() -> None:
    data, truth = drawn(users=400, events=200, strength=5.0)
    found = held_out_gain(data, weighting=PLAIN)
    information = (truth * np.log(truth / POPULATION)).sum(axis=1).mean()
    half = (found.gain.high - found.gain.low) / 2
    assert 0.0 < found.gain.low < found.gain.high
    assert abs(found.gain.value - information) < 2 * half + 0.02
    assert found.permuted.high < 0.0
    assert found.population - found.interests == pytest.approx(found.gain.value)
    assert found.users == 400


def test_there_is_no_gain_where_users_are_alike() -> None:
    generator = np.random.default_rng(3)
    data = shop(np.repeat(np.arange(300), 40), generator.choice(4, 12_000, p=POPULATION), generator.random(12_000))
    found = held_out_gain(data)
    assert abs(found.gain.value) < 0.002
    assert found.gain.low < 0.001


def test_only_the_earlier_interactions_are_learned_from() -> None:
    """A user's taste turns round at the split: the interests must then lose, having seen nothing later."""
    user = np.repeat(np.arange(40), 10)
    place = np.tile(np.arange(10), 40)
    item = np.where(place < 8, user % 2, 1 - user % 2)
    found = held_out_gain(shop(user, item, place.astype(float)), weighting=PLAIN)
    assert found.gain.high < 0.0


def test_places_count_each_users_own_time() -> None:
    data = shop(np.array([1, 0, 1, 1]), np.array([0, 1, 2, 3]), np.array([3.0, 2.0, 1.0, 4.0]))
    place, count = in_user_order(data)
    assert (data.user.tolist(), place.tolist(), count.tolist()) == ([1, 0, 1, 1], [0, 0, 1, 2], [1, 3])


@given(users=st.integers(1, 60), seed=st.integers(0, 2**31))
def test_a_worlds_user_is_the_same_data_user_whatever_the_number_of_users(users: int, seed: int) -> None:
    data = shop(np.arange(20), np.zeros(20, int), np.zeros(20))
    rows = sample_users(data, users, seed)
    np.testing.assert_array_equal(rows, sample_users(data, 60, seed)[:users])
    assert len(rows) == users
    assert len(set(rows[:20].tolist())) == min(users, 20)
    assert rows.min() >= 0
    assert rows.max() < 20


def test_draws_beyond_the_data_are_even() -> None:
    data = shop(np.arange(20), np.zeros(20, int), np.zeros(20))
    count = np.bincount(sample_users(data, 20_020, 1)[20:], minlength=20)
    assert np.abs(count - 1_000).max() < 4 * np.sqrt(1_000)


def test_popularity_is_the_share_of_interactions() -> None:
    data = shop(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 2]), np.arange(4.0))
    np.testing.assert_allclose(popularity(data), np.array([3.5, 0.5, 1.5, 0.5, 0.5]) / 6.5)
    np.testing.assert_allclose(popularity(data, exponent=0.0), 0.2)
