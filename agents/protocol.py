"""What every agent promises the runner (`AgentProtocol`), the jobs it may start, and what the tuner may search.

`driftline.Agent` is the base class that keeps the protocol; nothing needs to be inherited.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log
from typing import Protocol, runtime_checkable

from driftline.sim.types import Feedback, Float32s, Floats, Int32s, Int64s, Observation, Setting, Slates


@dataclass(frozen=True, slots=True)
class Job:
    """Work that takes simulated time, for instance a retraining; `finish(name)` is called when it is over."""

    name: str
    days: float
    """Simulated duration; 0 finishes at the very next tick boundary."""


@runtime_checkable
class AgentProtocol(Protocol):
    """Recommends slates and learns from what happens. numpy and Polars only cross this border.

    Order of calls: `reset` once; then at every tick boundary `finish` for each job that is over, then
    `tick`; within a tick any number of rounds of `act` and `learn`. Whatever is shared between users may change in
    `tick` and `finish` only (and by items announced in `Observation.arrived`), so that results do not
    depend on how visits are batched. An agent with a constructor takes keyword arguments with defaults.
    """

    def reset(self, setting: Setting) -> None:
        """Start anew in this setting; the warm-up's log is the first thing to learn from."""

    def act(self, observation: Observation) -> Slates:
        """One slate per observed user; per-user state may take in `observation.behaviors` here."""

    def learn(self, feedback: Feedback) -> None:
        """Take in what happened after the latest `act`.

        It may tell of some of those users only, and of other slates than `act` returned: where an experiment or a
        business rule showed something else.
        """

    def tick(self, now: float) -> Sequence[Job]:
        """A tick boundary at day `now`; may start jobs."""

    def finish(self, job: str) -> None:
        """A job has ended; its result may be put to use."""

    def score(self, users: Int64s, items: Int32s) -> Floats:
        """How much each user would like each item now, any increasing scale: pure, finite, `[n, m]`."""

    def snapshot(self) -> object:
        """The agent's whole state; later calls do not change it."""

    def restore(self, state: object) -> None:
        """Go back to a snapshot."""


@runtime_checkable
class HasItemSpace(Protocol):
    """An agent that ranks by item vectors."""

    def item_space(self, items: Int32s) -> Float32s:
        """The vectors of these items [m, d]."""


@dataclass(frozen=True, slots=True)
class Range:
    """A parameter's search range; an agent class states `space: ClassVar[dict[str, Range]]`.

    A best value within 2 % of an edge means that the range was too narrow, unless the edge is natural: a
    bound beyond which the parameter has no meaning (a probability's 0 or 1), or where the method is off.
    """

    low: float
    high: float
    log: bool = False
    """Search evenly in the logarithm."""
    natural_low: bool = False
    natural_high: bool = False
    whole: bool = False
    """Whole numbers only."""

    def __post_init__(self) -> None:
        if not (isfinite(self.low) and isfinite(self.high) and self.low < self.high):
            raise ValueError(f"Range low = {self.low}, high = {self.high}: must be finite, low < high")
        if self.log and self.low <= 0:
            raise ValueError(f"Range low = {self.low}: must be > 0 on a logarithmic scale")

    def at(self, share: float) -> float | int:
        """The value at a share of the way from low (0) to high (1)."""
        value = min(max(self._beyond(share), self.low), self.high)
        return round(value) if self.whole else value

    def share(self, value: float) -> float:
        """How far a value lies between low (0) and high (1)."""
        if self.log:
            return (log(value) - log(self.low)) / (log(self.high) - log(self.low))
        return (value - self.low) / (self.high - self.low)

    def edge(self, value: float, margin: float = 0.02) -> str | None:
        """`low` or `high` where a value lies within `margin` of an edge that is not natural."""
        share = self.share(value)
        if share < margin and not self.natural_low:
            return "low"
        return "high" if share > 1.0 - margin and not self.natural_high else None

    def added(self, edge: str) -> "Range | None":
        """Half a width beyond an edge; a lower edge on a plain scale stops at 0. None if nothing is left."""
        low, high = (self.high, self._beyond(1.5)) if edge == "high" else (self._beyond(-0.5), self.low)
        if edge == "low" and not self.log and self.low >= 0.0:
            low = max(low, 0.0)
        return replace(self, low=low, high=high) if low < high else None

    def widened(self, edge: str) -> "Range":
        """The range with what `added` gives."""
        more = self.added(edge)
        return replace(self, low=min(self.low, more.low), high=max(self.high, more.high)) if more else self

    def _beyond(self, share: float) -> float:
        """The value at any share, below 0 and above 1 too."""
        if self.log:
            return exp(log(self.low) + share * (log(self.high) - log(self.low)))
        return self.low + share * (self.high - self.low)
