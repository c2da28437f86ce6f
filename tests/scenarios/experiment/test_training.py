import numpy as np

from driftline.scenarios.experiment.design import Exposure, lesson
from driftline.sim.types import Bools, Feedback

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
