"""The interest head: decayed counts at the start, flow where there is flow, nothing lost where there is none.

The next-item head: better than its own follower under flow, the same without.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from predictor_worlds import Stream, slates, stream

from driftline.agents.predictor import ChoiceHead, Choices, Head, Sequences, Shares
from driftline.agents.predictor.training import Recipe
from driftline.sim.types import Floats

TOPICS = 12
ONE_HOT = np.eye(TOPICS, dtype=np.float32)
COUNTS = Recipe(epochs=0)


def losses(head: Head, world: Stream) -> Floats:
    """Cross-entropy of what came next, per user [n]."""
    asked = world.shares
    interest = head.interest(world.sequences, ONE_HOT, asked.row, asked.at)
    each = -(asked.share * np.log(interest)).sum(axis=1)
    per_user: Floats = each.reshape(len(world.topic), -1).mean(axis=1)
    return per_user


def gain_over_counts(train: Stream, test: Stream) -> tuple[float, float, Head]:
    """How many nats per topic drawn the head beats tuned decayed counts by on fresh users; with standard error."""
    head, counts = (Head.fit(train.sequences, ONE_HOT, train.shares, recipe=r) for r in (Recipe(), COUNTS))
    gain = losses(counts, test) - losses(head, test)
    return float(gain.mean()), float(gain.std() / np.sqrt(gain.size)), head


def test_the_head_learns_a_flow_shared_by_all() -> None:
    gain, error, head = gain_over_counts(stream(400, TOPICS, 0.07, 1), stream(600, TOPICS, 0.07, 2))
    assert gain - 4.0 * error > 0.06
    carried = head.carry.sum(axis=0)
    topics = np.arange(TOPICS)
    ahead, behind = carried[topics, (topics + 1) % TOPICS], carried[topics, (topics - 1) % TOPICS]
    assert (ahead > behind).all(), "the direction of the ring"


@pytest.mark.parametrize("private", [False, True])
def test_without_a_shared_flow_the_head_loses_nothing(private: bool) -> None:
    rate = 0.07 if private else 0.0
    gain, _, _ = gain_over_counts(
        stream(400, TOPICS, rate, 1, private=private), stream(600, TOPICS, rate, 2, private=private)
    )
    assert gain > -0.005


def test_counts_with_the_right_memory_beat_popularity_by_far() -> None:
    train, test = stream(300, TOPICS, 0.0, 1), stream(300, TOPICS, 0.0, 2)
    head = Head.fit(train.sequences, ONE_HOT, train.shares, recipe=COUNTS)
    popular = np.log(train.shares.share.mean(axis=0))
    assert losses(head, test).mean() < -(test.shares.share @ popular).mean() - 0.5


def test_an_untrained_head_is_the_decayed_count() -> None:
    world = stream(100, TOPICS, 0.02, 1)
    head = Head.fit(world.sequences, ONE_HOT, world.shares, recipe=COUNTS)
    assert head.epochs == 0
    (scale,) = head.scales[head.weight[0] == 1.0]
    user, now = 17, 40
    fade = np.exp(-(now - np.arange(now)) / scale)
    counts = head.prior + np.bincount(world.topic[user, :now], weights=fade, minlength=TOPICS)
    found = head.interest(world.sequences, ONE_HOT, np.array([user]), np.array([float(now)]))[0]
    assert np.allclose(found, counts / counts.sum(), atol=1e-6)


def test_praise_counts_and_blame_does_not() -> None:
    rng = np.random.default_rng(0)
    world = stream(300, TOPICS, 0.0, 1)
    blamed = rng.random(world.topic.shape) < 0.5
    topic = np.where(blamed, rng.integers(0, TOPICS, world.topic.shape), world.topic)
    felt = np.where(blamed, -1.0, 1.0)
    n, days = topic.shape
    rows, when = np.repeat(np.arange(n), days), np.tile(np.arange(float(days)), n)
    told = Sequences.of(rows, when, topic.ravel(), felt.ravel(), users=n)
    deaf = Sequences.of(rows, when, topic.ravel(), users=n)
    asked = world.shares
    heads = [Head.fit(seen, ONE_HOT, asked, recipe=COUNTS) for seen in (told, deaf)]
    assert heads[0].feeling == 1.0
    interests = [
        head.interest(seen, ONE_HOT, asked.row, asked.at) for head, seen in zip(heads, (told, deaf), strict=True)
    ]
    heard, unheard = (-(asked.share * np.log(interest)).sum(axis=1).mean() for interest in interests)
    assert heard < unheard - 0.1


@pytest.fixture(scope="module")
def fitted() -> tuple[Stream, Head]:
    world = stream(300, TOPICS, 0.07, 1)
    head = Head.fit(world.sequences, ONE_HOT, world.shares)
    assert head.epochs > 0
    return world, head


def test_the_future_is_not_seen(fitted: tuple[Stream, Head]) -> None:
    world, head = fitted
    now = 30
    changed = replace(world, topic=np.where(np.arange(world.topic.shape[1]) >= now, 0, world.topic))
    rows, at = np.arange(300), np.full(300, float(now))
    before, after = (head.interest(w.sequences, ONE_HOT, rows, at) for w in (world, changed))
    assert np.array_equal(before, after)


def test_interest_is_a_distribution_whose_bits_do_not_depend_on_the_batch(
    fitted: tuple[Stream, Head],
) -> None:
    world, head = fitted
    rows, at = np.arange(300), np.full(300, 33.3)
    interest = head.interest(world.sequences, ONE_HOT, rows, at)
    assert interest.shape == (300, TOPICS)
    assert (interest > 0.0).all()
    assert np.allclose(interest.sum(axis=1), 1.0)
    for part in (slice(7, 8), slice(3, 50), slice(40, 300)):
        alone = head.interest(world.sequences, ONE_HOT, rows[part], at[part])
        assert alone.tobytes() == interest[part].tobytes()


def test_a_user_without_events_gets_the_prior(fitted: tuple[Stream, Head]) -> None:
    world, head = fitted
    found = head.interest(world.sequences, ONE_HOT, np.array([0]), np.array([-1.0]))[0]
    assert np.allclose(found, head.prior / head.prior.sum())


def test_fitting_repeats_bit_for_bit_and_leaves_the_global_generator(fitted: tuple[Stream, Head]) -> None:
    import torch

    world, head = fitted
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = Head.fit(world.sequences, ONE_HOT, world.shares)
    finally:
        torch.set_num_threads(threads)
    assert again.carry.tobytes() == head.carry.tobytes()
    assert again.epochs == head.epochs
    assert torch.equal(torch.get_rng_state(), state)
    other = Head.fit(world.sequences, ONE_HOT, world.shares, seed=1)
    assert other.carry.tobytes() != head.carry.tobytes()


def test_a_saved_head_comes_back_the_same(fitted: tuple[Stream, Head], tmp_path: Path) -> None:
    world, head = fitted
    head.save(tmp_path / "head.npz")
    back = Head.load(tmp_path / "head.npz")
    rows, at = np.arange(300), np.full(300, 50.0)
    before, after = (h.interest(world.sequences, ONE_HOT, rows, at) for h in (head, back))
    assert before.tobytes() == after.tobytes()
    assert (back.epochs, back.feeling) == (head.epochs, head.feeling)


def test_what_cannot_teach_is_refused() -> None:
    world = stream(5, TOPICS, 0.0, 1)
    nothing = Shares(np.empty(0, np.int64), np.empty(0), np.empty((0, TOPICS)))
    with pytest.raises(ValueError, match="no targets"):
        Head.fit(world.sequences, ONE_HOT, nothing)
    with pytest.raises(ValueError, match="targets have 12 topics, vectors 3"):
        Head.fit(world.sequences, ONE_HOT[:, :3], world.shares)
    with pytest.raises(ValueError, match="user row 4; there are 3 rows"):
        Head.fit(stream(3, TOPICS, 0.0, 1).sequences, ONE_HOT, world.shares)


KINDS = 8
ITEMS = np.eye(KINDS, dtype=np.float32)


def choice_losses(head: ChoiceHead, world: Stream, choices: Choices) -> Floats:
    """Negative log-likelihood of what was taken, per user [n]."""
    z = head.user_vectors(world.sequences, ITEMS, choices.row, choices.at)
    length = choices.slate.shape[1]
    utility = np.einsum("nd,nld->nl", z, ITEMS[choices.slate])
    utility -= head.slope * np.log(np.arange(1, length + 1))
    utility = np.concatenate([utility, np.full((len(z), 1), head.nothing)], axis=1)
    each = np.log(np.exp(utility).sum(axis=1)) - utility[np.arange(len(z)), choices.choice]
    per_user: Floats = each.reshape(len(world.topic), -1).mean(axis=1)
    return per_user


def fit(world: Stream, *, carry: bool = True) -> ChoiceHead:
    recipe = Recipe(queries=12_000)
    return ChoiceHead.fit(world.sequences, ITEMS, ITEMS, slates(world, 3), recipe=recipe, carry=carry)


@pytest.fixture(scope="module")
def flowing() -> tuple[Stream, ChoiceHead]:
    world = stream(300, KINDS, 0.07, 1)
    return world, fit(world)


def test_the_map_foresees_a_flow_that_its_follower_cannot(flowing: tuple[Stream, ChoiceHead]) -> None:
    world, head = flowing
    test = stream(400, KINDS, 0.07, 2)
    gain = choice_losses(fit(world, carry=False), test, slates(test, 4)) - choice_losses(head, test, slates(test, 4))
    assert gain.mean() - 4.0 * gain.std() / np.sqrt(gain.size) > 0.015


def test_without_flow_the_map_loses_nothing() -> None:
    world, test = stream(300, KINDS, 0.0, 1), stream(400, KINDS, 0.0, 2)
    with_map, without = (choice_losses(fit(world, carry=c), test, slates(test, 4)).mean() for c in (True, False))
    assert with_map < without + 0.005


def test_attention_to_positions_is_recovered(flowing: tuple[Stream, ChoiceHead]) -> None:
    # The world's slope is .5; 12,000 choices tell it to about .02.
    assert abs(flowing[1].slope - 0.5) < 0.08


def test_an_offset_that_says_all_leaves_nothing_to_learn() -> None:
    world = stream(300, KINDS, 0.0, 1)
    plain = slates(world, 3)
    truth = np.log(world.mix[plain.row[:, None], plain.at[:, None].astype(int), plain.slate] * KINDS)
    told = Choices(plain.row, plain.at, plain.slate, plain.choice, offset=truth)
    recipe = Recipe(queries=12_000)
    head = ChoiceHead.fit(world.sequences, ITEMS, ITEMS, told, recipe=recipe)
    rows, at = np.arange(300), np.full(300, 40.0)
    left = np.abs(head.user_vectors(world.sequences, ITEMS, rows, at)).max()
    alone = np.abs(fit(world).user_vectors(world.sequences, ITEMS, rows, at)).max()
    assert left < alone / 5.0


def test_user_vectors_do_not_depend_on_the_batch_and_survive_saving(
    flowing: tuple[Stream, ChoiceHead], tmp_path: Path
) -> None:
    world, head = flowing
    head.save(tmp_path / "head.npz")
    back = ChoiceHead.load(tmp_path / "head.npz")
    rows, at = np.arange(300), np.full(300, 40.0)
    z = head.user_vectors(world.sequences, ITEMS, rows, at)
    assert z.shape == (300, KINDS)
    for part in (slice(5, 6), slice(3, 290)):
        assert back.user_vectors(world.sequences, ITEMS, rows[part], at[part]).tobytes() == z[part].tobytes()
    assert (back.slope, back.nothing, back.epochs) == (head.slope, head.nothing, head.epochs)


def test_a_user_without_events_has_no_direction(flowing: tuple[Stream, ChoiceHead]) -> None:
    world, head = flowing
    assert not head.user_vectors(world.sequences, ITEMS, np.array([0]), np.array([-1.0])).any()


def test_no_choices_are_refused() -> None:
    world = stream(5, KINDS, 0.0, 1)
    none = Choices(np.empty(0, np.int64), np.empty(0), np.empty((0, 3), np.int32), np.empty(0, np.int64))
    with pytest.raises(ValueError, match="no choices"):
        ChoiceHead.fit(world.sequences, ITEMS, ITEMS, none)
