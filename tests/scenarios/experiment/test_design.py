"""Who is shown which arm, who learns from what, and designs that cannot be."""

from typing import get_args

import numpy as np
import pytest

from driftline.scenarios.experiment.design import (
    TRAININGS,
    Design,
    Exposure,
    Kind,
    Training,
    checked_design,
    lesson,
    parts,
)
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Feedback

USERS = np.arange(4_000)
DAYS = np.full(USERS.size, 5.0)


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_users_are_drawn_with_the_share_and_keep_their_arm(share: float) -> None:
    design = Design(share=share)
    arm = design.shown(USERS, DAYS, seed=3)
    assert abs(arm.mean() - share) < 4 * np.sqrt(share * (1 - share) / USERS.size)
    np.testing.assert_array_equal(design.shown(USERS, DAYS + 30.0, seed=3), arm)
    np.testing.assert_array_equal(design.shown(USERS[1000:1010], DAYS[:10], seed=3), arm[1000:1010])
    assert (design.shown(USERS, DAYS, seed=4) != arm).any()


@pytest.mark.parametrize("share", [0.5, 0.3, 0.1])
def test_over_all_turns_every_user_is_met_in_both_arms(share: float) -> None:
    design = Design(share=share)
    every = np.stack([design.shown(USERS, DAYS, 1, turn) for turn in range(design.turns)])
    assert every.any(axis=0).all()
    assert (~every).any(axis=0).all()
    assert abs(every.mean() - share) < 0.03
    if share == 0.5:
        np.testing.assert_array_equal(every[0], ~every[1])


def test_a_cluster_has_one_arm() -> None:
    design = Design(kind="cluster", clusters=40)
    cluster, arm = design.unit(USERS, DAYS, 2), design.shown(USERS, DAYS, 2)
    assert set(cluster) == set(range(40))
    for each in range(40):
        assert len(set(arm[cluster == each])) == 1
    assert 0 < arm.mean() < 1


def test_a_switchback_shows_everybody_the_same_and_gives_each_pair_of_blocks_both_arms() -> None:
    design = Design(kind="switchback", block=2.0, washout=0.5)
    days = np.arange(0.0, 80.0, 0.25)
    one, other = (design.shown(np.full(days.size, user), days, 5) for user in (1, 77))
    np.testing.assert_array_equal(one, other)
    blocks = one.reshape(-1, 8)
    assert (blocks == blocks[:, :1]).all()
    assert (blocks[::2, 0] != blocks[1::2, 0]).all()
    assert 0 < blocks[::2, 0].mean() < 1  # the order within a pair is drawn
    np.testing.assert_array_equal(design.shown(np.full(days.size, 1), days, 5, turn=1), ~one)
    np.testing.assert_array_equal(design.analysed(days), np.mod(days, 2.0) >= 0.5)


def test_during_a_ramp_fewer_are_shown_than_are_meant_and_nobody_goes_back() -> None:
    design = Design(ramp=10.0)
    meant = design.meant(USERS, DAYS, 1)
    before = np.zeros(USERS.size, np.bool_)
    for day in (0.0, 2.5, 5.0, 10.0, 20.0):
        shown = design.shown(USERS, np.full(USERS.size, day), 1)
        assert (shown >= before).all()
        assert (meant >= shown).all()
        assert abs(shown.mean() - 0.5 * min(day / 10.0, 1.0)) < 0.035
        before = shown
    np.testing.assert_array_equal(before, meant)


def test_a_washout_leaves_the_first_days_out() -> None:
    np.testing.assert_array_equal(
        Design(washout=3.0).analysed(np.array([0.0, 2.99, 3.0, 9.0])), [False, False, True, True]
    )


