import re

import numpy as np

from driftline.sim.config.params import TextParams
from driftline.sim.text.comments import write_comments
from driftline.sim.text.titles import misspelt

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
