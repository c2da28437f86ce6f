"""BERT-family encoders in batches of fixed shape: the mean over tokens, of unit length.

Ragged batches change the last bits of up to a third of the rows, and a cache would carry them along. Here
every matrix product has one of six shapes, whatever is encoded together. Imports torch.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import tokenizers
import torch
import transformers
from transformers import AutoModel, AutoTokenizer

from driftline.agents.predictor.device import torch_threads
from driftline.agents.predictor.encoders._base import Encoder
from driftline.sim.types import Float32s

Precision = Literal["bfloat16", "float32"]

BATCH_ROWS = 32
LENGTHS = (8, 16, 24, 32, 64, 128)
"""Longer texts are cut at 128 tokens."""


class TransformerEncoder(Encoder):
    """Encodes with a transformers model and its fast tokenizer."""

    def __init__(
        self,
        model: torch.nn.Module,
        tokenizer: Any,
        *,
        device: torch.device,
        precision: Precision,
        threads: int,
    ) -> None:
        dtype = {"bfloat16": torch.bfloat16, "float32": torch.float32}[precision]
        self._model = model.to(device=device, dtype=dtype).eval().requires_grad_(False)
        self._tokenizer = tokenizer
        self._device = device
        self._threads = threads
        config: Any = model.config
        # RoBERTa-like models count positions from the padding id on.
        longest = getattr(config, "max_position_embeddings", LENGTHS[-1]) - 2 * (config.model_type != "bert")
        self._lengths = tuple(length for length in LENGTHS if length <= longest)
        self._dim = int(config.hidden_size)
        self._identity = _identity(self._model, tokenizer, device, precision, self._lengths)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    @property
    def identity(self) -> str:
        """A hash of weights, tokenizer, precision, shapes, library versions and the device's abilities."""
        return self._identity

    def vectors(self, texts: list[str]) -> Float32s:
        """Mean-pooled unit vectors [n, dim]."""
        tokens = self._tokenizer(texts, truncation=True, max_length=self._lengths[-1])["input_ids"]
        bucket = np.searchsorted(self._lengths, [len(ids) for ids in tokens])
        out = np.empty((len(texts), self._dim), np.float32)
        with torch_threads(self._threads), torch.inference_mode():
            for b, length in enumerate(self._lengths):
                members = np.flatnonzero(bucket == b)
                for start in range(0, members.size, BATCH_ROWS - 1):
                    rows = members[start : start + BATCH_ROWS - 1]
                    out[rows] = self._batch([tokens[i] for i in rows], length)
        return out

    def _batch(self, tokens: list[list[int]], length: int) -> Float32s:
        """One batch of exactly `BATCH_ROWS` x `length`.

        The last row is always a filler with padding. Without any padding transformers drops the mask, and
        which kernel computes a text would depend on its neighbours' lengths.
        """
        ids = torch.full((BATCH_ROWS, length), int(self._tokenizer.pad_token_id or 0))
        mask = torch.zeros((BATCH_ROWS, length), dtype=torch.int64)
        mask[:, 0] = 1
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        ids, mask = ids.to(self._device), mask.to(self._device)
        hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        weight = mask.unsqueeze(-1).float()
        mean = (hidden * weight).sum(1) / weight.sum(1)
        unit = mean / mean.norm(dim=1, keepdim=True).clamp_min(1e-12)
        found: Float32s = unit[: len(tokens)].cpu().numpy()
        return found


def load(source: str, *, offline: bool) -> tuple[torch.nn.Module, Any]:
    """Model and tokenizer of a folder or hub id; code shipped with a model is never run, and weights are read as
    safetensors only, for unpickling others runs code, too.

    Raises `FileNotFoundError`, which says whether the hub was asked.
    """
    try:
        with _quiet(), torch.random.fork_rng(devices=[]):
            tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=offline, use_fast=True)
            model = AutoModel.from_pretrained(source, local_files_only=offline, use_safetensors=True)
    except OSError as error:
        place = "in its folder or the local hub cache (offline)" if offline else "on the hub"
        raise FileNotFoundError(f"encoder {source!r} was not found {place}: {_first_line(error)}") from error
    return model, tokenizer


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars while a model loads."""
    logging: Any = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _identity(
    model: torch.nn.Module, tokenizer: Any, device: torch.device, precision: str, lengths: tuple[int, ...]
) -> str:
    found = hashlib.sha256(b"driftline transformer 1")
    for name, weight in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(weight.contiguous().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    found.update(tokenizer.backend_tokenizer.to_str().encode())
    config: Any = model.config
    ability = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    facts = (config.model_type, precision, BATCH_ROWS, lengths, ability)
    versions = (torch.__version__, transformers.__version__, tokenizers.__version__)
    found.update(repr((facts, versions)).encode())
    return found.hexdigest()
