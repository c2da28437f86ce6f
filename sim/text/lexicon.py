"""The words and frames of which texts are made, read from `lexicon/*.yaml`; which topic has which, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from math import ceil
from typing import Any

import numpy as np
import yaml

from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.keyed import Stream
from driftline.sim.types import Int64s

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Data only; what each part may contain is said in its file and held by tests."""

    topics: dict[str, tuple[str, ...]]
    """Words by topic; the names are truth."""
    ambiguous: dict[str, tuple[str, ...]]
    """Word -> the two topics that share it."""
    titles: dict[str, tuple[str, ...]]
    """Title frames by domain, slots written `{}`."""
    praise: tuple[str, ...]
    complaint: tuple[str, ...]
    plain: tuple[str, ...]
    """Comment frames with `{own}`, a word of the comment's class."""
    negated: tuple[str, ...]
    """Comment frames with `{other}`, a word of the opposite class."""
    mixed: tuple[str, ...]
    """Comment frames with `{positive}` and `{negative}`."""
    small_talk: tuple[str, ...]
    """Comment frames with `{setting}`."""
    settings: tuple[str, ...]
    queries: tuple[str, ...]
    """Query frames, slots written `{}`."""


def _read(name: str) -> Any:
    return yaml.load((files(__package__) / "lexicon" / f"{name}.yaml").read_text("utf-8"), Loader)


def _tuples(lists: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(words) for key, words in lists.items()}


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once per process."""
    feelings, comments = _tuples(_read("sentiment")), _read("comments")
    return Lexicon(
        topics=_tuples(_read("topics")),
        ambiguous=_tuples(_read("ambiguous")),
        titles=_tuples(_read("titles")),
        praise=feelings["positive"],
        complaint=feelings["negative"],
        plain=tuple(comments["plain"]),
        negated=tuple(comments["negated"]),
        mixed=tuple(comments["mixed"]),
        small_talk=tuple(comments["noise"]["frames"]),
        settings=tuple(comments["noise"]["settings"]),
        queries=tuple(_read("queries")),
    )


class Draw(IntEnum):
    """Values are part of every world's meaning: append, never renumber."""

    PRAISE = 0
    """Order in which words of praise enter."""
    COMPLAINT = 1
    PAIRS = 2
    PAIR_FRAME = 3
    PRAISE_FRAMES = 4
    COMPLAINT_FRAMES = 5
    QUERY_FRAME = 6
    QUERY_WORDS = 7
    QUERY_ITEM = 8
    TOPIC = 1000
    """Order in which words of topic k enter: TOPIC + k."""


FEWEST_EARLY = 6
"""A title has at most six content words; as many must exist from the start."""


FIRST_WAVE = 1.0 / 3.0
"""Share of the held-back words that are in use right after mid-run."""


@dataclass(frozen=True, slots=True)
class TopicWords:
    """The words of one topic."""

    early: tuple[str, ...]
    """In use from the start."""
    late: tuple[str, ...]
    """In use after mid-run only, in the order of their entry."""
    ambiguous: tuple[str, ...]
    """Shared with another topic of this world, in use from the start; may be empty."""

    def in_use(self, born: float, horizon: float) -> int:
        """How many late words an item born on that day may have: none before mid-run, then more and more."""
        passed = 2.0 * born / horizon - 1.0
        if passed < 0.0:
            return 0
        return ceil(len(self.late) * min(1.0, FIRST_WAVE + (1.0 - FIRST_WAVE) * passed))


def topic_names(topics: int) -> tuple[str, ...]:
    """The names of a world's topics (truth only). Raises InputError where the lexicon has fewer."""
    known = tuple(lexicon().topics)
    if topics > len(known):
        raise InputError(
            f"catalogue.topics = {topics}: must be <= {len(known)}, the topics that the lexicon has words for"
        )
    return known[:topics]


def topic_words(topics: int, held_back: float, seed: int) -> list[TopicWords]:
    """The words of the first `topics` topics; a keyed share `held_back` of each topic's words is late."""
    names = topic_names(topics)
    return [_words_of(topic, names, held_back, seed) for topic in range(topics)]


def _words_of(topic: int, names: tuple[str, ...], held_back: float, seed: int) -> TopicWords:
    words = lexicon().topics[names[topic]]
    order = keyed.order(seed, Stream.WORD_ENTRY, len(words), Draw.TOPIC + topic)
    entering = [words[place] for place in order]
    early = max(len(words) - round(held_back * len(words)), FEWEST_EARLY)
    pairs = lexicon().ambiguous.items()
    shared = tuple(word for word, pair in pairs if names[topic] in pair and set(pair) <= set(names))
    return TopicWords(tuple(entering[:early]), tuple(entering[early:]), shared)


def fingerprints(texts: Sequence[str]) -> Int64s:
    """Two words of 32 bits per text [n, 2]: the first 64 bits of BLAKE2b, the same on every machine."""
    digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u4").reshape(-1, 2).astype(np.int64)
