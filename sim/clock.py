"""Event time, kept by SimPy, and when users come.

Callback events only: a generator process could be neither copied nor forked. A user's sessions are a Poisson process
of its own, with visits within a session minutes apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import simpy

from driftline.sim.kernel import kernel
from driftline.sim.keyed import open_unit, philox
from driftline.sim.types import Floats, Int32s, Int64s


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that will happen: at `time` (days), of a `kind`, about some `items`."""

    time: float
    kind: str
    items: Int32s


class Clock:
    """Runs the calendar of a world up to the next tick and tells the world what happened on the way.

    The agenda is data; SimPy orders it (time, then order of entry) and calls back. A fork is a new SimPy
    environment at the same time with the same entries.
    """

    def __init__(self, tell: Callable[[Entry], None], now: float = 0.0) -> None:
        self._environment = simpy.Environment(initial_time=now)
        self._agenda: dict[int, Entry] = {}
        self._entered = 0
        self._tell = tell

    @property
    def now(self) -> float:
        """Days since the start."""
        return float(self._environment.now)

    def enter(self, entry: Entry) -> None:
        """Put an entry on the agenda; its time must not be past."""
        number = self._entered
        self._entered += 1
        self._agenda[number] = entry
        event = self._environment.timeout(max(0.0, entry.time - self.now), value=number)
        event.callbacks.append(self._happen)

    def run_until(self, time: float) -> None:
        """Let everything happen whose time is at most `time`, in order; `now` becomes `time`."""
        # SimPy's own `until` stops before events at that very time; a tick boundary includes them.
        while self._environment.peek() <= time:
            self._environment.step()
        if time > self.now:
            self._environment.run(until=time)

    def fork(self, tell: Callable[[Entry], None]) -> "Clock":
        """The same agenda at the same time, telling somebody else."""
        twin = Clock(tell, self.now)
        for number in sorted(self._agenda):
            twin.enter(self._agenda[number])
        return twin

    def __getstate__(self) -> "tuple[Callable[[Entry], None], float, list[Entry]]":
        """The agenda as data: SimPy's own environment cannot be stored."""
        return self._tell, self.now, [self._agenda[number] for number in sorted(self._agenda)]

    def __setstate__(self, state: "tuple[Callable[[Entry], None], float, list[Entry]]") -> None:
        tell, now, agenda = state
        Clock.__init__(self, tell, now)
        for entry in agenda:
            self.enter(entry)

    def _happen(self, event: simpy.Event) -> None:
        number: int = event.value  # type: ignore[assignment]
        self._tell(self._agenda.pop(number))


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
