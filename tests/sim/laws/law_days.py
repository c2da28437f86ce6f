"""One law alone, day by day, through the same compiled loops that a world uses."""

import numpy as np

from driftline.sim import keyed
from driftline.sim.laws import Law
from driftline.sim.laws._loops import daily_loop, start_loop
from driftline.sim.types import Bools, Float32s, Floats

SEED, STREAM, HORIZON = 5, 1000, 60.0


def homes(users: int, topics: int, spread: float = 2.0) -> Floats:
    """Home interests [N, K]."""
    rows = keyed.normals(SEED, keyed.Stream.HOME, np.arange(users)[:, None], np.arange(topics))
    return np.ascontiguousarray(spread * rows)


def live(law: Law, home: Floats, days: int, components: Float32s | None = None) -> tuple[Float32s, Bools]:
    """Components [days + 1, N, K] and change points [days + 1, N] of users with these homes [N, K].

    components: what day 0 starts from [N, K], instead of the law's own start.
    """
    users, (n, topics) = np.arange(len(home)), home.shape
    state = np.zeros((n, 1, topics), np.float32)
    shared, numbers, kind = law.shared(topics, SEED), law.numbers(), type(law)
    if components is not None:
        state[:, 0] = components
    elif kind.start is not None:
        start_loop(kind.start)(state, 0, home, users, SEED, STREAM, HORIZON, shared, numbers)
    path = np.empty((days + 1, n, topics), np.float32)
    changes = np.zeros((days + 1, n), np.bool_)
    path[0] = state[:, 0]
    last = np.zeros(n, np.int32)
    for day in range(1, days + 1):
        if kind.advance is not None:
            move = daily_loop(kind.advance, law.noisy, kind.stirs)
            move(state, 0, home, users, last, day, SEED, STREAM, HORIZON, shared, numbers, changes[day])
        last[:] = day
        path[day] = state[:, 0]
    return path, changes
