"""What a world promises an operator: rounds, offers, releases, and errors that name what is wrong."""

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import stats
from small_worlds import SMALL, assert_same, first_four, last_four, live_on, pool, rows_of, small

from driftline.sim.errors import InputError, SlateError
from driftline.sim.types import NONE, BehaviorKind, Int32s, Observation, Slates
from driftline.sim.world import World


def test_identical_policies_give_identical_lives_and_seeds_differ() -> None:
    one, two = live_on(small(), first_four), live_on(small(), first_four)
    assert_same(one.feedback, two.feedback)
    assert_same(one.behaviors, two.behaviors)
    np.testing.assert_array_equal(one.interest, two.interest)
    other = live_on(small(seed=1), first_four)
    assert len(other.feedback) != len(one.feedback) or (other.feedback.choice != one.feedback.choice).any()
    assert not np.isin(other.feedback.user, one.feedback.user).any()


@pytest.mark.parametrize("limit", [1, 7])
@pytest.mark.parametrize("candidates", [{"private": 20}, {"shared": 20}])
def test_how_many_users_are_observed_at_once_changes_nothing(limit: int, candidates: dict[str, int]) -> None:
    overrides = {"candidates": candidates, "text.queries_per_day": 1.0, "response.purchase": 0.8}
    whole, parts = (live_on(small(overrides), last_four, size) for size in (None, limit))
    assert_same(whole.feedback, parts.feedback)
    assert_same(whole.behaviors, parts.behaviors)
    np.testing.assert_array_equal(whole.interest, parts.interest)
    assert set(whole.behaviors.kind) == set(BehaviorKind)


@pytest.mark.parametrize("limit", [None, 7])
def test_an_observation_has_one_visit_per_user_inside_its_tick_and_at_most_the_limit(limit: int | None) -> None:
    world = small()
    before = -1
    while (observation := world.observe(limit)) is not None:
        users = world.round.users
        assert (np.diff(users) > 0).all()
        assert 0 < len(observation) <= (limit or 60)
        assert observation.tick >= before
        before = observation.tick
        low = observation.tick * world.params.tick
        assert ((observation.time >= low) & (observation.time < low + world.params.tick)).all()
        world.respond(Slates.certain(first_four(observation)))
    assert world.observe() is None


def test_every_users_visits_are_numbered_from_0_without_gaps_and_in_order_of_time() -> None:
    feedback = live_on(small(), first_four).feedback
    assert len(np.unique(feedback.user)) == 60
    for user in np.unique(feedback.user):
        mine = feedback.user == user
        np.testing.assert_array_equal(feedback.visit[mine], np.arange(mine.sum()))
        assert (np.diff(feedback.time[mine]) > 0).all()
    assert feedback.time.max() < 10.0


def test_users_come_as_often_as_stated() -> None:
    overrides = {"population.users": 2_000, "population.sessions_spread": 0.0, "horizon": 6, "warmup": 1}
    feedback = live_on(small(overrides), first_four).feedback
    order = np.lexsort((feedback.visit, feedback.user))
    user, time = feedback.user[order], feedback.time[order]
    again = (user[1:] == user[:-1]) & (np.diff(time) <= 1 / 24)
    # Every visit is followed by another of its session with chance `more` = .35; few are cut off by the end.
    error = np.sqrt(0.35 * 0.65 / len(feedback))
    assert error < 0.01
    assert abs(again.sum() / len(feedback) - 0.35) < 0.002 + 4 * error
    first = time[np.flatnonzero(np.diff(user, prepend=-1))]
    assert stats.kstest(first, "expon", args=(0, 1 / 1.5)).pvalue > 1e-4
    # Between two sessions lie an hour and an exponential gap; a session's own minutes add little.
    sessions = len(feedback) - again.sum()
    assert abs(sessions / (2_000 * 6 / (1 / 1.5 + 1 / 24)) - 1) < 0.02


def test_pseudonyms_are_distinct_and_say_nothing_of_the_order() -> None:
    world = small({"population.users": 5_000})
    names = world.pseudonyms(np.arange(5_000))
    assert np.unique(names).size == 5_000
    assert names.min() >= 0
    assert abs(np.corrcoef(np.arange(5_000), names.astype(np.float64))[0, 1]) < 4 / np.sqrt(5_000)


def test_late_users_arrive_after_the_warm_up() -> None:
    feedback = live_on(small({"population.late_users": 0.5}), first_four).feedback
    usual = live_on(small(), first_four).feedback
    first = {int(user): feedback.time[feedback.user == user].min() for user in np.unique(feedback.user)}
    late = sum(time >= 2.0 for time in first.values()) + 60 - len(first)
    late_anyway = sum(usual.time[usual.user == user].min() >= 2.0 for user in np.unique(usual.user))
    assert late - late_anyway > 15


