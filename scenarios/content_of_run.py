"""The content hash of a run: equal for two runs whose logs say the same, whatever their files look like."""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl

from driftline.sim.errors import InputError

KEYS = ("time", "user", "visit", "kind", "item", "about", "code")
"""Rows stand in the order of these columns, as far as a table has them, and then of its other plain columns."""


def run_content_hash(folder: Path) -> str:
    """SHA-256 over every table of `log/` and `truth/`: columns by name, rows in canonical order, bit for bit.

    Parquet bytes, row groups, the order of rows and of columns, and what a run cost (`timing.json`) leave no
    trace; a null differs from NaN and from 0.

    Raises:
        InputError: the folder holds no table.
    """
    whole = hashlib.sha256()
    for name, table in content_hashes(folder).items():
        whole.update(f"{name}={table}\n".encode())
    return whole.hexdigest()


def content_hashes(folder: Path) -> dict[str, str]:
    """The content hash of each table by its path in the folder: says where two runs differ.

    Raises:
        InputError: the folder holds no table.
    """
    paths = sorted(path for side in ("log", "truth") for path in (folder / side).rglob("*.parquet"))
    if not paths:
        raise InputError(f"folder '{folder}' holds no table of a run")
    return {path.relative_to(folder).as_posix(): table_hash(pl.read_parquet(path)) for path in paths}


def table_hash(table: pl.DataFrame) -> str:
    """SHA-256 of a table's columns by name, rows in canonical order."""
    plain = [name for name, dtype in table.schema.items() if not dtype.is_nested()]
    order = [name for name in KEYS if name in plain] + sorted(set(plain) - set(KEYS))
    rows = table.sort(order, maintain_order=True)
    whole = hashlib.sha256(f"{rows.height}\n".encode())
    for name in sorted(rows.columns):
        column = rows[name]
        whole.update(f"{name}: {column.dtype}\n".encode())
        whole.update(column.is_null().to_numpy().tobytes())
        whole.update(_bytes(column))
    return whole.hexdigest()


def _bytes(column: pl.Series) -> bytes:
    """The values of a column, nulls left out."""
    present = column.drop_nulls()
    if present.dtype == pl.String:
        sizes = present.str.len_bytes().to_numpy()
        return sizes.astype(np.uint32).tobytes() + "".join(present).encode()
    return np.ascontiguousarray(present.to_numpy()).tobytes()
