import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.sim.text import corpus
from driftline.sim.text.corpus import WORD, replacements, scrambled
from driftline.sim.text.lexicon import lexicon

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
