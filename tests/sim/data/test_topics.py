"""Clusters find the topics that texts were written about."""

import numpy as np
import pytest

from driftline.sim.data.topics import clustered_topics, kmeans, term_weights, text_vectors
from driftline.sim.errors import DataError

WORDS = 12
LETTERS = "bcdfghklmnprstvz"


def planted(topics: int, texts: int, seed: int = 0) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Texts of six words, five from the topic's own twelve, one from anywhere."""
    generator = np.random.default_rng(seed)
    label = generator.integers(topics, size=texts)
    words = [[f"{LETTERS[k]}a{LETTERS[w]}o" for w in range(WORDS)] for k in range(topics)]
    written = []
    for own in label:
        chosen = [words[own][w] for w in generator.integers(WORDS, size=5)]
        written.append(" ".join([*chosen, words[generator.integers(topics)][generator.integers(WORDS)]]))
    return written, label


def purity(
    found: np.ndarray[tuple[int], np.dtype[np.int64]], label: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> float:
    return sum(int(np.bincount(label[found == k]).max()) for k in np.unique(found)) / label.size


def test_planted_topics_are_found_and_named_by_their_own_words() -> None:
    texts, label = planted(topics=8, texts=600)
    names, mixture, said = clustered_topics(texts, 8, 0, "items.csv")
    found = mixture.argmax(axis=1)
    assert purity(found, label) > 0.97
    assert len(np.unique(found)) == 8
    assert said.all()
    for k, name in enumerate(names):
        topic = LETTERS[np.bincount(label[found == k]).argmax()]
        assert [word[0] for word in name.split()] == [topic] * 3
    np.testing.assert_allclose(mixture.sum(axis=1), 1.0, rtol=1e-5)
    assert mixture.dtype == np.float32


def test_the_same_seed_gives_the_same_clusters_and_vectors_are_the_leading_directions() -> None:
    texts, _ = planted(topics=16, texts=500)
    one, other = (clustered_topics(texts, 16, 3, "items.csv") for _ in range(2))
    assert one[0] == other[0]
    np.testing.assert_array_equal(one[1], other[1])
    terms = term_weights(texts)
    sparse = text_vectors(terms, 16, 0)
    assert sparse.shape == (500, 16)
    exact = np.linalg.svd(terms.weight.toarray(), full_matrices=False)
    projected = (exact[0] * exact[1])[:, :16]
    projected /= np.linalg.norm(projected, axis=1, keepdims=True)
    np.testing.assert_allclose(sparse @ sparse.T, projected @ projected.T, atol=1e-8)


def test_a_text_without_shared_words_is_uniform_and_not_labelled() -> None:
    texts, _ = planted(topics=3, texts=60)
    _, mixture, said = clustered_topics([*texts, "unheard", "1234"], 3, 0, "items.csv")
    assert said.tolist() == [True] * 60 + [False, False]
    np.testing.assert_allclose(mixture[60:], 1 / 3, rtol=1e-6)


def test_term_weights_follow_the_formula() -> None:
    terms = term_weights(["red red boat", "red car", "blue car boat", "green sky", "blue"])
    assert terms.words == ("blue", "boat", "car", "red")
    rarity = np.log(5 / 2)
    expected = np.array([(1 + np.log(2)) * rarity, rarity])
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(terms.weight.toarray()[0], [0, expected[1], 0, expected[0]])
    assert not terms.weight.toarray()[3].any(), "words of one text only tell nothing"


def test_a_word_in_most_texts_tells_nothing() -> None:
    assert term_weights(["shop red", "shop red", "shop blue", "shop blue"]).words == ("blue", "red")


def test_kmeans_finds_separate_clouds_and_leaves_no_cluster_empty() -> None:
    generator = np.random.default_rng(1)
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    label = np.repeat([0, 1, 2], 50)
    points = centres[label] + generator.normal(size=(150, 2))
    found = kmeans(points, 3, 0)
    assert purity(found.label, label) == 1.0
    for k in range(3):
        np.testing.assert_allclose(found.centre[k], points[found.label == k].mean(axis=0))
    assert found.spread == pytest.approx(((points - found.centre[found.label]) ** 2).sum())
    same = kmeans(np.array([[0.0, 0.0]] * 5 + [[1.0, 1.0]]), 3, 0)
    assert np.bincount(same.label, minlength=3).min() >= 1


@pytest.mark.parametrize("topics", [1, 40])
def test_impossible_numbers_of_clusters_are_refused(topics: int) -> None:
    with pytest.raises(DataError, match=f"too few for {topics} clusters; expected topics, longer texts or fewer"):
        clustered_topics(["red boat", "red car", "blue car"], topics, 0, "items.csv")
