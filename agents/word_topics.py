"""What single words say about the category, learned by EM from items that bear one label each.

A whole title's posterior saturates where a title mixes topics; words do not. Each word of an item is taken
to belong to one category, drawn from the item's own mixture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from driftline.agents.logistic_probe import LogisticProbe, fit_soft
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int32s, Int64s

ROUNDS = 3
LABEL_WORTH = 1.0
"""The label counts in an item's mixture like this many words."""
PRIOR_WORTH = 0.1
"""Confidence of the prior in an item's mean over words, so that a title of empty words says nothing."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of each item, as rows of a table of words: item i has `word[start[i]:start[i + 1]]`."""

    start: Int64s
    """[I + 1], ascending from 0."""
    word: Int64s
    """[number of occurrences]."""

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> "Words":
        """From one list of word rows per item."""
        start = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=start[1:])
        return cls(start, np.fromiter((w for row in rows for w in row), np.int64, int(start[-1])))

    def __len__(self) -> int:
        return len(self.start) - 1

    def take(self, items: Int64s) -> "Words":
        """The words of some items only, in the order given."""
        sizes = np.diff(self.start)[items]
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        within = np.arange(start[-1]) - np.repeat(start[:-1], sizes)
        return Words(start, self.word[np.repeat(self.start[items], sizes) + within])


@dataclass(frozen=True, slots=True)
class WordTopics:
    """P(category | word) from a word's vector, and the corpus prior that an empty word falls back to."""

    probe: LogisticProbe
    prior: Floats
    """[C]."""

    def mean_posterior(self, word_vectors: Floats | Float32s, words: Words) -> Floats:
        """Mean of the word posteriors of each item [I, C], weighted by how much each word tells.

        A word tells KL(posterior, prior); word_vectors: [W, p].
        """
        posterior = self.probe.posterior(word_vectors)
        ratio = np.log(np.maximum(posterior, 1e-300) / self.prior)
        confidence = (posterior * ratio).sum(axis=1) / np.log(len(self.prior)) if len(self.prior) > 1 else ratio[:, 0]
        return _weighted_mean(posterior, np.maximum(confidence, 0.0), self.prior, words.start, words.word)


def fit_words(
    word_vectors: Floats | Float32s,
    words: Words,
    labels: Int32s | Int64s,
    mixture: Floats,
    title_probe: LogisticProbe,
    ridge: float,
) -> WordTopics:
    """Three EM rounds from the title probe, read on single words, and the titles' own posteriors.

    word_vectors: [W, p]. words, labels [I], mixture [I, C]: of labelled items only; mixture is the first
    guess of P(category | item). E step: an occurrence belongs to c with mixture_c P(c | word) / prior_c.
    M step: the probe is refitted to the responsibilities of each word, a mixture is the mean over its
    words and its label.
    """
    posterior = title_probe.posterior(word_vectors)
    prior = _prior(labels, mixture.shape[1])
    probe: LogisticProbe | None = None
    for _ in range(ROUNDS):
        share = _responsibilities(mixture, posterior / prior, words.start, words.word)
        targets = np.zeros_like(posterior)
        np.add.at(targets, words.word, share)
        met = np.flatnonzero(targets.sum(axis=1) > 0.0)
        if len(met) == 0:
            return WordTopics(title_probe, prior)
        probe = fit_soft(word_vectors[met], targets[met], ridge, start=probe)
        posterior = probe.posterior(word_vectors)
        mixture = _mixtures(share, words.start, labels.astype(np.int64), mixture.shape[1])
    return WordTopics(title_probe if probe is None else probe, prior)


def _prior(labels: Int32s | Int64s, n_categories: int) -> Floats:
    counts = np.bincount(labels, minlength=n_categories) + 1.0
    prior: Floats = counts / counts.sum()
    return prior


@kernel
def _responsibilities(mixture: Floats, ratio: Floats, start: Int64s, word: Int64s) -> Floats:
    n_categories = mixture.shape[1]
    out = np.empty((word.size, n_categories))
    for i in range(mixture.shape[0]):
        for at in range(start[i], start[i + 1]):
            total = 0.0
            for c in range(n_categories):
                out[at, c] = mixture[i, c] * ratio[word[at], c]
                total += out[at, c]
            for c in range(n_categories):
                out[at, c] = out[at, c] / total if total > 0.0 else mixture[i, c]
    return out


@kernel
def _mixtures(share: Floats, start: Int64s, labels: Int64s, n_categories: int) -> Floats:
    out = np.zeros((start.size - 1, n_categories))
    for i in range(start.size - 1):
        total = LABEL_WORTH + start[i + 1] - start[i]
        out[i, labels[i]] = LABEL_WORTH / total
        for at in range(start[i], start[i + 1]):
            for c in range(n_categories):
                out[i, c] += share[at, c] / total
    return out


@kernel
def _weighted_mean(posterior: Floats, confidence: Floats, prior: Floats, start: Int64s, word: Int64s) -> Floats:
    n_categories = posterior.shape[1]
    out = np.empty((start.size - 1, n_categories))
    for i in range(start.size - 1):
        total = PRIOR_WORTH
        for c in range(n_categories):
            out[i, c] = PRIOR_WORTH * prior[c]
        for at in range(start[i], start[i + 1]):
            total += confidence[word[at]]
            for c in range(n_categories):
                out[i, c] += confidence[word[at]] * posterior[word[at], c]
        for c in range(n_categories):
            out[i, c] /= total
    return out
