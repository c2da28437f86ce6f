import numpy as np
import pytest

from driftline.agents.models.item_space import BagOfWords, OneHot, hashed_counts


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
