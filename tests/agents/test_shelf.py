import numpy as np
import pytest
from small_shop import ITEMS, KINDS, LATER, SHOP, TEXTS, items, kind_of, setting

from driftline.agents.models.item_space import COUNTED, LABEL, TEXT, Shelf, words_of
from driftline.agents.predictor.encoders import HashingEncoder
from driftline.sim.types import Items, Setting

FLAT = np.zeros(4)


def shelf(shop: Setting = SHOP, *, reads: bool = True) -> Shelf:
    return Shelf(shop, HashingEncoder(64) if reads else None, FLAT)


def one(item: int) -> Items:
    return items(item, item + 1)


def test_words_are_lower_case_and_neither_short_nor_numbers() -> None:
    assert words_of("The 12 Böse Cats, of 2_cats x9y tv!") == ["the", "böse", "cats", "cats"]
    assert words_of("") == []


def test_the_space_is_the_one_that_foretells_choices_best() -> None:
    found = shelf()
    assert set(found.log_likelihood) == {TEXT, COUNTED, LABEL}
    assert found.space == max(found.log_likelihood, key=lambda name: found.log_likelihood[name])
    assert set(shelf(reads=False).log_likelihood) == {COUNTED, LABEL}


def test_wrong_labels_are_not_believed_in() -> None:
    """Shuffled categories teach the probes nothing; where they are right, the label itself is the best space."""
    category = np.random.default_rng(0).permutation(SHOP.items.category)
    known = SHOP.items
    wrong = Items(known.item, known.text, known.domain, known.price, known.born, category)
    right, blind = (shelf(shop, reads=False).log_likelihood for shop in (SHOP, setting(items=wrong)))
    assert right[LABEL] > blind[LABEL] + 0.1


def test_without_a_log_the_first_space_stands() -> None:
    log = SHOP.feedback
    nobody = type(log)(*(getattr(log, name)[:1] for name in type(log).__dataclass_fields__))
    assert shelf(setting(feedback=nobody)).space == TEXT
    assert shelf(setting(feedback=nobody), reads=False).space == COUNTED


def test_items_of_one_kind_lie_together() -> None:
    found = shelf()
    assert found.vectors.shape == (ITEMS, KINDS)
    assert found.dim == KINDS
    near = found.vectors @ found.vectors.T
    same = np.array([[kind_of(i) == kind_of(j) for j in range(ITEMS)] for i in range(ITEMS)])
    assert near[same].mean() > 0.5 > 0.0 > near[~same].mean()


@pytest.mark.parametrize("space", [TEXT, COUNTED])
def test_a_new_item_is_placed_by_its_words(space: str) -> None:
    found = shelf()
    found.space = space
    found.arrive(items(ITEMS, ITEMS + LATER))
    assert len(found.vectors) >= ITEMS + LATER
    for item in range(ITEMS, ITEMS + LATER):
        assert found.vectors[item].argmax() == kind_of(item)


def test_a_new_item_without_a_label_lies_at_the_mean_of_the_label_space() -> None:
    found = shelf()
    found.space = LABEL
    found.arrive(one(ITEMS))
    np.testing.assert_array_equal(found.vectors[ITEMS], 0.0)


@pytest.mark.parametrize("space", [TEXT, COUNTED, LABEL])
def test_a_new_items_vector_depends_on_that_item_alone(space: str) -> None:
    together, apart = shelf(), shelf()
    together.space = apart.space = space
    together.arrive(items(ITEMS, ITEMS + LATER))
    for item in reversed(range(ITEMS, ITEMS + LATER)):
        apart.arrive(one(item))
    np.testing.assert_array_equal(together.vectors[: ITEMS + LATER], apart.vectors[: ITEMS + LATER])


def test_known_items_stay_where_they_are_and_unknown_ids_are_zero() -> None:
    found = shelf()
    before = found.vectors.copy()
    found.arrive(items(0, 0))
    np.testing.assert_array_equal(found.vectors, before)
    found.arrive(one(ITEMS + 3))
    np.testing.assert_array_equal(found.vectors[:ITEMS], before)
    np.testing.assert_array_equal(found.vectors[ITEMS : ITEMS + 3], 0.0)
    assert TEXTS.text(ITEMS + 3)
