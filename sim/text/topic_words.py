"""Which words a topic has, and when they may first be used."""

from dataclasses import dataclass
from math import ceil

from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.keyed import Stream
from driftline.sim.text.draws import Draw
from driftline.sim.text.lexicon_data import lexicon

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
