"""All texts of a world: written, interned as segments, and given codes that say nothing.

Scrambling replaces every word by a fixed random string, so that texts keep value as ids only.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from driftline.sim import keyed
from driftline.sim.config.params import TextParams
from driftline.sim.errors import InputError
from driftline.sim.keyed import Stream
from driftline.sim.text.comments import CommentTable, write_comments
from driftline.sim.text.lexicon import fingerprints, topic_names, topic_words
from driftline.sim.text.titles import PER_TOPIC, misspelt, searched_items, write_queries, write_titles
from driftline.sim.types import NONE, Float32s, Floats, Int8s, Int32s


@dataclass(frozen=True, slots=True)
class Segments:
    """Distinct texts, `by_code[code]`; implements `SegmentTable`. Holds texts and nothing else.

    Two readers: `text` and `texts` for single visits, `text_of` for log frames. Both read the empty text for
    `NONE` and refuse any other code outside the table. Raises ValueError if a text stands there twice.
    """

    by_code: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.by_code)) < len(self.by_code):
            twice = Counter(self.by_code).most_common(1)[0][0]
            raise ValueError(f"segments must be distinct; {twice!r} stands there more than once")

    def __len__(self) -> int:
        return len(self.by_code)

    def text(self, code: int) -> str:
        """The text of one segment; the empty string for `NONE`. Raises IndexError for an unknown code."""
        if code == NONE:
            return ""
        if not 0 <= code < len(self.by_code):
            raise IndexError(f"segment code {code}: must be {NONE} or in 0..{len(self.by_code) - 1}")
        return self.by_code[code]

    def texts(self, codes: ArrayLike) -> list[str]:
        """The texts of many segments [n], in order."""
        wanted = np.asarray(codes, np.int64)
        if wanted.size:
            self.text(int(wanted.min()))  # refuses what is outside the table
            self.text(int(wanted.max()))
        return [self.by_code[code] if code != NONE else "" for code in wanted.tolist()]

    def frame(self) -> pl.DataFrame:
        """The whole table: `code` (Int32), `text` (String), by code."""
        codes = np.arange(len(self.by_code), dtype=np.int32)
        return pl.DataFrame({"code": codes, "text": pl.Series(self.by_code, dtype=pl.String)})

    def text_of(self, column: str) -> pl.Expr:
        """The texts of a column of codes, as an expression for eager and lazy frames; null stays null.

        Raises polars' InvalidOperationError or OutOfBoundsError for an unknown code.
        """
        shifted = pl.Series(("", *self.by_code), dtype=pl.String)  # NONE = -1 lands on the empty text
        return pl.lit(shifted).gather(pl.col(column).cast(pl.Int64).add(1).cast(pl.UInt32)).alias(column)


def interned(texts: Iterable[str]) -> dict[str, int]:
    """Each distinct text with its place, in order of first appearance."""
    return {text: place for place, text in enumerate(dict.fromkeys(texts))}


@dataclass(frozen=True, slots=True)
class Corpus:
    """All texts of a world. Only `segments`, `charset` and `longest` may leave `sim`; the rest is truth."""

    segments: Segments
    item_text: Int32s
    """Segment code of each item's title [I]."""
    comments: CommentTable
    queries: Int32s
    """Segment codes of queries [K, Q]; Q is 0 where nobody searches."""
    topic_names: tuple[str, ...]
    charset: str
    """Every character that some text uses, sorted."""
    longest: int
    """Characters of the longest text."""


