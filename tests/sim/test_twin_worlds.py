"""A world is a structural causal model: what is keyed alike comes out alike, whatever else differs."""

import numpy as np
import pytest
from small_worlds import LOOP, Life, assert_same, first_four, last_four, live_on, rows_of, small

from driftline.sim.items import random_slates
from driftline.sim.keyed import Stream
from driftline.sim.laws._loops import daily_loop, start_loop
from driftline.sim.types import Float32s, Int32s, Observation, Slates
from driftline.sim.warmup import in_order, warm_up
from driftline.sim.world import World


def by_visit(life: Life) -> dict[tuple[int, int], int]:
    """Row of each (user, visit)."""
    return {key: i for i, key in enumerate(zip(life.feedback.user.tolist(), life.feedback.visit.tolist(), strict=True))}


def test_a_fork_lives_on_like_the_original_under_the_same_slates() -> None:
    world = small({**LOOP, "text.queries_per_day": 1.0, "response.purchase": 1.0})
    live_on(world, first_four, until=4.0)
    twin = world.fork()
    one, other = live_on(world, last_four), live_on(twin, last_four)
    assert_same(one.feedback, other.feedback)
    assert_same(one.behaviors, other.behaviors)
    np.testing.assert_array_equal(one.interest, other.interest)


def test_a_fork_may_be_taken_between_observe_and_respond() -> None:
    world = small()
    observation = world.observe()
    assert observation is not None
    twin = world.fork()
    slates = Slates.certain(first_four(observation))
    assert_same(world.respond(slates), twin.respond(slates))


def test_twins_part_under_different_slates_and_leave_each_other_alone() -> None:
    world, alone = small(LOOP), small(LOOP)
    for each in (world, alone):
        live_on(each, first_four, until=4.0)
    twin = world.fork()
    other = live_on(twin, last_four)
    one, undisturbed = live_on(world, first_four), live_on(alone, first_four)
    assert_same(one.feedback, undisturbed.feedback)
    assert_same(one.behaviors, undisturbed.behaviors)
    assert (one.feedback.choice != other.feedback.choice).any()
    assert (one.interest != other.interest).any()


def test_a_twin_of_other_luck_has_the_same_past_and_another_future() -> None:
    world = small(LOOP)
    live_on(world, first_four, until=4.0)
    lives = []
    for luck in (0, 0, 1, 1, 2):
        twin = world.fork(luck)
        np.testing.assert_array_equal(twin.theta, world.theta)
        np.testing.assert_array_equal(twin.live_items(), world.live_items())
        lives.append(live_on(twin, first_four))
    for one, same in ((0, 1), (2, 3)):
        assert_same(lives[one].feedback, lives[same].feedback)
    for one, other in ((0, 2), (2, 4)):
        n = min(len(lives[one].feedback.choice), len(lives[other].feedback.choice))
        assert (lives[one].feedback.choice[:n] != lives[other].feedback.choice[:n]).any()
        assert not np.array_equal(lives[one].interest, lives[other].interest)


def test_twins_share_their_calendar_and_the_drift_that_recommendation_does_not_cause() -> None:
    world = small(LOOP)
    names = world.model.law_names
    twin = world.fork()
    one, other = live_on(world, first_four), live_on(twin, last_four)
    np.testing.assert_array_equal(one.feedback.user, other.feedback.user)
    np.testing.assert_array_equal(one.feedback.time, other.feedback.time)
    for law in ("static", "gradual", "abrupt"):
        slot = names.index(law)
        assert one.components[:, slot].any()
        np.testing.assert_array_equal(one.components[:, slot], other.components[:, slot], err_msg=law)
    loop = names.index("reinforcement")
    assert (one.components[:, loop] != other.components[:, loop]).any()


def test_an_item_met_at_the_same_visit_in_two_worlds_meets_the_same_noise() -> None:
    """Where both worlds take the same item of a user whose interest they share, all that follows is equal."""
    still = {"groups": {"still": {"laws": {"static": {}}}}, "population.users": 150}

    def reversed_four(observation: Observation) -> Int32s:
        return np.ascontiguousarray(first_four(observation)[:, ::-1])

    one, other = live_on(small(still), first_four).feedback, live_on(small(still), reversed_four).feedback
    nothing = (one.choice == 4) & (other.choice == 4)
    taken = [np.where(f.choice < 4, np.take_along_axis(f.items, np.minimum(f.choice, 3)[:, None], 1)[:, 0], -1)
             for f in (one, other)]  # fmt: skip
    same = (taken[0] == taken[1]) & ~nothing
    assert same.sum() > 200
    np.testing.assert_array_equal(one.dwell[same], other.dwell[same])
    np.testing.assert_array_equal(one.rating[same], other.rating[same])
    # Order matters through the position weights only.
    assert 0.5 < (taken[0] == taken[1]).mean() < 1.0


