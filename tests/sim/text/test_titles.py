import re
from collections.abc import Sequence

import numpy as np
import pytest

from driftline.sim.config.params import TextParams
from driftline.sim.errors import InputError
from driftline.sim.text.comments import write_comments
from driftline.sim.text.lexicon import FIRST_WAVE, TopicWords, lexicon, topic_names, topic_words
from driftline.sim.text.titles import LATE_SHARE, misspelt, write_titles
from driftline.sim.types import Float32s, Floats

HORIZON = 60.0
TOPICS = 20


def mixtures(items: int, topics: int = TOPICS) -> Float32s:
    return np.random.default_rng(7).dirichlet(np.full(topics, 0.2), items).astype(np.float32)


def titles_of(
    mixture: Float32s, born: Floats, domains: Sequence[str] = ("news", "video"), ambiguous: float = 0.08
) -> list[str]:
    domain = (np.arange(len(born)) % len(domains)).astype(np.int8)
    return write_titles(
        vocabulary(mixture.shape[1]),
        ambiguous,
        seed=3,
        mixture=mixture,
        domain=domain,
        domains=domains,
        born=born,
        horizon=HORIZON,
    )


def vocabulary(topics: int = TOPICS) -> list[TopicWords]:
    return topic_words(topics, 0.3, 3)


def content(titles: Sequence[str]) -> list[list[str]]:
    """The content words of each title; no frame contains one."""
    known = {word for words in lexicon().topics.values() for word in words} | set(lexicon().ambiguous)
    return [[word for word in re.findall(r"[a-z]+", title.lower()) if word in known] for title in titles]


def test_a_title_has_three_to_six_different_content_words_and_names_no_topic() -> None:
    titles = titles_of(mixtures(3_000), np.linspace(-20, 60, 3_000))
    words = content(titles)
    assert {len(row) for row in words} == {3, 4, 5, 6}
    assert all(len(set(row)) == len(row) for row in words)
    assert all(set(re.findall(r"[a-z]+", t.lower())).isdisjoint(topic_names(TOPICS)) for t in titles)
    assert all(title[0].isupper() and "{" not in title for title in titles)
    assert len(set(titles)) > 0.98 * len(titles)


def test_words_come_from_the_items_topics_in_proportion() -> None:
    mixture = np.zeros((4_000, 5), np.float32)
    mixture[:, [1, 4]] = 0.7, 0.3
    words = [w for row in content(titles_of(mixture, np.zeros(4_000), ambiguous=0.0)) for w in row]
    counts = [sum(word in own.early for word in words) for own in vocabulary(5)]
    assert counts[1] + counts[4] == len(words)
    assert abs(counts[1] / len(words) - 0.7) < 4 * np.sqrt(0.21 / len(words))


def test_held_back_words_never_appear_early_and_make_up_their_share_afterwards() -> None:
    born = np.linspace(-30, HORIZON, 6_000)
    words = content(titles_of(mixtures(6_000), born))
    late = {word for own in vocabulary() for word in own.late}
    shared = set(lexicon().ambiguous)
    early_items = [w for row, day in zip(words, born, strict=True) if day < HORIZON / 2 for w in row]
    late_items = [w for row, day in zip(words, born, strict=True) if day >= HORIZON / 2 for w in row]
    assert late.isdisjoint(early_items)
    own = [word for word in late_items if word not in shared]
    share = sum(word in late for word in own) / len(own)
    assert abs(share - LATE_SHARE) < 4 * np.sqrt(LATE_SHARE * (1 - LATE_SHARE) / len(own))


def test_more_and_more_held_back_words_come_into_use() -> None:
    words = vocabulary()[0]
    days = np.linspace(0, HORIZON, 121)
    counts = np.array([words.in_use(day, HORIZON) for day in days])
    assert (counts[days < HORIZON / 2] == 0).all()
    assert counts[60] == np.ceil(FIRST_WAVE * len(words.late))
    assert (np.diff(counts) >= 0).all()
    assert counts[-1] == len(words.late) == round(0.3 * (len(words.early) + len(words.late)))
    titles = content(titles_of(mixtures(4_000), np.full(4_000, 32.0)))
    allowed = {word for own in vocabulary() for word in own.late[: own.in_use(32.0, HORIZON)]}
    used = {word for row in titles for word in row} & {word for own in vocabulary() for word in own.late}
    assert used <= allowed


