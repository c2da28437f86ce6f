"""From titles to item vectors: a probe of whole titles and an EM of single words, mixed .4 to .6.

Both are taught by the editorial categories of warm items, out-of-fold for those items themselves, so that warm and new
items live on one scale. A whole title's posterior saturates where a title mixes topics; words do not: each word of an
item is taken to belong to one category, drawn from the item's own mixture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from driftline.agents.models.logistic import LogisticProbe, fit, fit_soft, keyed_folds
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, Params, Positive, Share

ROUNDS = 3
LABEL_WORTH = 1.0
"""The label counts in an item's mixture like this many words."""
PRIOR_WORTH = 0.1
"""Confidence of the prior in an item's mean over words, so that a title of empty words says nothing."""


class CategoryRecipe(Params):
    """How titles and words become vectors.

    title_ridge, word_ridge: see `logistic.fit_soft`. word_share: of the words; the rest is the title's.
    """

    title_ridge: Positive = 300.0
    word_ridge: Positive = 30.0
    word_share: Share = 0.6
    folds: Annotated[int, Field(ge=2)] = 5


RECIPE = CategoryRecipe()


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


@dataclass(frozen=True, slots=True)
class CategoryReading:
    """P(category | item), read twice: from the whole title, and from its single words."""

    title: LogisticProbe
    words: WordTopics
    word_share: float

    def mixture(self, title_vectors: Floats | Float32s, word_vectors: Floats | Float32s, words: Words) -> Floats:
        """Mixture [m, C] of items with titles [m, p] and `words`, rows of `word_vectors` [W, p]."""
        by_words = self.words.mean_posterior(word_vectors, words)
        by_title = self.title.posterior(title_vectors)
        return self.word_share * by_words + (1.0 - self.word_share) * by_title


@dataclass(frozen=True, slots=True)
class Scale:
    """Centring, and one number that gives the fitted vectors a mean squared length of 1."""

    centre: Floats
    """[C]."""
    size: float

    @classmethod
    def of(cls, vectors: Floats) -> "Scale":
        """The scale of some vectors [I, C]; vectors that are all alike are only centred."""
        centre = vectors.mean(axis=0)
        size = float(np.sqrt(((vectors - centre) ** 2).sum(axis=1).mean()))
        return cls(centre, size if size > 1e-12 else 1.0)

    def apply(self, vectors: Floats) -> Float32s:
        """Centred and scaled [m, C]."""
        return ((vectors - self.centre) / self.size).astype(np.float32)


@dataclass(frozen=True, slots=True)
class CategoryProbe:
    """Vectors of any item from its title, in the space of the editorial categories."""

    reading: CategoryReading
    scale: Scale
    fitted: Float32s
    """Vectors [I, C] of the items it was fitted to; out-of-fold where they bore a label."""

    @classmethod
    def fit(
        cls,
        title_vectors: Floats | Float32s,
        categories: Int32s | Int64s,
        word_vectors: Floats | Float32s,
        words: Words,
        n_categories: int,
        seed: int,
        recipe: CategoryRecipe = RECIPE,
    ) -> "CategoryProbe":
        """Fit to items with titles [I, p], categories [I] (-1: none) and words, whose vectors are [W, p].

        Raises ValueError if fewer than 2 items have a category.
        """
        known = np.flatnonzero(categories >= 0)
        if len(known) < 2:
            raise ValueError(f"category probe: {len(known)} items have a category; it needs at least 2")
        labelled = _Labelled(title_vectors[known], categories[known], word_vectors, words.take(known), recipe)
        fold = keyed_folds(len(known), seed, recipe.folds)
        halves = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(int(fold.max()) + 1)]
        blind = [labelled.title_probe(seen, n_categories) for seen, _ in halves]
        guess = np.empty((len(known), n_categories))
        for probe, (_, held) in zip(blind, halves, strict=True):
            guess[held] = probe.posterior(labelled.titles[held])
        # Words of a fold are learned from the other folds' items. Those items' first guesses come from probes
        # that saw the fold: a leak of second order, not worth a nest of folds.
        everything = np.arange(len(known))
        reading = labelled.reading(everything, guess, labelled.title_probe(everything, n_categories))
        mixture = reading.mixture(title_vectors, word_vectors, words)
        for probe, (seen, held) in zip(blind, halves, strict=True):
            unseen = labelled.titles[held], word_vectors, labelled.words.take(held)
            mixture[known[held]] = labelled.reading(seen, guess, probe).mixture(*unseen)
        scale = Scale.of(mixture)
        return cls(reading, scale, scale.apply(mixture))

    def vectors(self, title_vectors: Floats | Float32s, word_vectors: Floats | Float32s, words: Words) -> Float32s:
        """Vectors [m, C] of items it was not fitted to; `words` are rows of `word_vectors` [W, p]."""
        return self.scale.apply(self.reading.mixture(title_vectors, word_vectors, words))


@dataclass(frozen=True, slots=True)
class _Labelled:
    """Items that bear a label, to be read by any rows of them."""

    titles: Floats | Float32s
    """[I, p]."""
    labels: Int32s | Int64s
    word_vectors: Floats | Float32s
    """[W, p]."""
    words: Words
    recipe: CategoryRecipe

    def title_probe(self, rows: Int64s, n_categories: int) -> LogisticProbe:
        return fit(self.titles[rows], self.labels[rows], self.recipe.title_ridge, n_categories)

    def reading(self, rows: Int64s, guess: Floats, title: LogisticProbe) -> CategoryReading:
        """guess: P(category | item) of all items, to start from [I, C]."""
        words, labels = self.words.take(rows), self.labels[rows]
        topics = fit_words(self.word_vectors, words, labels, guess[rows], title, self.recipe.word_ridge)
        return CategoryReading(title, topics, self.recipe.word_share)


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


# -- compiled --------------------------------------------------------------------------------------------------


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