def test_a_cluster_has_one_copy_of_an_agent_and_copies_are_about_alike_in_size() -> None:
    users = np.arange(20_000)
    days = np.zeros(len(users))
    design = Design(kind="cluster", clusters=400, copies=4)
    cell = design.cell(users, days, design.meant(users, days, 5), 5)
    unit = design.unit(users, days, 5)
    assert all(len(set(cell[unit == one])) == 1 for one in range(400))
    clusters = np.bincount([cell[unit == one][0] for one in range(400)], minlength=8)
    # 50 clusters each, 4 standard errors of a count
    assert np.abs(clusters - 50).max() < 4 * np.sqrt(50 * 7 / 8)


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (
            {"kind": "usr"},
            "design: kind = 'usr': must be 'user', 'cluster', 'switchback' or 'interleave'; did you mean 'user'",
        ),
        ({"share": 1.5}, "design: share = 1.5: must be < 1"),
        ({"share": 0.0}, "design: share = 0.0: must be > 0"),
        ({"kind": "switchback", "share": 0.3}, "share = 0.3: a switchback is always half and half"),
        ({"kind": "switchback", "washout": 3.0}, "washout = 3 days: must be < block = 2"),
        ({"clusters": 1}, "design: clusters = 1: must be >= 2"),
        ({"copies": 0}, "design: copies = 0: must be >= 1"),
        ({"kind": "switchback", "copies": 2}, "copies = 2: a switchback has no users of one arm only"),
    ],
)
def test_a_design_that_cannot_be_is_named(stated: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        checked_design(stated)


N, L = 400, 2


def feedback(items: int | None = None) -> Feedback:
    rng = np.random.default_rng(1)
    slates = rng.integers(0, 10, (N, L)) if items is None else np.full((N, L), items)
    return Feedback(
        np.arange(N) * 7, np.zeros(N, np.int32), np.zeros(N), slates.astype(np.int32), np.zeros(N, np.int8),
        np.zeros(N, np.float32), np.zeros(N, np.float32),
    )  # fmt: skip


OWN: Bools = np.arange(N) < 100


def test_pooled_agents_learn_from_everybody_and_others_from_their_own_arm() -> None:
    told = feedback()
    assert lesson("pooled", told, OWN, Exposure(), 0, 1) is told
    for training in ("diverted", "snapshot"):
        mine = lesson(training, told, OWN, Exposure(), 0, 1)
        np.testing.assert_array_equal(mine.user, told.user[OWN])
        np.testing.assert_array_equal(mine.items, told.items[OWN])


def test_weighted_agents_learn_from_what_their_arm_might_have_shown() -> None:
    exposure = Exposure()
    in_b = np.arange(N) >= 200
    shown = feedback()
    # Arm A shows items below 5 only, arm B all of them.
    items = np.where(in_b[:, None], shown.items, shown.items % 5).astype(np.int32)
    told = Feedback(shown.user, shown.visit, shown.time, items, shown.choice, shown.dwell, shown.rating)
    exposure.note(told, in_b)
    np.testing.assert_array_equal(exposure.likeness(told, 0), 1.0)  # not settled yet
    exposure.settle()
    likeness = exposure.likeness(told, 0)
    low, high = (told.items < 5).all(axis=1), (told.items >= 5).all(axis=1)
    assert likeness[low].min() > 0.95
    assert likeness[high].max() < 0.05
    mine = lesson("weighted", told, ~in_b, exposure, 0, 1)
    assert np.isin(told.user[~in_b], mine.user).all()
    assert np.isin(told.user[in_b & low], mine.user).mean() > 0.9
    assert np.isin(told.user[in_b & high], mine.user).mean() < 0.1
    # B might have shown what A shows, half as often.
    assert 0.3 < exposure.likeness(told, 1)[low].mean() < 0.7


def test_arms_that_show_the_same_share_everything_when_weighted() -> None:
    exposure, in_b = Exposure(), np.arange(N) % 2 == 0
    told = feedback(items=3)
    exposure.note(told, in_b)
    exposure.settle()
    assert len(lesson("weighted", told, ~in_b, exposure, 0, 1)) == N


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("training", TRAININGS)
def test_every_part_states_its_scope(kind: Kind, training: Training) -> None:
    found = {part.name: part for part in parts(Design(kind=kind), training)}
    assert len(found) == 5
    assert all(part.scope in ("arm", "global") and part.why for part in found.values())
    learns = found["agents: counts, models, factors"].scope
    assert learns == ("arm" if training in ("diverted", "snapshot") else "global")
    meets_both = found["users' interests and habits"].scope == "global"
    assert meets_both == (kind in ("switchback", "interleave"))
