"""Hashing: a hashed bag of words, the plainest reader."""

import hashlib
import re
from functools import lru_cache

import numpy as np

from driftline.agents.predictor.encoders._base import Encoder
from driftline.sim.types import Float32s

WORD = re.compile(r"\w+")


class Hashing(Encoder):
    """Counts of lower-cased words, each hashed to one signed column; unit length, zero for a text without words.

    Weinberger, Dasgupta, Langford, Smola & Attenberg 2009, "Feature hashing for large scale multitask
    learning".
    """

    def __init__(self, dim: int = 384) -> None:
        self._dim = dim

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    @property
    def identity(self) -> str:
        """A hash of the dimension."""
        return hashlib.sha256(f"driftline hashing 1 {self._dim}".encode()).hexdigest()

    def vectors(self, texts: list[str]) -> Float32s:
        """Signed word counts [n, dim]."""
        counts = np.zeros((len(texts), self._dim), np.float32)
        for i, text in enumerate(texts):
            for word in WORD.findall(text.lower()):
                code = _code(word)
                counts[i, (code >> 1) % self._dim] += 1.0 - 2.0 * (code & 1)
        # Whole numbers: their squares add up exactly in any order.
        length = np.sqrt((counts * counts).sum(axis=1, keepdims=True))
        unit: Float32s = counts / np.maximum(length, 1.0)
        return unit


@lru_cache(maxsize=65_536)
def _code(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
