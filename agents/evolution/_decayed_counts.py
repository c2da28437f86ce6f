"""Decayed counts: what a user engaged with lately, on several time scales."""

from collections.abc import Sequence

import numpy as np

from driftline.agents.evolution._base import (
    Arrays,
    Reals,
    Rows,
    checked_elapsed,
    checked_users,
    distinct_users,
    grown,
    reals,
    require_number,
    restored,
)
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int64s


class DecayedCounts:
    """Sums of signed item vectors that halve every half-life: S_h <- 2^(-elapsed/h) S_h + weight * vector.

    n_users, dim: rows and columns of the state. half_lives: in the unit of `elapsed`, each > 0. They predict
    nothing alone: a learned head or a linear stack reads them.
    """

    def __init__(self, n_users: int, dim: int, *, half_lives: Sequence[float] = (2.0, 8.0, 32.0)) -> None:
        require_number("n_users", n_users, n_users >= 0, ">= 0")
        require_number("dim", dim, dim >= 1, ">= 1")
        require_number("len(half_lives)", len(half_lives), len(half_lives) >= 1, ">= 1")
        for half_life in half_lives:
            require_number("half_lives", half_life, 0 < half_life < np.inf, "finite and > 0")
        self.n_users = n_users
        self.dim = dim
        self.half_lives = tuple(float(h) for h in half_lives)
        self._sums = np.zeros((n_users, len(half_lives), dim), np.float32)

    def grow(self, n_users: int) -> None:
        """Make room for more users; new ones have counted nothing."""
        self._sums = grown(self._sums, n_users, 0.0)
        self.n_users = n_users

    def update(self, users: Rows, vectors: Reals, weights: Reals, elapsed: Reals) -> None:
        """Count one item vector [n, dim] with a signed weight [n] for each of these users [n], no user twice.

        elapsed: time since that user's latest update [n].
        """
        rows = distinct_users(users, self.n_users)
        n = rows.size
        items = reals("vectors", vectors, (n, self.dim))
        signed = items * reals("weights", weights, (n,))[:, None]
        _count(self._sums, rows, signed, checked_elapsed(n, elapsed), np.asarray(self.half_lives))

    def features(self, users: Rows) -> Float32s:
        """The sums at each user's latest update [n, half-lives, dim]."""
        return self._sums[checked_users(users, self.n_users)]

    def snapshot(self) -> Arrays:
        """Copies of all state, by name."""
        return {"sums": self._sums.copy()}

    def restore(self, state: Arrays) -> None:
        """Go back to a snapshot, its number of users included."""
        self._sums = restored("sums", state, self._sums)
        self.n_users = len(self._sums)


@kernel
def _count(sums: Float32s, users: Int64s, signed: Float32s, elapsed: Float32s, half_lives: Floats) -> None:
    """Row by row, because numpy's vectorised exp2 may differ in the last bit with the size of the batch."""
    for row in range(users.size):
        for h in range(half_lives.size):
            kept = np.float32(2.0 ** (-elapsed[row] / half_lives[h]))
            for j in range(signed.shape[1]):
                sums[users[row], h, j] = kept * sums[users[row], h, j] + signed[row, j]
