"""The texts of a world as a `gymnasium.spaces.Text` may hold them: one look-up by segment code or by item."""

from dataclasses import dataclass
from string import ascii_letters, digits, punctuation

import numpy as np
from numpy.typing import NDArray

from driftline.sim.text.corpus import Corpus

ROOM = 64
"""A text space is the longest text rounded up to a multiple of this, so that it fits the worlds of other seeds."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What texts may look like: the same for all seeds of a scenario."""

    charset: str
    longest: int

    @classmethod
    def of(cls, corpus: Corpus) -> "Writing":
        """The characters of the corpus and of ASCII, and some room above its longest text."""
        charset = "".join(sorted(set(corpus.charset) | set(ascii_letters + digits + punctuation + " ")))
        return cls(charset, -(-max(corpus.longest, 1) // ROOM) * ROOM)


@dataclass(frozen=True, slots=True)
class FeedTexts:
    """Texts as arrays of strings."""

    by_code: NDArray[np.object_]
    """By segment code; the last one is empty, so that `NONE` = -1 finds it."""
    titles: NDArray[np.object_]
    """By item."""

    @classmethod
    def of(cls, corpus: Corpus, writing: Writing) -> "FeedTexts":
        """Every text of a corpus, cut to `writing.longest`; characters outside its charset become spaces."""
        strange = {ord(each): " " for each in set(corpus.charset) - set(writing.charset)}
        texts = [text.translate(strange)[: writing.longest] for text in corpus.segments.by_code]
        by_code = np.array([*texts, ""], dtype=np.object_)
        return cls(by_code, by_code[corpus.item_text])
