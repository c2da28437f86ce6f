"""Text encoders: what they promise, and how one is opened by name."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import numpy as np

from driftline.sim.types import Float32s

BUILT_IN = ("minilm", "scratch", "noise", "hashing")

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
            from driftline.agents.predictor.noise import NoiseEncoder

            return NoiseEncoder(seed=seed)
        if name == "hashing":
            from driftline.agents.predictor.hashing import HashingEncoder

            return HashingEncoder()
        return _open_transformer(str(name), device, seed, corpus, precision, threads)


def _open_transformer(
    name: str, device: str, seed: int, corpus: Sequence[str], precision: Precision, threads: int
) -> Encoder:
    """Import torch and transformers only here."""
    source = name if name in BUILT_IN else _source(name)
    from driftline.agents.predictor import minilm, scratch, transformer
    from driftline.agents.predictor.device import resolve

    where = resolve(device)
    if source == "scratch":
        parts = scratch.build(corpus, seed)
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
        near = get_close_matches(name, BUILT_IN, 1, cutoff=0.0)[0]
        raise ValueError(
            f"encoder {name!r} is none of {', '.join(BUILT_IN)}, and no such folder exists; nearest: {near}"
        )
    return name


def _offline() -> bool:
    switches = (os.environ.get(key, "") for key in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    return any(value.strip().lower() in {"1", "true", "yes", "on"} for value in switches)
