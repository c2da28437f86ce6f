"""How anything here is compiled.

The one way in which this package compiles a function.

Rows of users fetched some at a time, because waiting for memory user by user costs as much as a whole step.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

from driftline.sim.types import Float32s, Int64s

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


NEAR = 64
"""Rows fetched at once; 4 kB of 16 topics."""


@kernel
def bring_near(rows: Float32s, users: Int64s, first: int, out: Float32s) -> None:
    """Copy the rows of the users from place `first` on into `out` [NEAR, K], as far as there are any."""
    for j in range(min(out.shape[0], users.size - first)):
        for k in range(out.shape[1]):
            out[j, k] = rows[users[first + j], k]
