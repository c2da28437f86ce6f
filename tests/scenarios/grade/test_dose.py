"""The same question where nobody drifts, half do, all do; and the truth of an experiment without its own chance."""

import numpy as np
import pytest
from small_grade import started, tiny

from driftline.scenarios.grade.dose import DOSES, dosed, drift_rows
from driftline.scenarios.grade.off_policy import LearningPolicy, Spans
from driftline.scenarios.grade.replication import Twin, with_luck
from driftline.sim.types import Slates
from driftline.sim.warmup import warm_up
from driftline.sim.world import World


def test_a_dose_is_the_share_of_drifting_users_who_drift() -> None:
    small = tiny()
    worlds = {dose: World(dosed(small, dose), 3) for dose in DOSES}
    first = [world.theta.copy() for world in worlds.values()]
    for theta in first[1:]:
        np.testing.assert_allclose(theta, first[0], rtol=1e-6)  # all begin alike
    moved = {}
    for dose, world in worlds.items():
        end = warm_up(world).world.fork()
        while (seen := end.observe(until=40.0)) is not None:
            end.respond(_first(seen.candidates))
        moved[dose] = np.abs(end.theta - first[0]).max(axis=1) > 0.2
    assert moved[0.0].sum() == 0
    assert (moved[0.5] <= moved[1.0]).all()
    assert 0.3 < moved[0.5].sum() / moved[1.0].sum() < 0.7
    assert dosed(small, 1.0).groups == small.groups


def _first(candidates: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> Slates:
    return Slates.certain(np.ascontiguousarray(candidates[:, :1]))


def test_where_nobody_drifts_learning_changes_nothing() -> None:
    small = tiny()
    spans = Spans.of(small.horizon - small.warmup, small.grade.period)
    found = {(row.method, row.policy): row for row in drift_rows(small, started(), spans, 3)}
    assert len(found) == 2 * 2 * len(DOSES)
    still, learning = (found["ips", f"{name}, drift x 0"] for name in ("bold", "learning"))
    assert (learning.value, learning.truth) == pytest.approx((still.value, still.truth), abs=0.01)
    assert still.low < still.truth < still.high
    frozen, fresh = (found["ips", f"{name}, drift x 1"] for name in ("bold", "learning"))
    assert fresh.truth > frozen.truth + 0.1  # it follows whom the other loses


def test_a_policy_that_learns_knows_users_as_of_their_last_visit() -> None:
    world = started().world.fork()
    policy = LearningPolicy(world, 0.2)
    users, items = np.arange(4), np.arange(10, dtype=np.int32)
    before = policy.chances(users, items)
    world.theta[:] += np.arange(world.theta.shape[1], dtype=np.float32)
    np.testing.assert_array_equal(policy.chances(users, items), before)
    policy.learn(users[:2])
    after = policy.chances(users, items)
    np.testing.assert_array_equal(after[2:], before[2:])
    assert (np.abs(after[:2] - before[:2]).max(axis=1) > 0.01).all()


def test_the_truth_of_an_experiment_is_a_mean_over_twins_of_other_luck() -> None:
    small = tiny()
    twice = small.model_copy(update={"grade": small.grade.model_copy(update={"twins": 2})})
    found = Twin(twice, started()).effect("snapshot")
    own = [Twin(small, with_luck(started(), luck)).realised("snapshot") for luck in (1, 2)]
    assert found == pytest.approx(np.mean(own), abs=1e-15)
    assert own[0] != own[1]
    visits = Twin(small, with_luck(started(), 1)).alone("all_a", "snapshot")
    assert set(visits["user"]) <= set(range(small.population.users))
