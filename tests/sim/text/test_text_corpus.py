import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from driftline.sim.config.params import TextParams
from driftline.sim.errors import InputError
from driftline.sim.text.comments import CommentClass
from driftline.sim.text.corpus import Corpus, build_corpus
from driftline.sim.text.lexicon import lexicon, topic_words
from driftline.sim.text.titles import PER_TOPIC

ITEMS, TOPICS = 2_000, 16
RNG = np.random.default_rng(11)
WORLD: dict[str, Any] = {
    "seed": 3,
    "mixture": RNG.dirichlet(np.full(TOPICS, 0.2), ITEMS).astype(np.float32),
    "domain": RNG.integers(0, 2, ITEMS).astype(np.int8),
    "domains": ("news", "video"),
    "born": np.sort(RNG.uniform(-20, 60, ITEMS)),
    "horizon": 60.0,
}
CORPUS = build_corpus(TextParams(queries_per_day=0.1), **WORLD)


def part(world: dict[str, Any], items: int) -> dict[str, Any]:
    """The same world with its first items only."""
    return world | {key: world[key][:items] for key in ("mixture", "domain", "born")}


def class_of_comments(corpus: Corpus) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.repeat(np.arange(4), corpus.comments.words * corpus.comments.frames)


def titles(corpus: Corpus) -> list[str]:
    return corpus.segments.texts(corpus.item_text)


def test_the_corpus_is_whole() -> None:
    assert CORPUS.item_text.shape == (ITEMS,)
    assert CORPUS.item_text.dtype == CORPUS.comments.codes.dtype == CORPUS.queries.dtype == np.int32
    assert CORPUS.queries.shape == (TOPICS, PER_TOPIC)
    used = {*CORPUS.item_text.tolist(), *CORPUS.comments.codes.tolist(), *CORPUS.queries.ravel().tolist()}
    assert used == set(range(len(CORPUS.segments)))
    assert 3_000 <= len(set(CORPUS.comments.codes.tolist())) == len(CORPUS.comments.codes) <= 6_000
    assert "".join(sorted(set("".join(CORPUS.segments.by_code)))) == CORPUS.charset
    assert max(map(len, CORPUS.segments.by_code)) == CORPUS.longest
    assert not re.search(r"\d", CORPUS.charset)


def test_no_title_is_also_a_comment_or_a_query() -> None:
    kinds = [CORPUS.item_text, CORPUS.comments.codes, CORPUS.queries.ravel()]
    sets = [set(codes.tolist()) for codes in kinds]
    assert sum(map(len, sets)) == len(set().union(*sets))


def test_codes_tell_neither_sentiment_nor_topic_nor_age_nor_kind() -> None:
    def blind(codes: Any, about: Any) -> None:
        assert abs(spearmanr(codes, about).statistic) < 4 / np.sqrt(len(codes) - 1)

    kind = class_of_comments(CORPUS)
    spoken = kind != CommentClass.NOISE
    blind(CORPUS.comments.codes[spoken], kind[spoken])
    blind(CORPUS.comments.codes, kind == CommentClass.NOISE)
    for topic in range(TOPICS):
        blind(CORPUS.item_text, WORLD["mixture"][:, topic])
    blind(CORPUS.item_text, WORLD["born"])
    everything = np.concatenate([CORPUS.item_text, CORPUS.comments.codes])
    blind(everything, np.arange(len(everything)) < ITEMS)
    neighbours = np.argsort(CORPUS.comments.codes)
    same = np.mean(kind[neighbours][1:] == kind[neighbours][:-1])
    chance = (np.bincount(kind) / len(kind)) ** 2
    assert abs(same - chance.sum()) < 4 * np.sqrt(0.25 / len(kind))


def test_the_same_world_has_the_same_texts_and_another_seed_has_others() -> None:
    again = build_corpus(TextParams(queries_per_day=0.1), **WORLD)
    assert again.segments == CORPUS.segments
    np.testing.assert_array_equal(again.item_text, CORPUS.item_text)
    np.testing.assert_array_equal(again.comments.codes, CORPUS.comments.codes)
    other = build_corpus(TextParams(), **WORLD | {"seed": 4})
    assert titles(other) != titles(CORPUS)
    stated = build_corpus(TextParams(queries_per_day=0.1, seed=3), **WORLD | {"seed": 4})
    assert stated.segments == CORPUS.segments


def test_adding_items_changes_no_other_text() -> None:
    fewer = build_corpus(TextParams(), **part(WORLD, 500))
    assert titles(fewer) == titles(CORPUS)[:500]
    said = (c.segments.texts(c.comments.codes) for c in (fewer, CORPUS))
    assert next(said) == next(said)


