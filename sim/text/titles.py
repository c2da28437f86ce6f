"""Titles of synthetic items: words of the item's topics in a frame of its domain."""

from collections.abc import Sequence

import numpy as np

from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.keyed import Stream
from driftline.sim.nearest import hint
from driftline.sim.text.lexicon_data import lexicon
from driftline.sim.text.topic_words import TopicWords
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
