import numpy as np

from driftline.agents.models.item_vectors import Words, WordTopics, fit_words
from driftline.agents.models.logistic import LogisticProbe


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
