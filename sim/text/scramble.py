"""Scrambling: every word replaced by a fixed random string, so that texts keep value as ids only."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from driftline.sim import keyed
from driftline.sim.keyed import Stream
from driftline.sim.text.fingerprint import fingerprints

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
