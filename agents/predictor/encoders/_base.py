"""What every text encoder promises: a text's vector depends on the text alone."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from driftline.sim.types import Float32s


class Encoder(ABC):
    """Turns texts into vectors; a text's vector depends on the text alone.

    A subclass states `dim` and `identity` and writes `vectors`. Whatever else is in the batch, in whatever
    order, on however many threads: the same text gets the same bits.
    """

    @property
    @abstractmethod
    def dim(self) -> int:
        """Length of a vector."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """A hash of everything that decides the vectors: weights, tokenizer, precision, shapes, versions."""

    @abstractmethod
    def vectors(self, texts: list[str]) -> Float32s:
        """Vectors `[n, dim]` of distinct texts in ascending order."""

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Vectors `[n, dim]`, float32, in the order of `texts`; each distinct text is encoded once."""
        if isinstance(texts, str):
            raise TypeError("encode takes a sequence of texts, not one text")
        distinct = sorted(set(texts))
        if not distinct:
            return np.empty((0, self.dim), np.float32)
        row = {text: i for i, text in enumerate(distinct)}
        return self.vectors(distinct)[[row[text] for text in texts]]
