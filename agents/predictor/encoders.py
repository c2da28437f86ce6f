"""Text encoders: what each promises, how one is opened by name, and two that need no weights.

torch and transformers are imported when a BERT-family encoder is opened, not before.
"""

import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from driftline.sim import keyed
from driftline.sim.errors import hint
from driftline.sim.types import Float32s

BUILT_IN = {
    "minilm": "The pretrained all-MiniLM-L6-v2; its weights are an optional extra.",
    "scratch": "A small BERT with seeded weights and its own tokenizer: for tests, and for training from nothing.",
    "noise": "Random vectors by content: the honesty control.",
    "hashing": "A hashed bag of words: the plainest reader.",
}
"""The encoders that are opened by name, each in one line."""

Precision = Literal["bfloat16", "float32"]


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

    @staticmethod
    def open(
        name: str | Path,
        device: str = "auto",
        *,
        seed: int = 0,
        corpus: Sequence[str] = (),
        precision: Precision = "bfloat16",
        threads: int = 1,
    ) -> "Encoder":
        """Open an encoder.

        name: `minilm` (pretrained, optional extra), `scratch` (small seeded BERT, no download), `noise`
        (random vectors by content: the honesty control), `hashing` (bag of words), a local folder, or a hub
        id `owner/model` (looked up in the local hub cache only, when `HF_HUB_OFFLINE` is set).
        device: `auto`, `cpu`, `cuda`, `cuda:<n>`; for the BERT-family encoders.
        seed: for `scratch` and `noise`. corpus: texts whose words `scratch` knows as a whole.
        Transformers give unit vectors: mean of the last layer over the text's tokens (Reimers & Gurevych
        2019).

        Raises `ValueError` for an unknown name, `FileNotFoundError` for a missing folder or hub model.
        """
        if name == "noise":
            return NoiseEncoder(seed=seed)
        if name == "hashing":
            return HashingEncoder()
        return _open_transformer(str(name), device, seed, corpus, precision, threads)


def _open_transformer(
    name: str, device: str, seed: int, corpus: Sequence[str], precision: Precision, threads: int
) -> Encoder:
    """Import torch and transformers only here."""
    source = name if name in BUILT_IN else _source(name)
    from driftline.agents.predictor import minilm, transformer
    from driftline.agents.predictor.device import resolve

    where = resolve(device)
    if source == "scratch":
        parts = transformer.scratch(corpus, seed)
    elif source == "minilm":
        parts = transformer.load(str(minilm.folder()), offline=True)
    else:
        parts = transformer.load(source, offline=_offline() or Path(source).is_dir())
    return transformer.TransformerEncoder(*parts, device=where, precision=precision, threads=threads)


def _source(name: str) -> str:
    """A local folder or a hub id; anything else is a named error."""
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise FileNotFoundError(f"{path} holds no config.json: not a transformers model folder")
        return str(path)
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise FileNotFoundError(f"encoder folder {path} does not exist")
    if "/" not in name:
        raise ValueError(
            f"encoder {name!r} is none of {', '.join(BUILT_IN)}, and no such folder exists; {hint(name, BUILT_IN)}"
        )
    return name


def _offline() -> bool:
    switches = (os.environ.get(key, "") for key in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    return any(value.strip().lower() in {"1", "true", "yes", "on"} for value in switches)


WORD = re.compile(r"\w+")


class HashingEncoder(Encoder):
    """Counts of lower-cased words, each hashed to one signed column; unit length, zero for a text without
    words.

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


class NoiseEncoder(Encoder):
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
