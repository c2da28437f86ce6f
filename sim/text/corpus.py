"""The corpus: all texts of a world, written, interned and given codes that say nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.keyed import Stream
from driftline.sim.segments import Segments, interned
from driftline.sim.text.comments import CommentTable, write_comments
from driftline.sim.text.params import TextParams
from driftline.sim.text.queries import PER_TOPIC, searched_items, write_queries
from driftline.sim.text.scramble import scrambled
from driftline.sim.text.titles import write_titles
from driftline.sim.text.topic_words import topic_names, topic_words
from driftline.sim.text.typos import misspelt
from driftline.sim.types import Float32s, Floats, Int8s, Int32s


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
