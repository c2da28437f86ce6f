"""Online gradient: one step per event up the likelihood of what was chosen."""

from math import exp
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
from driftline.sim.types import Float32s, Floats, Int64s

ZERO = np.float32(0.0)


class OnlineGradient:
    """Gradient steps on the multinomial-logit log-likelihood of each choice (Zinkevich 2003, with decay).

    m <- decay m, then m <- m + step (v_chosen - sum_i p_i v_i), where p_i is proportional to
    exp(m.v_i + offset_i) and p of "nothing", whose vector is 0, to exp(outside). An explicit judgement
    y = (1 + value)/2 adds step * weight * (y - sigmoid(m.v - outside)) v, at the same decayed m.

    step: > 0. decay: kept per event, in (0, 1]; elapsed time plays no part. outside: utility of nothing.
    """

    space: ClassVar[dict[str, Range]] = {
        "step": Range(0.05, 4.0, log=True),
        "decay": Range(0.8, 1.0, natural_high=True),
    }

    def __init__(self, n_users: int, dim: int, *, step: float = 1.0, decay: float = 0.99, outside: float = 1.0) -> None:
        require_number("n_users", n_users, n_users >= 0, ">= 0")
        require_number("dim", dim, dim >= 1, ">= 1")
        require_number("step", step, 0 < step < np.inf, "finite and > 0")
        require_number("decay", decay, 0 < decay <= 1, "in (0, 1]")
        require_number("outside", outside, bool(np.isfinite(outside)), "finite")
        self.n_users = n_users
        self.dim = dim
        self.step = step
        self.decay = decay
        self.outside = outside
        self._interest = np.zeros((n_users, dim), np.float32)

    def grow(self, n_users: int) -> None:
        """Make room for more users; new ones start at 0."""
        self._interest = grown(self._interest, n_users, 0.0)
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
        e = checked_events(self.n_users, self.dim, users, item_vectors, choice, elapsed, offset, graded, self.outside)
        judged, target, weight = e.graded.vector, e.graded.target, e.graded.weight
        numbers = np.array([self.step, self.decay, self.outside])
        _ascend(self._interest, e.users, e.items, e.choice, e.offset, judged, target, weight, e.graded.known, numbers)

    def mean(self, users: Rows) -> Float32s:
        """The present interest vectors [n, dim]."""
        return self._interest[checked_users(users, self.n_users)]

    def snapshot(self) -> Arrays:
        """Copies of all state, by name."""
        return {"interest": self._interest.copy()}

    def restore(self, state: Arrays) -> None:
        """Go back to a snapshot, its number of users included."""
        self._interest = restored("interest", state, self._interest)
        self.n_users = len(self._interest)


@kernel
def _probabilities(theta: Floats, items: Float32s, offset: Float32s, outside: float, p: Floats) -> None:
    m = items.shape[0]
    top = outside
    p[m] = outside
    for i in range(m):
        utility = float(offset[i])
        for j in range(theta.size):
            utility += theta[j] * items[i, j]
        p[i] = utility
        top = max(top, utility)
    total = 0.0
    for i in range(m + 1):
        p[i] = exp(p[i] - top)
        total += p[i]
    for i in range(m + 1):
        p[i] /= total


@kernel
def _ascend(
    interest: Float32s,
    users: Int64s,
    items: Float32s,
    choice: Int64s,
    offset: Float32s,
    judged: Float32s,
    target: Float32s,
    weight: Float32s,
    known: Float32s,
    numbers: Floats,
) -> None:
    """State is float32; each step is computed in float64."""
    n, m, dim = items.shape
    step, decay, outside = numbers
    theta, gradient, p = np.empty(dim), np.empty(dim), np.empty(m + 1)
    for row in range(n):
        user = users[row]
        for j in range(dim):
            theta[j] = decay * interest[user, j]
            gradient[j] = items[row, choice[row], j] if choice[row] < m else ZERO
        _probabilities(theta, items[row], offset[row], outside, p)
        for i in range(m):
            for j in range(dim):
                gradient[j] -= p[i] * items[row, i, j]
        if target.size:
            logit = float(known[row])
            for j in range(dim):
                logit += theta[j] * judged[row, j]
            surprise = weight[row] * (target[row] - 1.0 / (1.0 + exp(-logit)))
            for j in range(dim):
                gradient[j] += surprise * judged[row, j]
        for j in range(dim):
            interest[user, j] = theta[j] + step * gradient[j]
