"""The one way in which this package compiles a function."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile a scalar or row function with numba, on first use, cached on disk.

    No `fastmath` and no threads: results must not depend on the order of additions. Division by zero
    follows numpy. The wrapper keeps the function's own type, so that callers stay type-checked.
    """
    return cast("F", numba.njit(cache=True, error_model="numpy")(function))


def kernel_around(function: F) -> F:
    """Like `kernel` for a loop that closes over another kernel, which numba cannot cache on disk."""
    return cast("F", numba.njit(error_model="numpy")(function))
