"""Vectors on disk: immutable shard files, named by the hash of what they hold.

A shard is written under a temporary name and renamed, so that several processes may add to one folder; nobody
ever changes a file. A shard that does not hash to its name is ignored, with a warning.
"""

import hashlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint8]
Halves = NDArray[np.float16]

KEY_BYTES = 32


class CacheWarning(UserWarning):
    """A part of the vector cache could not be read or written; vectors are computed anew."""


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
