import pickle
import re
import string
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.exceptions import InvalidOperationError, OutOfBoundsError
from scipy.stats import spearmanr

from driftline.sim.config.params import TextParams
from driftline.sim.errors import InputError
from driftline.sim.text import corpus
from driftline.sim.text.comments import CommentClass
from driftline.sim.text.corpus import WORD, Corpus, Segments, build_corpus, interned, replacements, scrambled
from driftline.sim.text.lexicon import lexicon, topic_words
from driftline.sim.text.titles import PER_TOPIC
from driftline.sim.types import NONE, SegmentTable

TABLE = Segments(("a rocket", "It was fine.", "Ünïcode, quotes “and” all", "what is orbit"))


def test_both_readers_and_the_frame_say_the_same() -> None:
    table: SegmentTable = TABLE
    codes = np.array([2, NONE, 0, 0, 3, 1, NONE], np.int32)
    frame = pl.DataFrame({"expressed": codes})
    eager = frame.select(TABLE.text_of("expressed"))["expressed"].to_list()
    lazy = frame.lazy().with_columns(TABLE.text_of("expressed").alias("said")).collect()["said"].to_list()
    single = [table.text(int(code)) for code in codes]
    assert single == table.texts(codes) == eager == lazy
    assert single[:3] == ["Ünïcode, quotes “and” all", "", "a rocket"]
    assert TABLE.frame().to_dict(as_series=False) == {"code": [0, 1, 2, 3], "text": list(TABLE.by_code)}
    assert TABLE.frame().schema == {"code": pl.Int32, "text": pl.String}


@given(st.lists(st.text(min_size=1), unique=True, max_size=20), st.data())
def test_readers_agree_on_any_table(texts: list[str], data: st.DataObject) -> None:
    table = Segments(tuple(texts))
    codes = data.draw(st.lists(st.integers(NONE, len(texts) - 1), max_size=30))
    frame = pl.DataFrame({"about": pl.Series(codes, dtype=pl.Int32)})
    assert frame.select(table.text_of("about"))["about"].to_list() == table.texts(np.array(codes, np.int32))


@pytest.mark.parametrize("code", [-2, 4, 1_000_000])
def test_an_unknown_code_is_refused_by_every_reader(code: int) -> None:
    with pytest.raises(IndexError, match=f"segment code {code}: must be -1 or in 0..3"):
        TABLE.text(code)
    with pytest.raises(IndexError, match=f"segment code {code}"):
        TABLE.texts(np.array([0, code], np.int32))
    with pytest.raises((InvalidOperationError, OutOfBoundsError)):
        pl.DataFrame({"about": [0, code]}).select(TABLE.text_of("about"))


def test_a_missing_code_has_no_text() -> None:
    frame = pl.DataFrame({"about": pl.Series([1, None], dtype=pl.Int32)})
    assert frame.select(TABLE.text_of("about"))["about"].to_list() == ["It was fine.", None]


def test_a_text_may_stand_in_the_table_once_only() -> None:
    with pytest.raises(ValueError, match="'b' stands there more than once"):
        Segments(("a", "b", "c", "b"))
    assert interned(["b", "a", "b", "c"]) == {"b": 0, "a": 1, "c": 2}


def test_the_table_is_frozen_and_holds_nothing_but_texts() -> None:
    assert Segments.__slots__ == ("by_code",)
    assert all(type(text) is str for text in TABLE.by_code)
    with pytest.raises(AttributeError):
        TABLE.by_code = ()  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(TABLE)) == TABLE
    assert len(TABLE) == 4


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


SENTENCES = st.lists(st.text(string.ascii_letters + string.digits + " .,'-äß", max_size=40), max_size=8)


def test_scrambling_keeps_repeats_case_and_punctuation() -> None:
    first, second = scrambled(["The rocket, THE orbit: don't!", "Rocket  the (orbit) 1995"], seed=1)
    assert re.fullmatch(r"[A-Z][a-z]{6} [a-z]{7}, [A-Z]{7} [a-z]{7}: [a-z]{7}'[a-z]{7}!", first)
    assert re.fullmatch(r"[A-Z][a-z]{6}  [a-z]{7} \([a-z]{7}\) [a-z]{7}", second)
    one, two = (WORD.findall(text.lower()) for text in (first, second))
    assert one[0] == one[2] == two[1]
    assert (one[1], one[3]) == (two[0], two[2])


@given(SENTENCES)
def test_words_are_replaced_one_to_one(texts: list[str]) -> None:
    out = scrambled(texts, seed=2)
    before = [w.lower() for text in texts for w in WORD.findall(text)]
    after = [w.lower() for text in out for w in WORD.findall(text)]
    assert len(before) == len(after)
    assert len(set(zip(before, after, strict=True))) == len(set(before)) == len(set(after))
    assert [WORD.sub("", text) for text in out] == [WORD.sub("", text) for text in texts]


def test_a_word_keeps_its_string_whatever_else_is_said_and_gets_another_with_another_seed() -> None:
    words = [word for words in lexicon().topics.values() for word in words]
    whole = replacements(words, seed=4)
    assert replacements(["rocket"], seed=4)["rocket"] == whole["rocket"]
    assert replacements(["rocket"], seed=5)["rocket"] != whole["rocket"]
    assert len(set(whole.values())) == len(words)
    assert set(whole.values()).isdisjoint(words)


def test_strings_that_collide_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "LENGTH", 2)
    words = [f"w{i}" for i in range(400)]
    assert len(set(corpus._strings(words, 0, 1))) < 400
    strings = replacements(words, seed=1)
    assert len(set(strings.values())) == 400
