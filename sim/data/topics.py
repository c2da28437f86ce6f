"""Topics of real items: from their topic names, or from clusters of their texts.

Texts become TF-IDF vectors and their leading singular directions (LSA, Deerwester et al. 1990); k-means with keyed
seeding groups them (Lloyd 1982; k-means++, Arthur & Vassilvitskii 2007); each cluster is named by its own words.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from driftline.sim import keyed
from driftline.sim.errors import DataError
from driftline.sim.keyed import Stream
from driftline.sim.types import Bools, Float32s, Floats, Int64s

MOST = 256
"""More distinct topics than this are tags, not topics: a user's interest has one number for each."""


def mixtures(names: Sequence[Sequence[str]], where: object) -> tuple[tuple[str, ...], Float32s, Bools]:
    """Topics [K] sorted by name, equal shares over an item's own [I, K], and whether it has any [I].

    names: the topics of each item; an item without one gets the uniform mixture. where: for errors.
    """
    topics = tuple(sorted({name for own in names for name in own}))
    if not 2 <= len(topics) <= MOST:
        raise DataError(where, f"names {len(topics)} distinct topics; expected 2 to {MOST}")
    row = {name: k for k, name in enumerate(topics)}
    mixture = np.zeros((len(names), len(topics)), np.float32)
    for i, own in enumerate(names):
        mixture[i, [row[name] for name in own]] = 1.0
    labelled = np.asarray(mixture.any(axis=1))
    mixture[~labelled] = 1.0
    return topics, np.asarray(mixture / mixture.sum(axis=1, keepdims=True)), labelled


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
        start = keyed.normals(seed, Stream.REAL_CLUSTERS, np.arange(min(items, words)), 0, 1)
        left, value, _ = svds(terms.weight, k=size, v0=start)
    vectors = left * value
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9))


STARTS = 10


ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Clusters:
    """n points in k clusters, none empty."""

    label: Int64s
    """[n]."""
    centre: Floats
    """[k, d]."""
    spread: float
    """Sum of squared distances to the own centre."""


def kmeans(points: Floats, k: int, seed: int) -> Clusters:
    """The tightest of `STARTS` runs. points: [n, d], at least k of them distinct."""
    runs = [_run(points, _spread_out(points, k, seed, start)) for start in range(STARTS)]
    return min(runs, key=lambda run: run.spread)


def squared_distances(points: Floats, centre: Floats) -> Floats:
    """[n, k]."""
    cross = points @ centre.T
    square = (points**2).sum(axis=1)[:, None] - 2.0 * cross + (centre**2).sum(axis=1)
    return np.asarray(np.maximum(square, 0.0))


def _spread_out(points: Floats, k: int, seed: int, start: int) -> Floats:
    """Starting centres: each next one drawn in proportion to the squared distance to those chosen."""
    draw = keyed.uniforms(seed, Stream.REAL_CLUSTERS, start, np.arange(k))
    chosen = [int(draw[0] * len(points))]
    nearest = squared_distances(points, points[chosen])[:, 0]
    for place in range(1, k):
        edges = np.cumsum(nearest)
        drawn = int(np.searchsorted(edges, draw[place] * edges[-1], side="right"))
        chosen.append(min(drawn, len(points) - 1))
        nearest = np.minimum(nearest, squared_distances(points, points[chosen[-1:]])[:, 0])
    return points[chosen]


def _run(points: Floats, centre: Floats) -> Clusters:
    label = np.full(len(points), -1)
    for _ in range(ROUNDS):
        distance = squared_distances(points, centre)
        previous, label = label, distance.argmin(axis=1)
        _fill_empty(label, distance, len(centre))
        if (label == previous).all():
            break
        members = label == np.arange(len(centre))[:, None]
        centre = members @ points / members.sum(axis=1, keepdims=True)
    own = squared_distances(points, centre)[np.arange(len(points)), label]
    return Clusters(label, centre, float(own.sum()))


def _fill_empty(label: Int64s, distance: Floats, k: int) -> None:
    """An empty cluster takes the point that lies farthest from its own centre in a cluster of several."""
    far = distance[np.arange(len(label)), label]
    for empty in np.flatnonzero(np.bincount(label, minlength=k) == 0):
        several = np.bincount(label, minlength=k)[label] > 1
        label[np.where(several, far, -1.0).argmax()] = empty


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
