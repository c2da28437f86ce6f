"""The next-item head: better than its own follower under flow, the same without."""

from pathlib import Path

import numpy as np
import pytest
from predictor_worlds import Stream, slates, stream

from driftline.agents.predictor import ChoiceHead, Choices
from driftline.agents.predictor.training import Recipe
from driftline.sim.types import Floats

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
