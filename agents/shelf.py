"""The items an agent knows, with the vectors it ranks them by."""

import re
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from driftline.agents.item_spaces import BagOfWords, OneHot, hashed_counts
from driftline.agents.item_vectors import CategoryProbe
from driftline.agents.space_choice import choose_space
from driftline.agents.users import UserRows
from driftline.agents.word_topics import Words
from driftline.sim.types import Feedback, Float32s, Floats, Items, SegmentTable, Setting

WORD = re.compile(r"[^\W\d_]{3,}")
TEXT, COUNTED, LABEL = "text", "counted", "label"


class TextEncoder(Protocol):
    """Texts to vectors; `driftline.agents.predictor.CachedEncoder` is one."""

    def encode(self, texts: list[str]) -> Float32s:
        """Vectors [n, p], each a function of its text alone."""


def words_of(text: str) -> list[str]:
    """The words of a title, lower case, without numbers and short ones."""
    return WORD.findall(text.lower())


class Shelf:
    """Item vectors in one space, chosen by how well each space foretells the warm-up's choices.

    The spaces: `text` (category probe on encoded titles and words), `counted` (the same on counted words) and
    `label` (the editorial category itself). Without an encoder there is no `text`. Items that arrive later are
    placed by what was learned at the start. All spaces have one dimension per editorial category.
    """

    def __init__(self, setting: Setting, encoder: TextEncoder | None, position_log_weight: Floats) -> None:
        self._segments: SegmentTable = setting.segments
        self._encoder = encoder
        self._word_row: dict[str, int] = {}
        self._word_vectors: Float32s = np.empty((0, 0), np.float32)
        items = setting.items
        titles = [words_of(text) for text in self._segments.texts(items.text)]
        self._label = OneHot.fit(items.category, setting.categories)
        self._counted = BagOfWords.fit(hashed_counts(titles), items.category, setting.categories, setting.seed)
        self._text = self._read(setting, titles) if encoder else None
        spaces: dict[str, Float32s] = {}
        if self._text:
            spaces[TEXT] = self._text.fitted
        spaces[COUNTED] = self._counted.fitted
        spaces[LABEL] = self._label.vectors(items.category)
        self.space, self.log_likelihood = _best_space(spaces, items, setting.feedback, position_log_weight)
        size = int(items.item.max()) + 1 if len(items) else 0
        self.vectors = np.zeros((size, setting.categories), np.float32)
        """[I, d] by item id; zero for ids not met."""
        self.vectors[items.item] = spaces[self.space]

    @property
    def dim(self) -> int:
        """Length of an item vector."""
        return self.vectors.shape[1]

    def arrive(self, items: Items) -> None:
        """Place new items; each item's vector depends on that item alone."""
        if not len(items):
            return
        top = int(items.item.max()) + 1
        if top > len(self.vectors):
            grown = np.zeros((max(top, 2 * len(self.vectors)), self.dim), np.float32)
            grown[: len(self.vectors)] = self.vectors
            self.vectors = grown
        self.vectors[items.item] = self._place(items)

    def _place(self, items: Items) -> Float32s:
        texts = self._segments.texts(items.text)
        titles = [words_of(text) for text in texts]
        if self.space == TEXT and self._text is not None and self._encoder is not None:
            words = self._words(titles)
            return self._text.vectors(self._encoder.encode(texts), self._word_vectors, words)
        if self.space == COUNTED:
            return self._counted.vectors(hashed_counts(titles))
        return self._label.vectors(items.category)

    def _read(self, setting: Setting, titles: list[list[str]]) -> CategoryProbe:
        assert self._encoder is not None
        vectors = self._encoder.encode(self._segments.texts(setting.items.text))
        words = self._words(titles)
        return CategoryProbe.fit(
            vectors, setting.items.category, self._word_vectors, words, setting.categories, setting.seed
        )

    def _words(self, titles: list[list[str]]) -> Words:
        """The titles' words as rows of the word table, which grows by the words not met before."""
        assert self._encoder is not None
        new = sorted({word for title in titles for word in title} - self._word_row.keys())
        if new:
            fresh = self._encoder.encode(new)
            first = len(self._word_row)
            self._word_row |= {word: first + i for i, word in enumerate(new)}
            held = self._word_vectors if self._word_vectors.size else np.empty((0, fresh.shape[1]), np.float32)
            self._word_vectors = np.concatenate([held, fresh])
        return Words.of([[self._word_row[word] for word in title] for title in titles])


def _best_space(
    spaces: Mapping[str, Float32s], items: Items, feedback: Feedback, position_log_weight: Floats
) -> tuple[str, dict[str, float]]:
    """The space that foretells the warm-up best; the first one where there is no log to judge by."""
    if len(feedback) < 2:
        return next(iter(spaces)), {}
    place = np.full(int(max(items.item.max(), feedback.items.max())) + 1, 0, np.int32)
    place[items.item] = np.arange(len(items), dtype=np.int32)
    found = choose_space(
        spaces, UserRows().rows(feedback.user), place[feedback.items], feedback.choice, position_log_weight
    )
    return found.name, found.log_likelihood