def test_ambiguous_words_have_their_share_and_belong_to_a_topic_of_the_item() -> None:
    topics = np.random.default_rng(1).integers(0, TOPICS, 4_000)
    words = content(titles_of(np.eye(TOPICS, dtype=np.float32)[topics], np.zeros(4_000), ambiguous=0.1))
    shared, names = lexicon().ambiguous, topic_names(TOPICS)
    total = sum(len(row) for row in words)
    count = sum(word in shared for row in words for word in row)
    assert abs(count / total - 0.1) < 4 * np.sqrt(0.09 / total)
    for row, topic in zip(words, topics, strict=True):
        assert all(names[topic] in shared[word] for word in row if word in shared)
    six = topic_words(6, 0.3, 3)
    assert all(set(shared[w]) <= set(topic_names(6)) for own in six for w in own.ambiguous)


def test_a_title_depends_on_its_item_alone() -> None:
    mixture, born = mixtures(500), np.linspace(-10, 60, 500)
    everything = titles_of(mixture, born)
    assert titles_of(mixture[:200], born[:200]) == everything[:200]
    changed = mixture.copy()
    changed[7] = changed[8]
    others = [i for i in range(500) if i != 7]
    assert [titles_of(changed, born)[i] for i in others] == [everything[i] for i in others]
    assert titles_of(changed, born)[7] != everything[7]


def test_too_many_topics_and_an_unknown_domain_are_named() -> None:
    with pytest.raises(InputError, match=r"catalogue.topics = 21: must be <= 20"):
        topic_words(21, 0.3, 0)
    with pytest.raises(InputError, match=r"domain 'newz'; did you mean 'news'\?"):
        titles_of(mixtures(4), np.zeros(4), domains=("video", "newz"))


@pytest.mark.parametrize("domain", ["ecommerce", "music", "travel", "games"])
def test_every_synthetic_domain_writes_titles(domain: str) -> None:
    titles = titles_of(mixtures(300), np.zeros(300), domains=(domain,))
    assert all(3 <= len(row) <= 6 for row in content(titles))


def test_all_words_held_back_still_leaves_enough_for_a_title() -> None:
    words = topic_words(4, 1.0, 0)
    assert all(len(own.early) == 6 for own in words)
    assert all(set(own.early).isdisjoint(own.late) for own in words)
    assert all(own.late == () for own in topic_words(4, 0.0, 0))


TEXTS, _ = write_comments(TextParams(), seed=5, horizon=60.0)


def test_the_stated_share_is_misspelt_by_one_small_slip() -> None:
    out = misspelt(TEXTS, 0.1, seed=1)
    able = [i for i, text in enumerate(TEXTS) if re.search(r"[a-zA-Z]{5}", text)]
    changed = [i for i in range(len(TEXTS)) if out[i] != TEXTS[i]]
    assert set(changed) <= set(able)
    assert abs(len(changed) / len(able) - 0.1) < 4 * np.sqrt(0.09 / len(able))
    for i in changed:
        before, after = TEXTS[i], out[i]
        assert abs(len(before) - len(after)) <= 1
        words = zip(before.split(" "), after.split(" "), strict=True)
        ((right, wrong),) = [pair for pair in words if pair[0] != pair[1]]
        assert (right[0], right[-1]) == (wrong[0], wrong[-1])
        assert set(wrong) <= set(right)
    assert {len(TEXTS[i]) - len(out[i]) for i in changed} == {-1, 0, 1}


def test_a_text_is_always_misspelt_in_the_same_way() -> None:
    out = misspelt(TEXTS, 0.3, seed=1)
    assert misspelt(TEXTS[::-1], 0.3, seed=1) == out[::-1]
    assert misspelt(TEXTS[:50], 0.3, seed=1) == out[:50]
    assert misspelt(TEXTS, 0.3, seed=2) != out
    assert misspelt(TEXTS, 0.0, seed=1) == TEXTS


def test_every_text_with_a_long_word_can_be_misspelt() -> None:
    texts = ["seven", "aaaaa bbb", "Not it.", "“Naïveté”"]
    out = misspelt(texts, 1.0, seed=3)
    assert [a != b for a, b in zip(texts, out, strict=True)] == [True, True, False, True]
