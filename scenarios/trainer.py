"""The one trainer of a simulated shop: jobs take simulated time, one after the other."""

from collections.abc import Sequence

from driftline.agents.protocol import Job


class Trainer:
    """A queue of capacity one; a job that waits ends later, so staleness is visible."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, str]] = []

    def take(self, jobs: Sequence[Job], now: float) -> None:
        """Start jobs at day `now`, each when the trainer is free."""
        for job in jobs:
            free = max(now, self._queue[-1][0]) if self._queue else now
            self._queue.append((free + job.days, job.name))

    def over(self, now: float) -> list[str]:
        """Names of the jobs that have ended by day `now`, in order; each is told once."""
        ended = [name for end, name in self._queue if end <= now + 1e-9]
        self._queue = [entry for entry in self._queue if entry[0] > now + 1e-9]
        return ended
