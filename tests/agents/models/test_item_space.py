"""The item space that predicts held-out choices is the one believed."""

import numpy as np
import pytest
from small_shop import ITEMS, KINDS, LATER, SHOP, TEXTS, items, kind_of, setting

from driftline.agents.models.item_space import (
    COUNTED,
    LABEL,
    TEXT,
    BagOfWords,
    OneHot,
    Shelf,
    choose_space,
    earlier_interest,
    hashed_counts,
    words_of,
)
from driftline.agents.predictor.encoders import Hashing
from driftline.sim.types import Float32s, Floats, Int8s, Int32s, Int64s, Items, Setting


def test_one_hot_is_centred_of_unit_size_and_zero_for_new_items() -> None:
    codes = np.array([0, 0, 1, 2, -1, -1])
    vectors = OneHot.fit(codes, 3).vectors(codes)
    np.testing.assert_array_equal(vectors[4:], 0.0)
    np.testing.assert_allclose(vectors[:4].mean(axis=0), 0.0, atol=1e-6)
    assert (vectors[:4] ** 2).sum(axis=1).mean() == pytest.approx(1.0, abs=1e-6)
    assert vectors[0] @ vectors[1] > 0.0 > vectors[0] @ vectors[2]
    with pytest.raises(ValueError, match="no item has a category"):
        OneHot.fit(np.array([-1, -1]), 3)


def test_hashed_counts_have_length_one_and_know_nothing_of_order() -> None:
    counts = hashed_counts([["a", "b", "b"], ["b", "a", "b"], []], width=64)
    np.testing.assert_array_equal(counts[0], counts[1])
    assert sorted(counts[0][counts[0] > 0]) == pytest.approx([1 / 5**0.5, 2 / 5**0.5])
    np.testing.assert_array_equal(counts[2], 0.0)


def test_bag_of_words_knows_met_words_only() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 300)
    texts = [[f"t{c}w{rng.integers(10)}" for _ in range(3)] for c in labels]
    probe = BagOfWords.fit(hashed_counts(texts), labels, 3, seed=1, ridge=3.0)
    assert (probe.fitted.argmax(axis=1) == labels).mean() > 0.9
    met, unmet, empty = probe.vectors(hashed_counts([["t1w3", "t1w4"], ["zig", "zag"], []]))
    assert met.argmax() == 1
    np.testing.assert_allclose(unmet, empty, atol=0.02)
    assert np.linalg.norm(met - empty) > 0.5


def test_bag_of_words_of_noise_is_out_of_fold() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 200)
    texts = [[f"only{i}a", f"only{i}b"] for i in range(200)]
    probe = BagOfWords.fit(hashed_counts(texts, 2048), labels, 2, seed=1, ridge=0.1)
    own = probe.fitted[np.arange(200), labels] - probe.fitted.mean(axis=1)
    # leaving a fold out tilts the prior slightly against the own label, hence one-sided
    assert own.mean() < 4 * own.std() / np.sqrt(200)


def log(vectors: Float32s, n_users: int, visits: int, rng: np.random.Generator) -> tuple[Int64s, Int32s, Int8s, Floats]:
    length, n = 6, n_users * visits
    theta = 2.0 * rng.normal(size=(n_users, vectors.shape[1]))
    user = np.tile(np.arange(n_users), visits)
    items = np.argsort(rng.random((n, len(vectors))), axis=1)[:, :length].astype(np.int32)
    position = -0.5 * np.log1p(np.arange(length))
    utility = np.einsum("nd,nld->nl", theta[user], vectors[items]) + position
    noisy = np.column_stack([utility, np.full(n, 0.5)]) + rng.gumbel(size=(n, length + 1))
    return user, items, noisy.argmax(axis=1).astype(np.int8), position


def unit(rng: np.random.Generator, n: int, d: int) -> Float32s:
    v = rng.normal(size=(n, d))
    return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True), dtype=np.float32)


def test_the_true_space_wins_over_a_blurred_one_and_that_over_noise() -> None:
    rng = np.random.default_rng(1)
    true = unit(rng, 60, 5)
    blurred = (true + 0.5 * unit(rng, 60, 5)).astype(np.float32)
    spaces = {"noise": unit(rng, 60, 5), "blurred": blurred, "true": true}
    found = choose_space(spaces, *log(true, 150, 20, rng))
    assert found.name == "true"
    score = found.log_likelihood
    assert score["true"] > score["blurred"] + 0.01 > score["noise"] + 0.03


def test_interest_comes_from_earlier_visits_only_and_only_the_users_own() -> None:
    v = np.eye(3, dtype=np.float32)
    user, items = np.array([0, 1, 0, 0]), np.tile(np.array([0, 1], np.int32), (4, 1))
    scores = earlier_interest(v, user, items, np.array([0, 1, 2, 0], np.int8))
    np.testing.assert_array_equal(scores[:2], 0.0)
    expected = np.array([0.5, -0.5]) / (1 + 3)
    np.testing.assert_allclose(scores[2], expected)
    np.testing.assert_allclose(scores[3], expected)  # nothing was taken in between


def test_the_first_space_wins_a_tie_and_no_space_is_an_error() -> None:
    rng = np.random.default_rng(2)
    v = unit(rng, 20, 3)
    assert choose_space({"b": v, "a": v}, *log(v, 10, 5, rng)).name == "b"
    with pytest.raises(ValueError, match="no item space"):
        choose_space({}, *log(v, 3, 2, rng))


FLAT = np.zeros(4)


def shelf(shop: Setting = SHOP, *, reads: bool = True) -> Shelf:
    return Shelf(shop, Hashing(64) if reads else None, FLAT)


def one(item: int) -> Items:
    return items(item, item + 1)


def test_words_are_lower_case_and_neither_short_nor_numbers() -> None:
    assert words_of("The 12 Böse Cats, of 2_cats x9y tv!") == ["the", "böse", "cats", "cats"]
    assert words_of("") == []


def test_the_space_is_the_one_that_predicts_choices_best() -> None:
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
