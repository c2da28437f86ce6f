import re

import numpy as np
import pytest
from pydantic import ValidationError

from driftline.sim.config.params import TextParams
from driftline.sim.text.comments import CommentClass, CommentTable, comment_code, entry_days, write_comments
from driftline.sim.text.lexicon import lexicon

TEXTS, TABLE = write_comments(TextParams(), seed=5, horizon=60.0)
NEGATIVE, MIXED, POSITIVE, NOISE = CommentClass


def texts_of(kind: CommentClass, texts: list[str] = TEXTS, table: CommentTable = TABLE) -> list[list[str]]:
    """The comments of a class, one row per word."""
    first, frames, words = (int(x[kind]) for x in (table.first, table.frames, table.words))
    return [[texts[c] for c in table.codes[first + w * frames :][:frames]] for w in range(words)]


def drawn(day: int, kind: CommentClass, u_word: float, u_frame: float) -> int:
    return comment_code(TABLE.codes, TABLE.first, TABLE.frames, TABLE.available, int(kind), day, u_word, u_frame)


def slots(text: str, frames: tuple[str, ...]) -> list[tuple[str, ...]]:
    """What stands in the slots of each frame that the text could have been written in."""
    patterns = [re.sub(r"\\{\w+\\}", "(.+)", re.escape(frame)) for frame in frames]
    matches = [re.fullmatch(pattern, text, re.IGNORECASE) for pattern in patterns]
    return [tuple(word.lower() for word in match.groups()) for match in matches if match]


def negates(text: str) -> bool:
    return bool(slots(text, lexicon().negated))


def test_the_grammar_makes_thousands_of_distinct_comments_and_no_class_shares_one() -> None:
    assert 3_000 <= len(set(TEXTS)) == len(TEXTS) <= 6_000
    sizes = {kind: sum(len(row) for row in texts_of(kind)) for kind in CommentClass}
    assert sizes == {NEGATIVE: 1_280, MIXED: 800, POSITIVE: 1_280, NOISE: 240}
    assert sorted(TABLE.codes) == list(range(len(TEXTS)))


def test_each_class_says_what_it_means() -> None:
    praise, complaint = ({word.lower() for word in words} for words in (lexicon().praise, lexicon().complaint))
    for kind, own, other in ((POSITIVE, praise, complaint), (NEGATIVE, complaint, praise)):
        for text in (text for row in texts_of(kind) for text in row):
            straight, twisted = slots(text, lexicon().plain), slots(text, lexicon().negated)
            assert any(word in own for (word,) in straight) or any(word in other for (word,) in twisted), text
    for (text,) in texts_of(MIXED):
        found = slots(text, lexicon().mixed)
        assert any({*pair} & praise and {*pair} & complaint for pair in found), text
    feelings = {*lexicon().praise, *lexicon().complaint}
    for text in (text for row in texts_of(NOISE) for text in row):
        assert set(re.findall(r"[a-z-]+", text.lower())).isdisjoint(feelings), text


def test_the_stated_share_of_comments_negates() -> None:
    for kind in (NEGATIVE, POSITIVE):
        share = np.mean([negates(text) for row in texts_of(kind) for text in row])
        assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 1_280)
    texts, _ = write_comments(TextParams(negated=0.0), seed=5, horizon=60.0)
    assert not any(negates(text) for text in texts)


def test_sentiment_words_enter_every_week_until_all_are_in_use() -> None:
    available = TABLE.available
    assert available.shape == (4, 61)
    assert (np.diff(available, axis=1) >= 0).all()
    assert available[:, 0].tolist() == [160, available[MIXED, 0], 160, 24]
    assert (available[:, -1] == TABLE.words).all()
    weekly = np.diff(available[:, ::7], axis=1)
    assert (weekly[[NEGATIVE, MIXED, POSITIVE]] > 0).all()
    assert (np.abs(weekly[[NEGATIVE, POSITIVE]] - 160 * 7 / 60) <= 1).all()


def test_a_mixed_comment_enters_with_the_later_of_its_words() -> None:
    praise = {text: w for w, row in enumerate(texts_of(POSITIVE)) for text in row}
    order = [p for p in lexicon().praise if f"It was {p}." in praise]
    rank = {p: praise[f"It was {p}."] for p in order}
    for pair in range(int(TABLE.available[MIXED, 0])):
        text = texts_of(MIXED)[pair][0].lower()
        late = [p for p in order if rank[p] >= 160 and re.fullmatch(rf"{re.escape(p)} but \w+\.", text)]
        assert late == [], text
    waiting = TABLE.words[MIXED] - TABLE.available[MIXED, 0]
    assert abs(waiting / 800 - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 800)


def test_a_drawn_comment_uses_only_words_that_are_in_use() -> None:
    almost_one = 1 - 2.0**-24
    for kind in CommentClass:
        for day in (0, 13, 60):
            rows = texts_of(kind)[: TABLE.available[kind, day]]
            assert TEXTS[drawn(day, kind, almost_one, almost_one)] == rows[-1][-1]
            assert TEXTS[drawn(day, kind, 2.0**-24, 2.0**-24)] == rows[0][0]
        assert drawn(75, kind, 0.5, 0.5) == drawn(60, kind, 0.5, 0.5)


def test_every_comment_of_a_class_is_equally_likely_at_the_end() -> None:
    rng = np.random.default_rng(2)
    draws = np.bincount([drawn(60, NOISE, *rng.random(2)) for _ in range(24_000)], minlength=len(TEXTS))
    counts = draws[TABLE.first[NOISE] :]
    assert draws.sum() == counts.sum()
    chi2 = ((counts - 100.0) ** 2 / 100.0).sum()
    assert abs(chi2 - 239) < 4 * np.sqrt(2 * 239)


def test_without_sentiment_every_class_is_the_same_small_talk() -> None:
    texts, table = write_comments(TextParams(sentiment=False), seed=5, horizon=60.0)
    classes = [texts_of(kind, texts, table) for kind in CommentClass]
    assert classes == [texts_of(NOISE)] * 4
    assert len(texts) == 240
    assert table.available.tolist() == [[24] * 61] * 4


def test_entry_days_are_even_and_leave_a_word_for_the_start() -> None:
    days = entry_days(10, 0.4, 20.0)
    np.testing.assert_allclose(days, [0, 0, 0, 0, 0, 0, 2.5, 7.5, 12.5, 17.5])
    assert (entry_days(5, 1.0, 20.0) == 0).sum() == 1
    assert (entry_days(5, 0.0, 20.0) == 0).all()


def test_seeds_differ_in_which_words_wait_and_a_smaller_world_is_smaller() -> None:
    other, _ = write_comments(TextParams(), seed=6, horizon=60.0)
    assert other != TEXTS
    small = TextParams(sentiment_words=30, comment_frames=2, mixed_pairs=50)
    texts, table = write_comments(small, seed=5, horizon=10.5)
    assert table.words.tolist() == [30, 50, 30, 24]
    assert table.frames.tolist() == [2, 1, 2, 10]
    assert table.available.shape == (4, 12)
    assert len(texts) == 2 * 60 + 50 + 240


def test_more_pairs_than_exist_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"mixed_pairs = 800: must be <= sentiment_words squared = 100"):
        TextParams(sentiment_words=10)
