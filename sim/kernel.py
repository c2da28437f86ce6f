"""How anything here is compiled."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache

from driftline.sim.types import Float32s, Int64s

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile a scalar or row function with numba, on first use, cached on disk.

    No `fastmath` and no threads: results must not depend on the order of additions. Division by zero
    follows numpy. The wrapper keeps the function's own type, so that callers stay type-checked.
    """
    compiled = numba.njit(error_model="numpy")(function)
    compiled._cache = _OnDisk(function)  # type: ignore[attr-defined, no-untyped-call]
    return cast("F", compiled)


def kernel_around(function: F) -> F:
    """Like `kernel` for a loop that closes over another kernel, which numba cannot cache on disk."""
    return cast("F", numba.njit(error_model="numpy")(function))


class _OnDisk(FunctionCache):
    """Compiled code on disk. What names a class that exists no longer, as after an upgrade, is thrown away."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled for this signature, or None."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except (AttributeError, ImportError):
            self.flush()  # type: ignore[no-untyped-call]
            return None


NEAR = 64
"""Rows fetched at once, 4 kB of 16 topics: waiting for memory user by user costs as much as a whole step."""


@kernel
def bring_near(rows: Float32s, users: Int64s, first: int, out: Float32s) -> None:
    """Copy the rows of the users from place `first` on into `out` [NEAR, K], as far as there are any."""
    for j in range(min(out.shape[0], users.size - first)):
        for k in range(out.shape[1]):
            out[j, k] = rows[users[first + j], k]
