"""Topics for a catalogue that names none: clusters of its texts, named by their own words."""

from collections.abc import Sequence

import numpy as np

from driftline.sim.real.errors import DataError
from driftline.sim.real.kmeans import Clusters, kmeans, squared_distances
from driftline.sim.real.text_vectors import TermWeights, term_weights, text_vectors
from driftline.sim.types import Bools, Float32s, Floats

DIMENSIONS = 64
WORDS = 3
"""Words in a topic's name."""


def clustered_topics(
    texts: Sequence[str], topics: int, seed: int, where: object
) -> tuple[tuple[str, ...], Float32s, Bools]:
    """Names [K], mixtures [I, K] and whether a text says anything [I].

    Spherical k-means on latent semantic vectors; a mixture holds the probabilities of the clusters were they
    Gaussians of equal weight and of the spread that is found. where: for errors.
    """
    terms = term_weights(texts)
    said = np.diff(terms.weight.indptr) > 0
    distinct = len({text for text, says in zip(texts, said, strict=True) if says})
    if not 2 <= topics <= distinct or len(terms.words) < topics:
        raise DataError(
            where,
            f"no column 'topics', and {distinct} distinct texts that share {len(terms.words)} words are too "
            f"few for {topics} clusters; expected topics, longer texts or fewer clusters (at least 2)",
        )
    vectors = text_vectors(terms, max(DIMENSIONS, topics), seed)
    found = kmeans(vectors[said], topics, seed)
    mixture = np.full((len(texts), topics), 1.0 / topics, np.float32)
    mixture[said] = _shares(vectors[said], found)
    return _names(terms, found, said), mixture, said


def _shares(points: Floats, found: Clusters) -> Float32s:
    variance = max(found.spread / points.size, 1e-12)
    log_share = squared_distances(points, found.centre) / (-2.0 * variance)
    share = np.exp(log_share - log_share.max(axis=1, keepdims=True))
    return np.asarray(share / share.sum(axis=1, keepdims=True), dtype=np.float32)


def _names(terms: TermWeights, found: Clusters, said: Bools) -> tuple[str, ...]:
    """The words that stand out most against the whole catalogue; a number where two names are the same."""
    rows = terms.weight[np.flatnonzero(said)]
    whole = np.asarray(rows.mean(axis=0))
    names: list[str] = []
    for cluster in range(len(found.centre)):
        own = np.asarray(rows[np.flatnonzero(found.label == cluster)].mean(axis=0))
        leading = np.argsort(-np.round(own - whole, 9), kind="stable")[:WORDS]
        name = " ".join(terms.words[v] for v in leading)
        names.append(name if name not in names else f"{name} {cluster + 1}")
    return tuple(names)
