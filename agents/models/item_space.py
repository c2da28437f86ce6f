"""The vectors that items are ranked by: text, counted words or label, whichever predicts held-out choices best."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

import numpy as np

from driftline.agents.models.item_vectors import CategoryProbe, Scale, Words
from driftline.agents.models.logistic import LogisticProbe, fit, out_of_fold
from driftline.agents.models.response import choice_log_likelihood, fit_choice_weights
from driftline.agents.users import UserRows
from driftline.sim.kernel import kernel
from driftline.sim.types import Feedback, Float32s, Floats, Int8s, Int32s, Int64s, Items, SegmentTable, Setting

WORD = re.compile(r"[^\W\d_]{3,}")
TEXT, COUNTED, LABEL = "text", "counted", "label"
WORD_RIDGE = 30.0
SHRINK = 3.0
"""Choices' worth of "no interest" in a user's mean."""
HELD_OUT = 0.5
"""The last share of the log, on which the spaces are judged."""


class TextEncoder(Protocol):
    """Texts to vectors; `driftline.agents.predictor.CachedEncoder` is one."""

    def encode(self, texts: list[str]) -> Float32s:
        """Vectors [n, p], each a function of its text alone."""


class Shelf:
    """Item vectors in one space, chosen by how well each space predicts the warm-up's choices.

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
    """The space that predicts the warm-up best; the first one where there is no log to judge by."""
    if len(feedback) < 2:
        return next(iter(spaces)), {}
    place = np.full(int(max(items.item.max(), feedback.items.max())) + 1, 0, np.int32)
    place[items.item] = np.arange(len(items), dtype=np.int32)
    found = choose_space(
        spaces, UserRows().rows(feedback.user), place[feedback.items], feedback.choice, position_log_weight
    )
    return found.name, found.log_likelihood


@dataclass(frozen=True, slots=True)
class SpaceChoice:
    """The chosen space, and what each would have scored."""

    name: str
    log_likelihood: dict[str, float]
    """Mean log-probability of the held-out choices, nats a visit, by space."""


def choose_space(
    spaces: Mapping[str, Float32s],
    user_rows: Int64s,
    items: Int32s,
    choice: Int8s,
    position_log_weight: Floats,
    ridge: float = 10.0,
) -> SpaceChoice:
    """The space with the highest held-out next-choice log-likelihood; the first named wins a tie.

    spaces: vectors [items of the catalogue, d] by name. The log is sorted by time: user_rows [n] (0..),
    items [n, L], choice [n] (`L` for nothing). Each user's interest at a visit is the shrunken mean of (taken
    minus slate mean) over that user's earlier visits; its weight is fitted on the first half of the log and
    judged on the rest. A space learned from clicks (matrix factors) must be fitted on the first half only.
    """
    if not spaces:
        raise ValueError("no item space to choose from")
    cut = round(len(choice) * (1.0 - HELD_OUT))
    scores: dict[str, float] = {}
    for name, vectors in spaces.items():
        x = earlier_interest(vectors, user_rows, items, choice)[:, :, None]
        model = fit_choice_weights(x[:cut], position_log_weight, choice[:cut], ridge, np.zeros(1))
        scores[name] = choice_log_likelihood(x[cut:], choice[cut:], model)
    return SpaceChoice(max(scores, key=lambda name: scores[name]), scores)


def earlier_interest(vectors: Float32s, user_rows: Int64s, items: Int32s, choice: Int8s) -> Floats:
    """Interest of each user in each item shown [n, L], by what that user took earlier in the log."""
    n_users = int(user_rows.max()) + 1 if len(user_rows) else 0
    return _earlier_interest(np.ascontiguousarray(vectors, dtype=np.float64), user_rows, items, choice, n_users, SHRINK)


@dataclass(frozen=True, slots=True)
class OneHot:
    """The editorial category as a vector; an item without one lies at the mean, which is 0."""

    scale: Scale
    n_categories: int

    @classmethod
    def fit(cls, categories: Int32s | Int64s, n_categories: int) -> "OneHot":
        """Scale of the labelled items among `categories` [I] (-1: none)."""
        known = categories[categories >= 0]
        if len(known) == 0:
            raise ValueError("one-hot item space: no item has a category; it needs at least 1")
        return cls(Scale.of(np.eye(n_categories)[known]), n_categories)

    def vectors(self, categories: Int32s | Int64s) -> Float32s:
        """Vectors [m, C]."""
        out = self.scale.apply(np.eye(self.n_categories)[np.maximum(categories, 0)])
        out[categories < 0] = 0.0
        return out


@dataclass(frozen=True, slots=True)
class BagOfWords:
    """A category probe on counted words: knows the words that it has met, and no others."""

    probe: LogisticProbe
    scale: Scale
    fitted: Float32s
    """Vectors [I, C] of the items it was fitted to; out-of-fold where they bore a label."""

    @classmethod
    def fit(
        cls,
        counts: Floats | Float32s,
        categories: Int32s | Int64s,
        n_categories: int,
        seed: int,
        ridge: float = WORD_RIDGE,
    ) -> "BagOfWords":
        """Fit to `hashed_counts` [I, width] and categories [I] (-1: none)."""
        known = np.flatnonzero(categories >= 0)
        labels = categories[known]
        probe = fit(counts[known], labels, ridge, n_categories)
        posterior = probe.posterior(counts)
        posterior[known] = out_of_fold(counts[known], labels, ridge, n_categories, seed)
        scale = Scale.of(posterior)
        return cls(probe, scale, scale.apply(posterior))

    def vectors(self, counts: Floats | Float32s) -> Float32s:
        """Vectors [m, C] of items it was not fitted to."""
        return self.scale.apply(self.probe.posterior(counts))


def hashed_counts(texts: Sequence[Sequence[str]], width: int = 1024) -> Float32s:
    """Word counts of each text, hashed into `width` columns (CRC-32) and scaled to length 1 [m, width]."""
    counts = np.zeros((len(texts), width), np.float32)
    for i, words in enumerate(texts):
        for word in words:
            counts[i, crc32(word.encode()) % width] += 1.0
    size = np.sqrt((counts * counts).sum(axis=1, keepdims=True))
    scaled: Float32s = counts / np.maximum(size, np.float32(1e-12))
    return scaled


def words_of(text: str) -> list[str]:
    """The words of a title, lower case, without numbers and short ones."""
    return WORD.findall(text.lower())


# -- compiled --------------------------------------------------------------------------------------------------


@kernel
def _earlier_interest(
    vectors: Floats, user: Int64s, items: Int32s, choice: Int8s, n_users: int, shrink: float
) -> Floats:
    n, length = items.shape
    dim = vectors.shape[1]
    total = np.zeros((n_users, dim))
    taken = np.zeros(n_users)
    out = np.zeros((n, length))
    for i in range(n):
        # What the user took before, times each item shown.
        u = user[i]
        for k in range(length):
            for d in range(dim):
                out[i, k] += total[u, d] * vectors[items[i, k], d]
            out[i, k] /= taken[u] + shrink
        # What it takes now counts from its next visit on.
        if choice[i] < length:
            taken[u] += 1.0
            for d in range(dim):
                mean = 0.0
                for k in range(length):
                    mean += vectors[items[i, k], d]
                total[u, d] += vectors[items[i, choice[i]], d] - mean / length
    return out
