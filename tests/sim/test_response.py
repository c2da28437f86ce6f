"""What follows a choice, against its closed forms."""

from functools import lru_cache

import numpy as np
import pytest
from one_user import NUMBERS, answers, items_at
from scipy.stats import norm

from driftline.sim.response import Responses, expected_satisfaction
from driftline.sim.types import Int32s, Observation, Slates
from driftline.sim.world import World

ALWAYS = -100.0


@lru_cache
def taken_at(match: float, times: int = 100_000) -> Responses:
    """An item with theta . m = `match` and quality .2, taken at every visit."""
    return answers([match], [0], items_at([match], quality=0.2), outside=ALWAYS, times=times)


@pytest.mark.parametrize("match", [-1.5, -0.4, 0.0, 1.0, 2.5])
def test_mean_satisfaction_has_its_closed_form(match: float) -> None:
    satisfaction = taken_at(match).satisfaction.astype(np.float64)
    x = (match + 0.2 - NUMBERS.level) / NUMBERS.scale
    wanted = 2 * norm.cdf(x / np.sqrt(1 + NUMBERS.noise**2)) - 1
    error = satisfaction.std() / np.sqrt(satisfaction.size)
    assert error < 0.01
    assert abs(satisfaction.mean() - wanted) < 4 * error
    assert abs(expected_satisfaction(match, 0.2, NUMBERS) - wanted) < 1e-12
    assert np.abs(satisfaction).max() <= 1.0


def test_the_spread_of_satisfaction_is_that_of_its_noise() -> None:
    argument = norm.ppf((taken_at(0.0).satisfaction.astype(np.float64) + 1) / 2)
    error = NUMBERS.noise / np.sqrt(2 * argument.size)
    assert abs(argument.std() - NUMBERS.noise) < 4 * error


def test_dwell_is_log_normal_around_its_median_and_moves_a_little_with_satisfaction() -> None:
    responses = taken_at(0.3)
    logs, s = np.log(responses.dwell.astype(np.float64)), responses.satisfaction.astype(np.float64)
    rest = logs - np.log(60.0) - 0.15 * s
    assert abs(rest.mean()) < 4 * 0.8 / np.sqrt(rest.size)
    assert abs(rest.std() - 0.8) < 4 * 0.8 / np.sqrt(2 * rest.size)
    assert abs(np.corrcoef(rest, s)[0, 1]) < 4 / np.sqrt(rest.size)


@pytest.mark.parametrize("match", [-1.0, 1.0])
def test_purchases_follow_satisfaction(match: float) -> None:
    responses = taken_at(match)
    chance = NUMBERS.purchase * 0.5 * (1 + responses.satisfaction.astype(np.float64))
    error = np.sqrt((chance * (1 - chance)).sum()) / chance.size
    assert abs(responses.purchased.mean() - chance.mean()) < 4 * error


def test_ratings_are_rare_and_follow_satisfaction() -> None:
    responses = taken_at(0.3)
    rated = ~np.isnan(responses.rating)
    error = np.sqrt(0.04 * 0.96 / rated.size)
    assert abs(rated.mean() - 0.04) < 4 * error
    ratings, s = responses.rating[rated], responses.satisfaction[rated]
    assert set(np.unique(ratings)) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert np.abs(ratings - (3 + 2 * s)).mean() < 0.7
    assert np.corrcoef(ratings, s)[0, 1] > 0.8


def test_comments_are_written_at_the_stated_rate_and_their_class_is_the_satisfaction() -> None:
    responses = taken_at(0.3)
    written = responses.comment >= 0
    assert abs(written.mean() - 0.8) < 4 * np.sqrt(0.16 / written.size)
    # In these tests a comment's code is its class: negative, mixed, positive, noise.
    kind, s = responses.comment[written], responses.satisfaction[written]
    noise = kind == 3
    assert abs(noise.mean() - 0.08) < 4 * np.sqrt(0.08 * 0.92 / noise.size)
    wanted = np.where(s > 0.3, 2, np.where(s < -0.3, 0, 1))
    np.testing.assert_array_equal(kind[~noise], wanted[~noise])
    assert np.bincount(kind).min() > 1_000


def best_click_slates(world: World, observation: Observation) -> Int32s:
    """The ten candidates with the highest true click utility."""
    users = world.round.users
    rows = []
    for user, candidates in zip(users, observation.candidates, strict=True):
        utilities, _ = world.true_worth(int(user), candidates)
        rows.append(candidates[np.argsort(-utilities, kind="stable")[:10]])
    return np.array(rows, np.int32)


def test_in_a_packaged_world_clicks_are_not_praise_and_dwell_tells_little() -> None:
    world = World("abrupt_shift", 0, {"population.users": 400})
    satisfaction, dwell, rated = [], [], []
    while (observation := world.observe(until=8.0)) is not None:
        _, truth = world.respond_in_full(Slates.certain(best_click_slates(world, observation)), probabilities=False)
        taken = truth.responses.taken >= 0
        satisfaction.append(truth.responses.satisfaction[taken])
        dwell.append(truth.responses.dwell[taken])
        rated.append(~np.isnan(truth.responses.rating[taken]))
    s, seconds, given = np.concatenate(satisfaction), np.concatenate(dwell), np.concatenate(rated)
    assert len(s) > 2_000
    assert 0.15 < (s < 0).mean() < 0.35
    assert abs(np.corrcoef(seconds, s)[0, 1]) < 0.2
    assert 0.03 < given.mean() < 0.05
