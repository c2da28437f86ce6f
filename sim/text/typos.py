"""Misspelling: a typo belongs to the segment, so the same text is always misspelt in the same way."""

import re
from collections.abc import Sequence

from driftline.sim import keyed
from driftline.sim.keyed import Stream
from driftline.sim.text.fingerprint import fingerprints

LONG_WORD = re.compile(r"[^\W\d_]{5,}")
SLOT = 1_000_000
"""Third key in stream SCRAMBLE, beyond those of the scrambled letters."""


def misspelt(texts: Sequence[str], share: float, *, seed: int) -> list[str]:
    """The texts, a keyed share of them with one typo in one word of five letters or more."""
    if share == 0.0:
        return list(texts)
    key = fingerprints(texts)
    draws = [keyed.uniforms(seed, Stream.SCRAMBLE, key[:, 0], key[:, 1], SLOT + slot) for slot in range(4)]
    rows = zip(texts, *[draw.tolist() for draw in draws], strict=True)
    return [_with_typo(text, *where) if u < share else text for text, u, *where in rows]


def _with_typo(text: str, u_word: float, u_letter: float, u_kind: float) -> str:
    """Two letters swapped, one dropped or one doubled, never the first or the last of the word."""
    words = list(LONG_WORD.finditer(text))
    if not words:
        return text
    word = words[int(u_word * len(words))]
    at = word.start() + 1 + int(u_letter * (len(word[0]) - 3))
    one, two = text[at], text[at + 1]
    kinds = (two + one if one != two else one, two, one + one + two)
    return text[:at] + kinds[int(u_kind * 3)] + text[at + 2 :]
