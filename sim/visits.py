"""When users come: sessions as a Poisson process of each user's own, visits within a session minutes apart."""

from math import log

from driftline.sim.kernel import kernel
from driftline.sim.keyed import open_unit, philox
from driftline.sim.types import Floats, Int32s, Int64s

HOUR = 1.0 / 24.0
MINUTE = HOUR / 60.0


@kernel
def schedule_next(
    users: Int64s,
    visit: Int32s,
    next_visit: Floats,
    gap_days: Floats,
    more: float,
    gap_minutes: float,
    seed: int,
    stream: int,
) -> None:
    """Move `users` on to their next visit. The gap is keyed by (user, visit): twins keep one calendar."""
    for user in users:
        visit[user] += 1
        w0, w1, _, _ = philox(user, visit[user], 0, 0, seed, stream)
        wait = -log(open_unit(w1))
        if open_unit(w0) < more:
            next_visit[user] += min(HOUR, 0.2 * MINUTE + gap_minutes * MINUTE * wait)
        else:
            next_visit[user] += HOUR + gap_days[user] * wait
