"""How anything here is compiled, and how what was compiled is kept on disk."""

# mypy: disable-error-code="no-untyped-call"
# Numba's caches have no types.

import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

from driftline.sim.types import Float32s, Int64s

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile a scalar or row function with numba, on first use, kept on disk unless it closes over other kernels.

    No `fastmath` and no threads: results must not depend on the order of additions. Division by zero
    follows numpy. The wrapper keeps the function's own type, so that callers stay type-checked.
    """
    compiled = numba.njit(error_model="numpy")(function)
    if not function.__closure__:
        # Loops that close over kernels are compiled in every process. Kept on disk, they are suspected of calls that
        # failed late in a whole test suite; see docs/decisions.md.
        compiled._cache = _OnDisk(function)  # type: ignore[attr-defined]
    return cast("F", compiled)


def is_kernel(value: object) -> bool:
    """Whether something is compiled code that other kernels may call."""
    return isinstance(value, Dispatcher)


def compile_fault(problem: NumbaError) -> str:
    """In one line why something cannot be compiled; the first line of numba's message says only that."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(problem))  # in colour where colorama is installed
    lines = [line.strip() for line in plain.splitlines()]
    return next((line for line in lines if line and not line.startswith("Failed in nopython mode")), "no message")


class _OnDisk(FunctionCache):
    """Compiled code as numba keeps it, but found again by what it is."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(function)
        locator = self._impl.locator
        stamp = (locator.get_source_stamp(), _kernels_stamp())
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled for this signature, or None."""
        try:
            return super().load_overload(sig, target_context)
        except (AttributeError, ImportError):  # it names a class that is no more, as after an upgrade
            self.flush()
            return None


@lru_cache
def _kernels_stamp() -> str:
    """Changes with any file of the package that has a kernel: compiled code holds what it calls."""
    package = Path(__file__).parent.parent
    found = sha256()
    for floor in ("sim", "agents", "evaluation", "scenarios"):
        for path in sorted((package / floor).resolve().rglob("*.py")):
            if b"@kernel" in path.read_bytes():
                state = path.stat()
                found.update(f"{path.name} {state.st_mtime_ns} {state.st_size}".encode())
    return found.hexdigest()


class _Files(IndexDataCacheFile):
    """An index and its files of code, each named by what it holds.

    Numba numbers them: two processes that write at the same moment may then find each other's code under a name.
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep the code of one signature; that of former versions of the function goes."""
        known = self._load_index()
        stem = self._index_name.removesuffix("nbi")
        name = f"{stem}{sha256(self._dump(key)).hexdigest()[:16]}.nbc"
        if not known:
            for old in Path(self._cache_path).glob(f"{stem}*.nbc"):
                old.unlink(missing_ok=True)
        self._save_data(name, data)
        self._save_index(known | {key: name})


NEAR = 64
"""Rows fetched at once, 4 kB of 16 topics: waiting for memory user by user costs as much as a whole step."""


@kernel
def bring_near(rows: Float32s, users: Int64s, first: int, out: Float32s) -> None:
    """Copy the rows of the users from place `first` on into `out` [NEAR, K], as far as there are any."""
    for j in range(min(out.shape[0], users.size - first)):
        for k in range(out.shape[1]):
            out[j, k] = rows[users[first + j], k]
