"""Titles of synthetic items, search queries, and misspellings.

A title is words of the item's topics in a frame of its domain. A typo belongs to the segment: the same text is always
misspelt in the same way.
"""

import re
from collections.abc import Sequence

import numpy as np

from driftline.sim import keyed
from driftline.sim.errors import InputError, hint
from driftline.sim.keyed import Stream
from driftline.sim.text.lexicon import Draw, TopicWords, fingerprints, lexicon
from driftline.sim.types import Float32s, Floats, Int8s, Int64s

SLOTS = 6
"""Most content words of a title; the frame's draw is keyed by this slot."""


LATE_SHARE = 0.6
"""Share of held-back words among the unambiguous words of an item born after mid-run."""


TOPIC, AMBIGUOUS, LATE, WORD = range(4)


def write_titles(
    words: Sequence[TopicWords],
    ambiguous: float,
    *,
    seed: int,
    mixture: Float32s,
    domain: Int8s,
    domains: Sequence[str],
    born: Floats,
    horizon: float,
) -> list[str]:
    """One title per item [I]: a keyed frame of its domain with three to six different content words.

    Each word's topic is drawn from `mixture` [I, K]; `ambiguous` is the share of words that two topics share.
    Every draw is keyed by (item, slot), so an item's title depends on nothing but itself. Raises InputError
    for a domain without frames.
    """
    frames = [frames_of(name) for name in domains]
    items = np.arange(len(mixture))
    slots = (items[:, None], np.arange(SLOTS))
    topics = _topics(mixture, keyed.uniforms(seed, Stream.TITLE, *slots, TOPIC)).tolist()
    is_ambiguous = (keyed.uniforms(seed, Stream.TITLE, *slots, AMBIGUOUS) < ambiguous).tolist()
    is_late = (keyed.uniforms(seed, Stream.TITLE, *slots, LATE) < LATE_SHARE).tolist()
    place = keyed.uniforms(seed, Stream.TITLE, *slots, WORD).tolist()
    frame = keyed.uniforms(seed, Stream.TITLE, items, SLOTS).tolist()
    titles = []
    for i, (kind, day) in enumerate(zip(domain.tolist(), born.tolist(), strict=True)):
        text = frames[kind][int(frame[i] * len(frames[kind]))]
        chosen: list[str] = []
        for s in range(text.count("{}")):
            pool = _pool(words[topics[i][s]], is_ambiguous[i][s], is_late[i][s], day, horizon)
            chosen.append(_unused(pool, place[i][s], chosen))
        titles.append(capitalised(text.format(*chosen)))
    return titles


def frames_of(domain: str) -> tuple[str, ...]:
    """The title frames of a domain. Raises InputError for a domain that has none."""
    known = lexicon().titles
    if domain not in known:
        raise InputError(f"catalogue.domains: no titles exist for domain {domain!r}; {hint(domain, known)}")
    return known[domain]


def capitalised(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def _topics(mixture: Float32s, uniform: Floats) -> Int64s:
    """A topic per item and slot [I, SLOTS], drawn from the item's row of `mixture`."""
    steps = np.cumsum(mixture, axis=1, dtype=np.float64)
    inner = steps[:, None, :-1] / steps[:, None, -1:]
    topics: Int64s = (uniform[:, :, None] > inner).sum(axis=2)
    return topics


def _pool(words: TopicWords, ambiguous: bool, is_late: bool, born: float, horizon: float) -> tuple[str, ...]:
    if ambiguous and words.ambiguous:
        return words.ambiguous
    late = words.in_use(born, horizon) if is_late else 0
    return words.late[:late] if late else words.early


def _unused(pool: tuple[str, ...], uniform: float, used: list[str]) -> str:
    """A word of the pool, the next one where it is used already; the first draw where all are used."""
    start = int(uniform * len(pool))
    free = (pool[(start + step) % len(pool)] for step in range(len(pool)))
    return next((word for word in free if word not in used), pool[start])


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


LONG_WORD = re.compile(r"[^\W\d_]{5,}")


SLOT = 1_000_000
"""Third key in stream SCRAMBLE, beyond those of the scrambled letters."""


def misspelt(texts: Sequence[str], share: float, *, seed: int) -> list[str]:
    """The texts, a keyed share of them with one typo in one word of five letters or more."""
    if share == 0.0:
        return list(texts)
    key = fingerprints(texts)
    draws = [keyed.uniforms(seed, Stream.SCRAMBLE, key[:, 0], key[:, 1], SLOT + slot) for slot in range(4)]
    rows = zip(texts, *[draw.tolist() for draw in draws], strict=True)
    return [_with_typo(text, *where) if u < share else text for text, u, *where in rows]


def _with_typo(text: str, u_word: float, u_letter: float, u_kind: float) -> str:
    """Two letters swapped, one dropped or one doubled, never the first or the last of the word."""
    words = list(LONG_WORD.finditer(text))
    if not words:
        return text
    word = words[int(u_word * len(words))]
    at = word.start() + 1 + int(u_letter * (len(word[0]) - 3))
    one, two = text[at], text[at + 1]
    kinds = (two + one if one != two else one, two, one + one + two)
    return text[:at] + kinds[int(u_kind * 3)] + text[at + 2 :]
