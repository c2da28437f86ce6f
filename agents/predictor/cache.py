"""A cache of text vectors by content, in memory and in immutable files on disk.

Key = sha256(encoder identity | text), so a changed model, tokenizer, shape or library never gets old vectors. Vectors
are rounded to float16 before their first use: memory and disk give the same bits. A shard file is written under a
temporary name and renamed, so that several processes may add to one folder; one that does not hash to its name is
ignored, with a warning.
"""

import hashlib
import os
import sys
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driftline.agents.predictor.encoders import Encoder
from driftline.sim.types import Float32s, Int64s

Keys = NDArray[np.uint8]
Halves = NDArray[np.float16]
KEY_BYTES = 32
FLUSH_AT = 512
"""Vectors that wait in memory before they are written."""


class CachedEncoder(Encoder):
    """The same vectors, rounded to float16, each text encoded once per machine.

    encoder: whose vectors. dir: the cache's folder, else `$DRIFTLINE_CACHE`, else the platform's own cache
    folder. disk: False keeps everything in memory. New vectors reach the disk in shards, on `flush` and at
    exit.
    """

    def __init__(
        self,
        encoder: Encoder,
        dir: Path | str | None = None,  # noqa: A002
        *,
        disk: bool = True,
    ) -> None:
        self.encoder = encoder
        self.encoded = 0
        """Texts that had to be encoded so far."""
        folder = (Path(dir) if dir is not None else default_folder()) / encoder.identity[:40] if disk else None
        self._store = _Store(folder, encoder.dim)
        weakref.finalize(self, self._store.flush)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.encoder.dim

    @property
    def identity(self) -> str:
        """The encoder's, marked as rounded."""
        return hashlib.sha256(f"float16 {self.encoder.identity}".encode()).hexdigest()

    def vectors(self, texts: list[str]) -> Float32s:
        """Vectors [n, dim], looked up or encoded."""
        keys = [_key(self.encoder.identity, text) for text in texts]
        rows = self._store.rows(keys)
        missing = np.flatnonzero(rows < 0)
        if missing.size:
            fresh = self.encoder.vectors([texts[i] for i in missing]).astype(np.float16)
            self.encoded += missing.size
            rows[missing] = self._store.add([keys[i] for i in missing], fresh)
        return self._store.take(rows)

    def flush(self) -> None:
        """Write what waits."""
        self._store.flush()


def default_folder() -> Path:
    """`$DRIFTLINE_CACHE`, else the platform's cache folder with `driftline` appended."""
    stated = os.environ.get("DRIFTLINE_CACHE")
    if stated:
        return Path(stated).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "driftline"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "driftline"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "driftline"


class CacheWarning(UserWarning):
    """A part of the vector cache could not be read or written; vectors are computed anew."""


class _Store:
    """Keys, a growing matrix, and the rows not yet on disk."""

    def __init__(self, folder: Path | None, dim: int) -> None:
        self._folder = folder
        self._row: dict[bytes, int] = {}
        self._matrix: Halves = np.empty((0, dim), np.float16)
        self._waiting: list[bytes] = []
        for keys, vectors in read_shards(folder, dim) if folder is not None else ():
            self._append([key.tobytes() for key in keys], vectors)

    def rows(self, keys: list[bytes]) -> Int64s:
        return np.array([self._row.get(key, -1) for key in keys], np.int64)

    def take(self, rows: Int64s) -> Float32s:
        return self._matrix[rows].astype(np.float32)

    def add(self, keys: list[bytes], vectors: Halves) -> Int64s:
        self._append(keys, vectors)
        if self._folder is not None:
            self._waiting += keys
            if len(self._waiting) >= FLUSH_AT:
                self.flush()
        return self.rows(keys)

    def flush(self) -> None:
        if self._folder is None or not self._waiting:
            return
        keys = np.frombuffer(b"".join(self._waiting), np.uint8).reshape(-1, KEY_BYTES)
        write_shard(self._folder, keys, self._matrix[self.rows(self._waiting)])
        self._waiting = []

    def _append(self, keys: list[bytes], vectors: Halves) -> None:
        fresh = [i for i, key in enumerate(keys) if key not in self._row]
        used = len(self._row)
        if used + len(fresh) > len(self._matrix):
            grown = np.empty((max(1024, 2 * (used + len(fresh))), self._matrix.shape[1]), np.float16)
            grown[:used] = self._matrix[:used]
            self._matrix = grown
        self._matrix[used : used + len(fresh)] = vectors[fresh]
        self._row.update((keys[i], used + place) for place, i in enumerate(fresh))


def read_shards(folder: Path, dim: int) -> Iterator[tuple[Keys, Halves]]:
    """Keys `[n, 32]` and vectors `[n, dim]` of each sound shard, in the order of names."""
    for path in sorted(folder.glob("*.npz")):
        shard = _read(path, dim)
        if shard is None:
            warnings.warn(f"ignoring the corrupt cache file {path}", CacheWarning, stacklevel=4)
        else:
            yield shard


def write_shard(folder: Path, keys: Keys, vectors: Halves) -> None:
    """Add one shard; a folder that cannot be written costs a warning, not the run."""
    path = folder / f"{_name(keys, vectors)}.npz"
    draft = path.with_suffix(f".{os.getpid()}.draft")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as stream:
            np.savez(stream, keys=keys, vectors=vectors)
        draft.replace(path)
    except OSError as error:
        warnings.warn(f"the vector cache {folder} cannot be written: {error}", CacheWarning, stacklevel=3)


def _read(path: Path, dim: int) -> tuple[Keys, Halves] | None:
    try:
        # Opened here, because numpy leaves a torn file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            keys, vectors = held["keys"], held["vectors"]
    except Exception:  # a torn zip file raises whatever its torn byte happens to mean
        return None
    sound = keys.dtype == np.uint8 and vectors.dtype == np.float16 and vectors.shape == (len(keys), dim)
    return (keys, vectors) if sound and _name(keys, vectors) == path.stem else None


def _name(keys: Keys, vectors: Halves) -> str:
    return hashlib.sha256(keys.tobytes() + vectors.tobytes()).hexdigest()[:40]


def _key(identity: str, text: str) -> bytes:
    return hashlib.sha256(f"{identity}|{text}".encode()).digest()
