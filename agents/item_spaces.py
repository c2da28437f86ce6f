"""Plain item spaces, for where the text encoder is of no use: the label itself, and counted words."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from driftline.agents.item_vectors import Scale
from driftline.agents.logistic_probe import LogisticProbe, fit, out_of_fold
from driftline.sim.types import Float32s, Floats, Int32s, Int64s

WORD_RIDGE = 30.0


@dataclass(frozen=True, slots=True)
class OneHot:
    """The editorial category as a vector; an item without one lies at the mean, which is 0."""

    scale: Scale
    n_categories: int

    @classmethod
    def fit(cls, categories: Int32s | Int64s, n_categories: int) -> "OneHot":
        """Scale of the labelled items among `categories` [I] (-1: none)."""
        known = categories[categories >= 0]
        if len(known) == 0:
            raise ValueError("one-hot item space: no item has a category; it needs at least 1")
        return cls(Scale.of(np.eye(n_categories)[known]), n_categories)

    def vectors(self, categories: Int32s | Int64s) -> Float32s:
        """Vectors [m, C]."""
        out = self.scale.apply(np.eye(self.n_categories)[np.maximum(categories, 0)])
        out[categories < 0] = 0.0
        return out


def hashed_counts(texts: Sequence[Sequence[str]], width: int = 1024) -> Float32s:
    """Word counts of each text, hashed into `width` columns (CRC-32) and scaled to length 1 [m, width]."""
    counts = np.zeros((len(texts), width), np.float32)
    for i, words in enumerate(texts):
        for word in words:
            counts[i, crc32(word.encode()) % width] += 1.0
    size = np.sqrt((counts * counts).sum(axis=1, keepdims=True))
    scaled: Float32s = counts / np.maximum(size, np.float32(1e-12))
    return scaled


@dataclass(frozen=True, slots=True)
class BagOfWords:
    """A category probe on counted words: knows the words that it has met, and no others."""

    probe: LogisticProbe
    scale: Scale
    fitted: Float32s
    """Vectors [I, C] of the items it was fitted to; out-of-fold where they bore a label."""

    @classmethod
    def fit(
        cls,
        counts: Floats | Float32s,
        categories: Int32s | Int64s,
        n_categories: int,
        seed: int,
        ridge: float = WORD_RIDGE,
    ) -> "BagOfWords":
        """Fit to `hashed_counts` [I, width] and categories [I] (-1: none)."""
        known = np.flatnonzero(categories >= 0)
        labels = categories[known]
        probe = fit(counts[known], labels, ridge, n_categories)
        posterior = probe.posterior(counts)
        posterior[known] = out_of_fold(counts[known], labels, ridge, n_categories, seed)
        scale = Scale.of(posterior)
        return cls(probe, scale, scale.apply(posterior))

    def vectors(self, counts: Floats | Float32s) -> Float32s:
        """Vectors [m, C] of items it was not fitted to."""
        return self.scale.apply(self.probe.posterior(counts))
