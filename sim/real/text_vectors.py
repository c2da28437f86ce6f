"""Texts as vectors: TF-IDF, then its leading singular directions (LSA, Deerwester et al. 1990)."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from driftline.sim import keyed
from driftline.sim.real.streams import RealStream
from driftline.sim.types import Floats

WORD = re.compile(r"[^\W\d_]{2,}")
TOO_COMMON = 0.5
"""Words in more than this share of the texts tell nothing apart."""


@dataclass(frozen=True, slots=True)
class TermWeights:
    """TF-IDF of I texts over the words that at least two of them share."""

    words: tuple[str, ...]
    """Sorted [V]."""
    weight: csr_array
    """[I, V], rows of unit length, zero where a text has none of the words."""


def term_weights(texts: Sequence[str]) -> TermWeights:
    """(1 + log count) log(I / document frequency), rows of unit length; lower-case words without digits."""
    counts = [Counter(WORD.findall(text.lower())) for text in texts]
    frequency = Counter(word for own in counts for word in own)
    words = tuple(sorted(word for word, n in frequency.items() if 2 <= n <= TOO_COMMON * len(texts)))
    column = {word: v for v, word in enumerate(words)}
    known = [sorted(own.keys() & column.keys()) for own in counts]
    cells = [(i, column[word], counts[i][word]) for i, own in enumerate(known) for word in own]
    row, col, n = np.array(cells, dtype=np.int64).reshape(-1, 3).T
    rarity = np.log(len(texts) / np.array([frequency[word] for word in words], dtype=float))
    value = (1.0 + np.log(n)) * rarity[col]
    length = np.sqrt(np.bincount(row, value**2, minlength=len(texts)))
    return TermWeights(words, csr_array((value / length[row], (row, col)), shape=(len(texts), len(words))))


def text_vectors(terms: TermWeights, dimensions: int, seed: int) -> Floats:
    """Rows on the leading singular directions, scaled to unit length [I, at most `dimensions`]."""
    items, words = terms.weight.shape
    size = min(dimensions, items - 1, words - 1)
    if min(items, words) <= 2 * dimensions:
        left, value, _ = np.linalg.svd(terms.weight.toarray(), full_matrices=False)
        left, value = left[:, :size], value[:size]
    else:
        start = keyed.normals(seed, RealStream.CLUSTERS, np.arange(min(items, words)), 0, 1)
        left, value, _ = svds(terms.weight, k=size, v0=start)
    vectors = left * value
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9))
