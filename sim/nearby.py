"""Rows of users fetched some at a time, because waiting for memory user by user costs as much as a whole step."""

from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Int64s

NEAR = 64
"""Rows fetched at once; 4 kB of 16 topics."""


@kernel
def bring_near(rows: Float32s, users: Int64s, first: int, out: Float32s) -> None:
    """Copy the rows of the users from place `first` on into `out` [NEAR, K], as far as there are any."""
    for j in range(min(out.shape[0], users.size - first)):
        for k in range(out.shape[1]):
            out[j, k] = rows[users[first + j], k]
