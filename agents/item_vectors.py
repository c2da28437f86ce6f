"""Item vectors read from titles: a probe from text to the editorial category of warm items.

The recipe that came nearest to the true mixtures: a whole-title posterior and a word-level one (EM),
mixed .4 to .6, out-of-fold for the items they were fitted on, so that warm and new items live on one scale.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from driftline.agents.logistic_probe import LogisticProbe, fit, keyed_folds
from driftline.agents.word_topics import Words, WordTopics, fit_words
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, Params, Positive, Share


class CategoryRecipe(Params):
    """How titles and words become vectors.

    title_ridge, word_ridge: see `logistic_probe.fit_soft`. word_share: of the words; the rest is the title's.
    """

    title_ridge: Positive = 300.0
    word_ridge: Positive = 30.0
    word_share: Share = 0.6
    folds: Annotated[int, Field(ge=2)] = 5


RECIPE = CategoryRecipe()


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
        titles, labels, of_known = title_vectors[known], categories[known], words.take(known)
        fold = keyed_folds(len(known), seed, recipe.folds)

        def read(rows: Int64s, guess: Floats, title: LogisticProbe) -> CategoryReading:
            topics = fit_words(word_vectors, of_known.take(rows), labels[rows], guess[rows], title, recipe.word_ridge)
            return CategoryReading(title, topics, recipe.word_share)

        def title_probe(rows: Int64s) -> LogisticProbe:
            return fit(titles[rows], labels[rows], recipe.title_ridge, n_categories)

        halves = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(int(fold.max()) + 1)]
        blind = [title_probe(seen) for seen, _ in halves]
        guess = np.empty((len(known), n_categories))
        for probe, (_, held) in zip(blind, halves, strict=True):
            guess[held] = probe.posterior(titles[held])
        # Words of a fold are learned from the other folds' items. Those items' first guesses come from probes
        # that saw the fold: a leak of second order, not worth a nest of folds.
        everything = np.arange(len(known))
        reading = read(everything, guess, title_probe(everything))
        mixture = reading.mixture(title_vectors, word_vectors, words)
        for probe, (seen, held) in zip(blind, halves, strict=True):
            mixture[known[held]] = read(seen, guess, probe).mixture(titles[held], word_vectors, of_known.take(held))
        scale = Scale.of(mixture)
        return cls(reading, scale, scale.apply(mixture))

    def vectors(self, title_vectors: Floats | Float32s, word_vectors: Floats | Float32s, words: Words) -> Float32s:
        """Vectors [m, C] of items it was not fitted to; `words` are rows of `word_vectors` [W, p]."""
        return self.scale.apply(self.reading.mixture(title_vectors, word_vectors, words))
