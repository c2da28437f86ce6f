"""Search queries: what a user types when a topic is on its mind."""

from collections.abc import Sequence

import numpy as np

from driftline.sim import keyed
from driftline.sim.keyed import Stream
from driftline.sim.text.draws import Draw
from driftline.sim.text.lexicon_data import lexicon
from driftline.sim.text.topic_words import TopicWords
from driftline.sim.types import Float32s, Floats, Int64s

PER_TOPIC = 32


def write_queries(words: Sequence[TopicWords], *, seed: int) -> list[list[str]]:
    """`PER_TOPIC` different queries per topic, in keyed frames with one or two of its early words."""
    return [_queries_of(topic, own.early, seed) for topic, own in enumerate(words)]


def _queries_of(topic: int, words: tuple[str, ...], seed: int) -> list[str]:
    frames = lexicon().queries
    tries = np.arange(8 * PER_TOPIC)
    place = keyed.uniforms(seed, Stream.WORD_ENTRY, Draw.QUERY_FRAME, topic, tries)
    pairs = keyed.uniforms(seed, Stream.WORD_ENTRY, Draw.QUERY_WORDS, topic, tries)
    chosen: dict[str, None] = {}
    for u, v in zip(place.tolist(), pairs.tolist(), strict=True):
        first, second = divmod(int(v * len(words) * (len(words) - 1)), len(words) - 1)
        pair = (words[first], words[(first + 1 + second) % len(words)])
        chosen[frames[int(u * len(frames))].format(*pair)] = None
    return list(chosen)[:PER_TOPIC]


def searched_items(mixture: Float32s, born: Floats, *, seed: int) -> Int64s:
    """Items whose titles serve as queries [K, PER_TOPIC] where titles are real.

    Drawn in proportion to their share of the topic, among the items that exist at the start (or all).
    """
    items = np.flatnonzero(born <= 0.0) if (born <= 0.0).any() else np.arange(len(born))
    weight = np.cumsum(mixture[items].T, axis=1, dtype=np.float64)
    slot = (np.arange(len(weight))[:, None], np.arange(PER_TOPIC))
    uniform = keyed.uniforms(seed, Stream.WORD_ENTRY, Draw.QUERY_ITEM, *slot) * weight[:, -1:]
    place = np.stack([np.searchsorted(row, u) for row, u in zip(weight, uniform, strict=True)])
    found: Int64s = items[np.minimum(place, len(items) - 1)]
    return found