def test_one_more_user_changes_nobody_else() -> None:
    few, more = live_on(small(LOOP), first_four), live_on(small({**LOOP, "population.users": 61}), first_four)
    for one, other in ((few.feedback, more.feedback), (few.behaviors, more.behaviors)):
        keep = np.isin(other.user, few.feedback.user)
        assert not keep.all()
        kept = rows_of(other, keep)
        for name, column in rows_of(one, np.ones(len(one), np.bool_)).items():
            np.testing.assert_array_equal(column, kept[name], err_msg=name)


def alone_by_day(world: World, days: int) -> Float32s:
    """Every user's interest by day [days + 1, N, K], each law advanced alone, day after day."""
    base = world.model
    users = base.population()
    n = len(users)
    last, changed = np.zeros(n, np.int32), np.zeros(n, np.bool_)
    out = np.empty((days + 1, n, base.catalogue.topics), np.float32)
    for day in range(days + 1):
        for part in base.parts:
            mine, kind = np.flatnonzero(users.group == part.group), type(part.law)
            now = (base.seed, part.stream, base.params.horizon, part.shared, part.numbers)
            if day == 0 and kind.start is not None:
                start_loop(kind.start)(users.components, part.slot, users.home, mine, *now)
            if day > 0 and kind.advance is not None:
                move = daily_loop(kind.advance, part.law.noisy, kind.stirs)
                move(users.components, part.slot, users.home, mine, last, day, *now, changed)
        last[:] = day
        out[day] = users.components.astype(np.float64).sum(axis=1)
    return out


@pytest.mark.parametrize("sessions", [0.2, 1.5, 6.0])
def test_interest_at_a_visit_is_that_of_its_day_however_often_a_user_comes(sessions: float) -> None:
    overrides = {
        "population.sessions_per_day": sessions,
        "groups.still.laws.flow": {"rate": 0.05},
        "groups.moving.laws.gradual.anchor": 0.5,
    }
    world = small(overrides)
    days = alone_by_day(world, 10)
    names = world.pseudonyms(np.arange(60))
    row = {int(name): user for user, name in enumerate(names)}
    life = live_on(world, first_four)
    users = np.array([row[int(name)] for name in life.feedback.user])
    np.testing.assert_array_equal(life.interest, days[life.feedback.time.astype(int), users])


def test_change_points_are_flagged_at_the_first_visit_after_a_jump() -> None:
    world = small({"groups": {"all": {"laws": {"abrupt": {"hazard": 0.3, "sigma": 1.0}}}}})
    before: dict[int, Float32s] = {}
    flags = 0
    while (observation := world.observe()) is not None:
        for user in world.round.users.tolist():
            interest = world.theta[user].copy()
            start = before.get(user)
            if start is not None:
                assert world.changed[user] == (interest != start).any()
                flags += int(world.changed[user])
            before[user] = interest
        world.respond(Slates.certain(first_four(observation)))
    assert flags > 50


@pytest.mark.parametrize("candidates", [{"private": 20}, {"shared": 20}])
def test_the_warm_up_is_a_plain_run_under_the_random_policy(candidates: dict[str, int]) -> None:
    start = warm_up(small({"candidates": candidates}))
    plain = small({"candidates": candidates})
    parts = []
    while plain.observe(until=2.0) is not None:
        now = plain.round
        slates = random_slates(
            now.users,
            now.visits,
            np.atleast_2d(now.candidates),
            now.candidates.ndim == 1,
            4,
            0,
            int(Stream.WARMUP_POLICY),
        )
        parts.append(plain.respond(Slates.certain(slates)))
    assert_same(start.setting.feedback, in_order(parts, 4))
    assert start.setting.feedback.time.max() < 2.0
    assert start.setting.start == 2.0
    assert (start.setting.items.born <= 2.0).all()
    after, as_before = live_on(start.world, first_four), live_on(plain, first_four)
    assert_same(after.feedback, as_before.feedback)
    assert after.feedback.time.min() >= 2.0
    # What was done before the take-over belongs to the warm-up; what was under way arrives after it.
    assert len(start.setting.behaviors) > 0
