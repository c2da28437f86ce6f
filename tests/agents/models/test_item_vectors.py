"""Titles and words are read into the mixtures that made them."""

from dataclasses import dataclass

import numpy as np
import pytest

from driftline.agents.models.item_vectors import CategoryProbe, CategoryRecipe, Scale, Words, WordTopics, fit_words
from driftline.agents.models.logistic import LogisticProbe
from driftline.sim.types import Float32s, Floats, Int64s


def test_words_can_be_taken_item_by_item() -> None:
    words = Words.of([[4, 2], [], [7], [1, 1, 3]])
    assert len(words) == 4
    some = words.take(np.array([3, 1, 0]))
    np.testing.assert_array_equal(some.start, [0, 3, 3, 5])
    np.testing.assert_array_equal(some.word, [1, 1, 3, 4, 2])


def test_a_mean_posterior_weighs_words_by_what_they_tell() -> None:
    logits = np.log(np.array([[0.8, 0.2], [0.5, 0.5], [0.3, 0.7]]))
    topics = WordTopics(LogisticProbe(np.eye(2), np.zeros(2)), np.array([0.5, 0.5]))
    q = np.exp(logits)
    tell = (q * np.log(q / 0.5)).sum(axis=1) / np.log(2)
    expected = (tell[0] * q[0] + tell[1] * q[1] + tell[2] * q[2] + 0.1 * 0.5) / (tell.sum() + 0.1)
    found = topics.mean_posterior(logits, Words.of([[0, 1, 2], [1], []]))
    np.testing.assert_allclose(found[0], expected, atol=1e-12)
    np.testing.assert_allclose(found[1:], 0.5, atol=1e-12)


def test_em_tells_apart_words_that_always_come_together_with_a_frame_word() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 300)
    words = Words.of([[int(c), 3] for c in labels])  # a word of the category, and one that all titles share
    flat = LogisticProbe(np.zeros((4, 3)), np.zeros(3))
    guess = np.full((300, 3), 1 / 3)
    topics = fit_words(np.eye(4), words, labels, guess, flat, ridge=0.01)
    p = topics.probe.posterior(np.eye(4))
    assert (p[np.arange(3), np.arange(3)] > 0.7).all()
    assert p[3].max() < 0.5


def test_no_word_at_all_leaves_the_title_probe() -> None:
    title = LogisticProbe(np.ones((2, 2)), np.zeros(2))
    guess = np.full((3, 2), 0.5)
    topics = fit_words(np.eye(2), Words.of([[], [], []]), np.array([0, 1, 1]), guess, title, 1.0)
    assert topics.probe is title


def test_a_word_keeps_its_share_under_an_uneven_prior() -> None:
    labels = np.repeat([0, 1], [240, 60])
    words = Words.of([[2]] * 300)  # one word for all: it says nothing beyond the prior
    flat = LogisticProbe(np.zeros((3, 2)), np.log(np.array([0.8, 0.2])))
    topics = fit_words(np.eye(3), words, labels, np.tile([0.8, 0.2], (300, 1)), flat, ridge=1.0)
    np.testing.assert_allclose(topics.probe.posterior(np.eye(3))[2], [0.8, 0.2], atol=0.02)


TOPICS, WIDTH, WORDS_EACH = 6, 24, 20


@dataclass(frozen=True)
class Shop:
    titles: Float32s
    categories: Int64s
    words: Words
    mixture: Floats


def topic_words(rng: np.random.Generator) -> Float32s:
    axes = rng.normal(size=(TOPICS, WIDTH))
    noise = 1.0 * rng.normal(size=(TOPICS, WORDS_EACH, WIDTH))
    return (axes[:, None, :] + noise).reshape(-1, WIDTH).astype(np.float32)


def shop(rng: np.random.Generator, word_vectors: Float32s, n: int) -> Shop:
    mixture = rng.dirichlet(np.full(TOPICS, 0.4), size=n)
    topic = np.array([rng.choice(TOPICS, size=7, p=p) for p in mixture])
    rows = topic * WORDS_EACH + rng.integers(0, WORDS_EACH, topic.shape)
    length = rng.integers(4, 8, n)
    words = Words.of([row[:k].tolist() for row, k in zip(rows, length, strict=True)])
    titles = np.stack([word_vectors[row[:k]].mean(axis=0) for row, k in zip(rows, length, strict=True)])
    categories = np.array([rng.choice(TOPICS, p=p) for p in mixture])
    return Shop(titles + 0.1 * rng.normal(size=titles.shape).astype(np.float32), categories, words, mixture)