def build_corpus(
    params: TextParams,
    *,
    seed: int,
    mixture: Float32s,
    domain: Int8s,
    domains: tuple[str, ...],
    born: Floats,
    horizon: float,
    titles: Sequence[str] | None = None,
) -> Corpus:
    """Write a world's texts and intern them.

    mixture: [I, K] topic shares, rows positive somewhere. domain: [I] row in `domains`. born: [I] days.
    horizon: days. titles: [I] real titles, taken as they are (but scrambled if asked for); without them K is
    at most 20 and every domain needs title frames. Codes are a keyed permutation of the texts, so that they
    tell neither topic nor sentiment. Raises InputError.
    """
    seed = seed if params.seed is None else params.seed
    _check(mixture, domain, domains, born, horizon, titles)
    count, topics = mixture.shape
    wants_queries = params.queries_per_day > 0.0
    comment_texts, comments = write_comments(params, seed=seed, horizon=horizon)
    queries: list[str] = []
    if titles is None:
        names = topic_names(topics)
        words = topic_words(topics, params.held_back, seed)
        written = write_titles(
            words, params.ambiguous,
            seed=seed, mixture=mixture, domain=domain, domains=domains, born=born, horizon=horizon,
        )  # fmt: skip
        item_texts = misspelt(written, params.typo, seed=seed)
        if wants_queries:
            typed = [query for own in write_queries(words, seed=seed) for query in own]
            queries = misspelt(typed, params.typo, seed=seed)
    else:
        names = tuple(f"topic {topic + 1}" for topic in range(topics))
        item_texts = list(titles)
        if wants_queries:
            queries = [item_texts[item] for item in searched_items(mixture, born, seed=seed).ravel()]
    segments, codes = _coded(
        [*item_texts, *misspelt(comment_texts, params.typo, seed=seed), *queries], params.scramble, seed
    )
    after = count + len(comment_texts)
    return Corpus(
        segments=segments,
        item_text=codes[:count],
        comments=replace(comments, codes=codes[count:after]),
        queries=codes[after:].reshape(topics, PER_TOPIC if wants_queries else 0),
        topic_names=names,
        charset="".join(sorted(set().union(*segments.by_code))),
        longest=max(len(text) for text in segments.by_code),
    )


def _coded(texts: list[str], scramble: bool, seed: int) -> tuple[Segments, Int32s]:
    """The table of all distinct texts in keyed order, and the code of each text [n]."""
    if scramble:
        texts = scrambled(texts, seed=seed)
    place = interned(texts)
    order = keyed.order(seed, Stream.SEGMENT_CODES, len(place))
    code = np.empty(len(place), np.int32)
    code[order] = np.arange(len(place), dtype=np.int32)
    distinct = list(place)
    return Segments(tuple(distinct[p] for p in order)), code[[place[text] for text in texts]]


def _check(
    mixture: Float32s,
    domain: Int8s,
    domains: tuple[str, ...],
    born: Floats,
    horizon: float,
    titles: Sequence[str] | None,
) -> None:
    sizes = {"domain": len(domain), "born": len(born)} | ({} if titles is None else {"titles": len(titles)})
    for name, size in sizes.items():
        if size != len(mixture):
            raise InputError(f"{name} has {size} rows: must be {len(mixture)}, one per item")
    if not (mixture.min(initial=0.0) >= 0.0 and (mixture.sum(axis=1) > 0.0).all()):
        raise InputError("mixture: every item needs a topic, and no share may be negative or NaN")
    if len(domain) and not (domain.min() >= 0 and domain.max() < len(domains)):
        raise InputError(f"domain = {domain.max()}: must be a row of the {len(domains)} domains")
    if not horizon > 0.0:
        raise InputError(f"horizon = {horizon}: must be > 0 days")
    if titles is not None and "" in titles:
        raise InputError(f"titles[{list(titles).index('')}] is empty: every item needs a title")


WORD = re.compile(r"[^\W_]+")


LETTERS = "abcdefghijklmnopqrstuvwxyz"


LENGTH = 7


def scrambled(texts: Sequence[str], *, seed: int) -> list[str]:
    """The texts with every word replaced; case pattern, punctuation and spaces stay."""
    strings = replacements((word.lower() for text in texts for word in WORD.findall(text)), seed=seed)
    return [WORD.sub(lambda match: _in_case(strings[match[0].lower()], match[0]), text) for text in texts]


def replacements(words: Iterable[str], *, seed: int) -> dict[str, str]:
    """A random string of `LENGTH` letters per distinct word, keyed by the word; no two words share one."""
    distinct = sorted(set(words))
    strings = _strings(distinct, 0, seed)
    taken: dict[str, str] = {}
    for word, string in zip(distinct, strings, strict=True):
        attempt = 0
        while string in taken:  # about once in 600 worlds of 5,000 words
            attempt += 1
            string = _strings([word], attempt, seed)[0]
        taken[string] = word
    return {word: string for string, word in taken.items()}


def _strings(words: Sequence[str], attempt: int, seed: int) -> list[str]:
    key = fingerprints(words)
    slot = attempt * LENGTH + np.arange(LENGTH)
    uniform = keyed.uniforms(seed, Stream.SCRAMBLE, key[:, :1], key[:, 1:], slot)
    return ["".join(LETTERS[place] for place in row) for row in (uniform * len(LETTERS)).astype(int).tolist()]


def _in_case(string: str, like: str) -> str:
    if len(like) > 1 and like.isupper():
        return string.upper()
    return string.capitalize() if like[0].isupper() else string
