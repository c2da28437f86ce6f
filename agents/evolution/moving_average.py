"""Moving average: the strong simple rival, an average of what was chosen above what was shown."""

from typing import ClassVar

import numpy as np

from driftline.agents.evolution._base import (
    Arrays,
    Graded,
    Reals,
    Rows,
    checked_events,
    checked_users,
    grown,
    require_number,
    restored,
)
from driftline.agents.tuning_range import Range
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Int64s

ZERO, ONE = np.float32(0.0), np.float32(1.0)


class MovingAverage:
    """Exponential moving average of (chosen vector - mean of the slate), in the space of the items.

    m <- decay m + (1 - decay) (v_chosen - mean of slate); where nothing was chosen, the whole slate is a
    negative, -skip * mean of slate. An explicit judgement adds (1 - decay) * weight * value * v. The interest
    is scale * m. (A plain average of chosen vectors ignores the slate and the refusals; it is half as good.)

    decay: kept per event, in [0, 1); elapsed time plays no part. scale: from averages to utilities, > 0.
    skip: weight of a refused slate, >= 0. The offset of an update plays no part.
    """

    space: ClassVar[dict[str, Range]] = {
        "decay": Range(0.7, 0.995),
        "scale": Range(1.0, 60.0, log=True),
        "skip": Range(0.0, 2.0, natural_low=True),
    }

    def __init__(self, n_users: int, dim: int, *, decay: float = 0.97, scale: float = 24.0, skip: float = 1.0) -> None:
        require_number("n_users", n_users, n_users >= 0, ">= 0")
        require_number("dim", dim, dim >= 1, ">= 1")
        require_number("decay", decay, 0 <= decay < 1, "in [0, 1)")
        require_number("scale", scale, 0 < scale < np.inf, "finite and > 0")
        require_number("skip", skip, 0 <= skip < np.inf, "finite and >= 0")
        self.n_users = n_users
        self.dim = dim
        self.decay = decay
        self.scale = scale
        self.skip = skip
        self._average = np.zeros((n_users, dim), np.float32)

    def grow(self, n_users: int) -> None:
        """Make room for more users; new ones start at 0."""
        self._average = grown(self._average, n_users, 0.0)
        self.n_users = n_users

    def update(
        self,
        users: Rows,
        item_vectors: Reals,
        choice: Rows,
        elapsed: Reals,
        offset: Reals | None = None,
        graded: Graded | None = None,
    ) -> None:
        """Take in one event of each of these users; shapes as in `Tracker.update`."""
        e = checked_events(self.n_users, self.dim, users, item_vectors, choice, elapsed, offset, graded)
        value = e.graded.weight * (2 * e.graded.target - 1)
        decay, skip = np.float32(self.decay), np.float32(self.skip)
        _average(self._average, e.users, e.items, e.choice, e.graded.vector, value, decay, skip)

    def mean(self, users: Rows) -> Float32s:
        """The present interest vectors [n, dim]."""
        return np.float32(self.scale) * self._average[checked_users(users, self.n_users)]

    def snapshot(self) -> Arrays:
        """Copies of all state, by name."""
        return {"average": self._average.copy()}

    def restore(self, state: Arrays) -> None:
        """Go back to a snapshot, its number of users included."""
        self._average = restored("average", state, self._average)
        self.n_users = len(self._average)


@kernel
def _average(
    average: Float32s,
    users: Int64s,
    items: Float32s,
    choice: Int64s,
    judged: Float32s,
    value: Float32s,
    decay: np.float32,
    skip: np.float32,
) -> None:
    n, m, dim = items.shape
    shown = np.empty(dim, np.float32)
    for row in range(n):
        user = users[row]
        nothing = choice[row] == m
        shown[:] = ZERO
        for i in range(m):
            for j in range(dim):
                shown[j] += items[row, i, j]
        part = (skip if nothing else ONE) / np.float32(m)
        for j in range(dim):
            step = -part * shown[j]
            if not nothing:
                step += items[row, choice[row], j]
            if value.size:
                step += value[row] * judged[row, j]
            average[user, j] = decay * average[user, j] + (ONE - decay) * step