def topic_counts(items: Shop) -> Float32s:
    counts = np.zeros((len(items.words), TOPICS), np.float32)
    owner = np.repeat(np.arange(len(items.words)), np.diff(items.words.start))
    np.add.at(counts, (owner, items.words.word // WORDS_EACH), 1.0)
    shares: Float32s = counts / counts.sum(axis=1, keepdims=True)
    return shares


def explained(vectors: Float32s, mixture: Floats, train: slice, test: slice) -> float:
    """R^2 of the true mixture by least squares, fitted on some items and judged on others."""
    x = np.column_stack([vectors, np.ones(len(vectors))])
    w = np.linalg.lstsq(x[train], mixture[train], rcond=None)[0]
    left = ((x[test] @ w - mixture[test]) ** 2).sum()
    return float(1.0 - left / ((mixture[test] - mixture[test].mean(axis=0)) ** 2).sum())


def fitted(items: Shop, table: Float32s, seed: int = 1, word_share: float = 0.6) -> CategoryProbe:
    recipe = CategoryRecipe(word_share=word_share)
    return CategoryProbe.fit(items.titles, items.categories, table, items.words, TOPICS, seed, recipe)


def test_vectors_tell_the_hidden_mixture_of_warm_and_of_new_items() -> None:
    rng = np.random.default_rng(1)
    table = topic_words(rng)
    warm, new = shop(rng, table, 500), shop(rng, table, 300)
    probe = fitted(warm, table)
    half, rest = slice(0, 250), slice(250, 500)
    mixed = explained(probe.fitted, warm.mixture, half, rest)
    by_title = explained(fitted(warm, table, word_share=0.0).fitted, warm.mixture, half, rest)
    ceiling = explained(topic_counts(warm), warm.mixture, half, rest)  # every word's topic known
    assert mixed > by_title + 0.03
    assert mixed > ceiling - 0.08
    fresh = probe.vectors(new.titles, table, new.words)
    both = np.concatenate([probe.fitted, fresh])
    moved = explained(both, np.concatenate([warm.mixture, new.mixture]), slice(0, 500), slice(500, 800))
    assert moved > mixed - 0.05


def test_warm_and_new_items_live_on_one_scale() -> None:
    rng = np.random.default_rng(2)
    table = topic_words(rng)
    warm, new = shop(rng, table, 400), shop(rng, table, 400)
    probe = fitted(warm, table)
    size = (probe.fitted.astype(np.float64) ** 2).sum(axis=1)
    fresh = (probe.vectors(new.titles, table, new.words).astype(np.float64) ** 2).sum(axis=1)
    assert size.mean() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(probe.fitted.mean(axis=0), 0.0, atol=1e-5)
    spread = np.sqrt(size.var() / 400 + fresh.var() / 400)
    assert abs(size.mean() - fresh.mean()) < 4 * spread + 0.05


def test_noise_titles_give_vectors_that_know_nothing_of_the_own_label() -> None:
    rng = np.random.default_rng(3)
    n, width = 240, 60
    words = Words.of([[3 * i, 3 * i + 1, 3 * i + 2] for i in range(n)])  # each word in one item: a leak would show
    table = rng.normal(size=(3 * n, width)).astype(np.float32)
    titles = rng.normal(size=(n, width)).astype(np.float32)
    labels = rng.integers(0, 3, n)
    recipe = CategoryRecipe(title_ridge=1.0, word_ridge=1.0)
    probe = CategoryProbe.fit(titles, labels, table, words, 3, 1, recipe)
    own = probe.fitted[np.arange(n), labels] - probe.fitted.mean(axis=1)
    assert abs(own.mean()) < 4 * own.std() / np.sqrt(n)
    sighted = probe.vectors(titles, table, words)
    own = sighted[np.arange(n), labels] - sighted.mean(axis=1)
    assert own.mean() > 8 * own.std() / np.sqrt(n)


def test_items_without_a_category_are_read_like_new_ones() -> None:
    rng = np.random.default_rng(4)
    table = topic_words(rng)
    items = shop(rng, table, 200)
    some = np.where(np.arange(200) < 150, items.categories, -1)
    probe = CategoryProbe.fit(items.titles, some, table, items.words, TOPICS, seed=1)
    again = probe.vectors(items.titles, table, items.words)
    np.testing.assert_array_equal(probe.fitted[150:], again[150:])
    assert (probe.fitted[:150] != again[:150]).any(axis=1).mean() > 0.9


@pytest.mark.parametrize("chunk", [1, 7])
def test_vectors_do_not_depend_on_the_batch(chunk: int) -> None:
    rng = np.random.default_rng(5)
    table = topic_words(rng)
    warm, new = shop(rng, table, 150), shop(rng, table, 40)
    probe, twin = fitted(warm, table), fitted(warm, table)
    np.testing.assert_array_equal(probe.fitted, twin.fitted)
    whole = probe.vectors(new.titles, table, new.words)
    assert whole.dtype == np.float32
    for at in range(0, 40, chunk):
        rows = np.arange(at, min(at + chunk, 40))
        np.testing.assert_array_equal(probe.vectors(new.titles[rows], table, new.words.take(rows)), whole[rows])


def test_an_item_without_words_has_a_finite_vector_and_too_few_labels_are_an_error() -> None:
    rng = np.random.default_rng(6)
    table = topic_words(rng)
    warm = shop(rng, table, 100)
    assert np.isfinite(fitted(warm, table).vectors(warm.titles[:1], table, Words.of([[]]))).all()
    with pytest.raises(ValueError, match="1 items have a category"):
        CategoryProbe.fit(warm.titles, np.where(np.arange(100) < 1, 0, -1), table, warm.words, TOPICS, seed=1)


def test_scale_centres_vectors_that_are_all_alike_and_leaves_their_size() -> None:
    same = np.full((4, 3), 0.2)
    np.testing.assert_array_equal(Scale.of(same).apply(same), np.zeros((4, 3), np.float32))
