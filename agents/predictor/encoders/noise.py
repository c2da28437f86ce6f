"""Noise: random vectors by content, the honesty control."""

import hashlib

import numpy as np

from driftline.agents.predictor.encoders._base import Encoder
from driftline.sim import keyed
from driftline.sim.types import Float32s


class Noise(Encoder):
    """Independent standard normal coordinates, keyed by the text's hash and `seed`; not normalised.

    The same text always gets the same vector, so noise still tells repeated texts apart: it is an identity.
    """

    def __init__(self, dim: int = 384, seed: int = 0) -> None:
        self._dim = dim
        self._seed = seed

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    @property
    def identity(self) -> str:
        """A hash of dimension and seed."""
        return hashlib.sha256(f"driftline noise 1 {self._dim} {self._seed}".encode()).hexdigest()

    def vectors(self, texts: list[str]) -> Float32s:
        """Keyed normals [n, dim]."""
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        words = np.array([np.frombuffer(digest, "<u4", 2) for digest in digests]).astype(np.int64)
        columns = np.arange(self._dim)[None, :]
        found = keyed.normals(self._seed, keyed.Stream.AGENT, words[:, :1], words[:, 1:], columns)
        return found.astype(np.float32)