@pytest.mark.parametrize("kind", ["private", "shared"])
def test_candidates_are_live_distinct_and_as_many_as_stated(kind: str) -> None:
    world = small({"candidates": {kind: 20}})
    catalogue = world.catalogue
    ticks: dict[int, Int32s] = {}
    while (observation := world.observe()) is not None:
        rows = pool(observation)
        assert rows.shape == (len(observation), 20)
        assert observation.candidates.ndim == (1 if kind == "shared" else 2)
        assert (np.diff(np.sort(rows, axis=1), axis=1) > 0).all()
        start = observation.tick * world.params.tick
        assert (catalogue.born[rows] <= start).all()
        assert (catalogue.retired[rows] > start).all()
        assert np.isin(rows, world.live_items()).all()
        if kind == "shared":
            np.testing.assert_array_equal(ticks.setdefault(observation.tick, observation.candidates), rows[0])
        world.respond(Slates.certain(first_four(observation)))
    if kind == "shared":
        assert len({row.tobytes() for row in ticks.values()}) > len(ticks) / 2


def test_items_retire_are_replaced_and_are_announced_once_at_a_tick_boundary() -> None:
    world = small()
    catalogue, announced = world.catalogue, []
    while (observation := world.observe()) is not None:
        assert world.live_items().size == 60
        arrived = observation.arrived.item
        assert (catalogue.born[arrived] <= observation.tick * world.params.tick).all()
        announced.append(arrived)
        world.respond(Slates.certain(first_four(observation)))
    released = np.flatnonzero((catalogue.born > 0) & (catalogue.born <= world.now))
    told = np.concatenate(announced)
    assert np.unique(told).size == told.size
    assert np.isin(told, released).all()
    assert released.size - told.size <= 5  # those of the last moments, when nobody came any more
    assert told.size > 60
    np.testing.assert_allclose(catalogue.born[told] % world.params.tick, 0.0, atol=1e-9)
    assert (catalogue.retired[catalogue.probes] == np.inf).all()
    # A successor takes the slot at the very moment at which its predecessor leaves.
    for item in told[:50]:
        before = np.flatnonzero((catalogue.slot == catalogue.slot[item]) & (catalogue.retired == catalogue.born[item]))
        assert before.size == 1


def test_what_users_do_is_delivered_at_their_next_visit() -> None:
    life = live_on(small({"response.purchase": 1.0}), first_four)
    feedback, behaviors = life.feedback, life.behaviors
    consumed = behaviors.kind == BehaviorKind.CONSUME
    taken = feedback.choice < 4
    last = {int(user): feedback.visit[feedback.user == user].max() for user in np.unique(feedback.user)}
    met_again = np.array([visit < last[int(user)] for user, visit in zip(feedback.user, feedback.visit, strict=True)])
    assert consumed.sum() == (taken & met_again).sum()
    keys = list(zip(feedback.user[taken], feedback.items[taken, feedback.choice[taken]], strict=True))
    rows = rows_of(behaviors, consumed)
    for user, item, time in zip(rows["user"], rows["item"], rows["time"], strict=True):
        visits = feedback.time[taken][[key == (user, item) for key in keys]]
        assert ((time - visits > 0) & (time - visits < 11 / 86_400)).any()
    bought = rows_of(behaviors, behaviors.kind == BehaviorKind.PURCHASE)
    assert len(bought["user"]) > 50
    for user, item, time in zip(bought["user"], bought["item"], bought["time"], strict=True):
        visits = feedback.time[taken][[key == (user, item) for key in keys]]
        assert np.isclose(time - visits, 2.0, atol=1e-9).any()
    assert (bought["expressed"] == NONE).all()
    assert (behaviors.expressed[consumed] != NONE).mean() > 0.6


def test_behaviours_of_an_observation_are_of_the_users_observed_and_past() -> None:
    world = small({"response.purchase": 1.0, "text.queries_per_day": 1.0})
    seen = 0
    while (observation := world.observe()) is not None:
        behaviors = observation.behaviors
        assert np.isin(behaviors.user, observation.user).all()
        now = dict(zip(observation.user.tolist(), observation.time.tolist(), strict=True))
        assert all(
            time < now[user] for user, time in zip(behaviors.user.tolist(), behaviors.time.tolist(), strict=True)
        )
        assert (np.diff(behaviors.time) >= 0).all()
        seen += len(behaviors)
        world.respond(Slates.certain(first_four(observation)))
    assert seen > 500