def test_queries_are_about_their_topic_and_use_no_held_back_word() -> None:
    corpus = build_corpus(TextParams(queries_per_day=0.1, typo=0.0), **WORLD)
    known = {word for words in lexicon().topics.values() for word in words}
    for codes, words in zip(corpus.queries, topic_words(TOPICS, 0.3, 3), strict=True):
        texts = corpus.segments.texts(codes)
        assert len(set(texts)) == PER_TOPIC
        for text in texts:
            content = set(re.findall(r"[a-z]+", text)) & known
            assert content
            assert content <= set(words.early)
    assert build_corpus(TextParams(), **WORLD).queries.shape == (TOPICS, 0)


def test_scrambling_is_one_to_one_on_titles_and_leaves_codes_alone() -> None:
    plain = build_corpus(TextParams(), **WORLD)
    corpus = build_corpus(TextParams(scramble=True), **WORLD)
    np.testing.assert_array_equal(corpus.item_text, plain.item_text)
    np.testing.assert_array_equal(corpus.comments.codes, plain.comments.codes)
    pairs = {
        (before, after)
        for one, two in zip(plain.segments.by_code, corpus.segments.by_code, strict=True)
        for before, after in zip(re.findall(r"\w+", one.lower()), re.findall(r"\w+", two.lower()), strict=True)
    }
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) > 1_000
    assert {a for a, _ in pairs}.isdisjoint({b for _, b in pairs})


def real(count: int, **changes: Any) -> dict[str, Any]:
    """A world of real items: any domain name, any number of topics."""
    mixture = RNG.dirichlet(np.full(30, 0.2), count).astype(np.float32)
    world = {"mixture": mixture, "domain": np.zeros(count, np.int8), "domains": ("movies",)}
    return WORLD | world | {"born": np.linspace(-5, 20, count)} | changes


def test_real_titles_are_taken_as_they_are() -> None:
    given = ["Toy Story (1995)", "Heat (1995)", "Toy Story (1995)", "Amélie"] * 10
    world = real(40, titles=given)
    corpus = build_corpus(TextParams(typo=1.0), **world)
    assert titles(corpus) == given
    assert corpus.item_text[0] == corpus.item_text[2]
    assert corpus.topic_names[:2] == ("topic 1", "topic 2")
    assert "é" in corpus.charset
    hidden = titles(build_corpus(TextParams(scramble=True), **world))
    assert re.fullmatch(r"[A-Z][a-z]{6} [A-Z][a-z]{6} \([a-z]{7}\)", hidden[0])
    assert hidden[0] == hidden[2] != hidden[1]


def test_real_titles_that_only_case_tells_apart_may_become_one_when_scrambled() -> None:
    corpus = build_corpus(TextParams(scramble=True), **real(2, titles=["McDonald", "Mcdonald"]))
    assert corpus.item_text[0] == corpus.item_text[1]


def test_searches_for_real_items_name_released_items_of_the_topic() -> None:
    mixture = np.eye(3, dtype=np.float32)[np.arange(60) % 3]
    given = [f"film {chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(60)]
    born = np.where(np.arange(60) < 30, -1.0, 5.0)
    world = real(60, titles=given, mixture=mixture, born=born)
    corpus = build_corpus(TextParams(queries_per_day=1.0), **world)
    for topic, codes in enumerate(corpus.queries):
        asked = {given.index(text) for text in corpus.segments.texts(codes)}
        assert asked <= set(range(topic, 30, 3))
        assert len(asked) >= 5


@pytest.mark.parametrize(
    "change, message",
    [
        ({"mixture": np.full((ITEMS, 21), 1 / 21, np.float32)}, r"topics = 21: must be <= 20"),
        ({"domains": ("news", "vide")}, r"domain 'vide'; did you mean 'video'\?"),
        ({"domains": ("news",)}, r"domain = 1: must be a row of the 1 domains"),
        ({"born": np.zeros(3)}, rf"born has 3 rows: must be {ITEMS}, one per item"),
        ({"horizon": 0.0}, r"horizon = 0.0: must be > 0 days"),
        ({"mixture": np.zeros((ITEMS, 4), np.float32)}, r"every item needs a topic"),
        ({"mixture": np.full((ITEMS, 4), np.nan, np.float32)}, r"negative or NaN"),
        ({"titles": ["a", ""] + ["b"] * (ITEMS - 2)}, r"titles\[1\] is empty"),
    ],
)
def test_what_cannot_be_written_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_corpus(TextParams(), **WORLD | change)
