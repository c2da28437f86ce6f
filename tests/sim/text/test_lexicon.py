import re
from collections import Counter

from driftline.sim.config.params import TextParams
from driftline.sim.text.lexicon import lexicon


def tokens(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


LEXICON = lexicon()
TOPIC_WORDS = [word for words in LEXICON.topics.values() for word in words]
FRAMES = [frame for frames in LEXICON.titles.values() for frame in frames] + list(LEXICON.queries)
SAYINGS = [*LEXICON.plain, *LEXICON.negated, *LEXICON.mixed, *LEXICON.small_talk, *LEXICON.settings]


def test_twenty_topics_have_enough_single_words_of_their_own() -> None:
    assert len(LEXICON.topics) == 20
    assert min(len(words) for words in LEXICON.topics.values()) >= 44
    assert [word for word, count in Counter(TOPIC_WORDS).items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z]+", word) for word in [*TOPIC_WORDS, *LEXICON.ambiguous])


def test_no_word_and_no_frame_names_a_topic() -> None:
    for name in LEXICON.topics:
        assert [word for word in [*TOPIC_WORDS, *LEXICON.ambiguous] if name in word] == []
        assert [frame for frame in FRAMES + SAYINGS if name in frame.lower()] == []


def test_ambiguous_words_belong_to_two_topics_and_are_nobodys_own() -> None:
    assert len(LEXICON.ambiguous) >= 24
    for pair in LEXICON.ambiguous.values():
        assert len(set(pair)) == 2
        assert set(pair) <= set(LEXICON.topics)
    assert set(LEXICON.ambiguous) & set(TOPIC_WORDS) == set()
    assert Counter(t for pair in LEXICON.ambiguous.values() for t in pair).keys() == LEXICON.topics.keys()


def test_frames_hold_no_topic_word_no_sentiment_and_no_number() -> None:
    content = {*TOPIC_WORDS, *LEXICON.ambiguous}
    feelings = {*LEXICON.praise, *LEXICON.complaint}
    for frame in FRAMES + SAYINGS:
        assert tokens(re.sub(r"{\w*}", "", frame)) & (content | feelings) == set(), frame
        assert not re.search(r"\d", frame), frame


def test_every_domain_has_frames_of_three_to_six_slots() -> None:
    assert set(LEXICON.titles) == {"news", "video", "ecommerce", "music", "travel", "games"}
    for frames in LEXICON.titles.values():
        assert len(set(frames)) == len(frames) >= 12
        assert {frame.count("{}") for frame in frames} <= {3, 4, 5, 6}
    assert {frame.count("{}") for frame in LEXICON.queries} == {1, 2}


def test_praise_and_complaint_are_many_different_and_of_one_mind() -> None:
    assert len(set(LEXICON.praise)) == len(LEXICON.praise) >= 320
    assert len(set(LEXICON.complaint)) == len(LEXICON.complaint) >= 320
    assert set(LEXICON.praise) & set(LEXICON.complaint) == set()


def test_comment_frames_suffice_for_the_most_that_a_scenario_may_ask_for() -> None:
    bounds = {
        name: next(m.le for m in TextParams.model_fields[name].metadata if hasattr(m, "le"))
        for name in ("comment_frames", "sentiment_words")
    }
    assert bounds["comment_frames"] == len(set(LEXICON.plain)) >= 12
    assert bounds["sentiment_words"] <= min(len(LEXICON.praise), len(LEXICON.complaint))
    assert len(set(LEXICON.mixed)) >= 12
    assert len({f + s for f in LEXICON.small_talk for s in LEXICON.settings}) >= 40
    assert all(frame.count("{own}") == 1 for frame in LEXICON.plain)
    assert all(frame.count("{other}") == 1 for frame in LEXICON.negated)
    assert all("{positive}" in frame and "{negative}" in frame for frame in LEXICON.mixed)