def test_searches_come_where_the_scenario_has_them() -> None:
    silent, asking = (live_on(small({"text.queries_per_day": rate}), first_four) for rate in (0.0, 1.0))
    assert not (silent.behaviors.kind == BehaviorKind.SEARCH).any()
    searches = rows_of(asking.behaviors, asking.behaviors.kind == BehaviorKind.SEARCH)
    assert 300 < len(searches["user"]) < 900  # about one a day of 60 users in 10 days
    assert (searches["item"] == NONE).all()
    assert (searches["expressed"] == NONE).all()
    assert (searches["about"] >= 0).all()
    np.testing.assert_array_equal(silent.feedback.choice, asking.feedback.choice)


def observed() -> tuple[World, Observation, Int32s]:
    world = small()
    observation = world.observe()
    assert observation is not None
    return world, observation, first_four(observation)


def test_a_repeated_item_is_an_error_that_names_user_item_and_position() -> None:
    world, observation, slates = observed()
    slates[3, 2] = slates[3, 0]
    with pytest.raises(SlateError, match=f"user {observation.user[3]}.*item {slates[3, 0]} at position 2 .*twice"):
        world.respond(Slates.certain(slates))


@pytest.mark.parametrize("item", [-1, 10**6, None])
@pytest.mark.parametrize("candidates", [{"private": 20}, {"shared": 20}])
def test_an_item_that_is_no_candidate_is_an_error_and_the_world_stands_still(
    item: int | None, candidates: dict[str, int]
) -> None:
    world, untouched = small({"candidates": candidates}), small({"candidates": candidates})
    observation = world.observe()
    assert observation is not None
    slates = first_four(observation)
    bad = slates.copy()
    outside = np.setdiff1d(world.live_items(), pool(observation)[5])[0]
    bad[5, 1] = outside if item is None else item
    with pytest.raises(SlateError, match=f"item {bad[5, 1]} at position 1 is not among the candidates"):
        world.respond(Slates.certain(bad))
    untouched.observe()
    assert_same(world.respond(Slates.certain(slates)), untouched.respond(Slates.certain(slates)))


def test_a_wrong_shape_or_type_is_an_error_that_names_the_right_one() -> None:
    world, observation, slates = observed()
    n = len(observation)
    with pytest.raises(InputError, match=rf"int32\[{n}, 3\]; must be int32\[{n}, 4\]"):
        world.respond(Slates.certain(slates[:, :3]))
    with pytest.raises(InputError, match=rf"int32\[{n - 1}, 4\]; must be int32\[{n}, 4\]"):
        world.respond(Slates.certain(slates[1:]))
    wide: Any = slates.astype(np.int64)
    with pytest.raises(InputError, match="int64"):
        world.respond(Slates(wide, np.zeros(n), np.zeros((n, 4))))
    world.respond(Slates.certain(slates))


def test_slates_may_lie_anywhere_in_memory() -> None:
    (one, _, slates), (two, _, _) = observed(), observed()
    assert_same(one.respond(Slates.certain(np.asfortranarray(slates))), two.respond(Slates.certain(slates)))


def test_observing_and_responding_take_turns() -> None:
    world = small()
    with pytest.raises(InputError, match="observe"):
        world.respond(Slates.certain(np.zeros((1, 4), np.int32)))
    world.observe()
    with pytest.raises(InputError, match="respond"):
        world.observe()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_outside_32_bits_is_an_error(seed: int) -> None:
    with pytest.raises(InputError, match=f"seed = {seed}"):
        World(SMALL, seed)


def test_a_law_that_yields_no_number_is_named_at_once() -> None:
    with pytest.raises(
        InputError, match=r"^law 'own_laws:Undefined': the interest of user \d+ of 60 is not finite on day"
    ):
        live_on(
            small({"groups.moving.laws": {"static": {}, "own_laws:Undefined": {}}, "groups.moving.spread": 0}),
            first_four,
        )


def test_a_stored_world_goes_on_as_it_would_have() -> None:
    """Releases that are still to come included."""
    world = World("abrupt_shift", 1, {"population.users": 30, "catalogue.items": 120, "warmup": 1, "horizon": 25})
    for _ in range(10):
        seen = world.observe()
        assert seen is not None
        world.respond(Slates.certain(np.atleast_2d(seen.candidates)[:, :10].copy()))
    twin: World = pickle.loads(pickle.dumps(world))
    arrived = 0
    while (seen := world.observe()) is not None:
        again = twin.observe()
        assert again is not None
        arrived += len(seen.arrived)
        np.testing.assert_array_equal(seen.arrived.item, again.arrived.item)
        slates = Slates.certain(np.atleast_2d(seen.candidates)[:, :10].copy())
        np.testing.assert_array_equal(world.respond(slates).choice, twin.respond(slates).choice)
    assert twin.observe() is None
    assert arrived > 0
    np.testing.assert_array_equal(world.theta, twin.theta)
