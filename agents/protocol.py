"""What every agent promises the runner (`AgentProtocol`), and the jobs that it may start.

`driftline.Agent` is the base class that keeps the protocol; nothing needs to be inherited.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
