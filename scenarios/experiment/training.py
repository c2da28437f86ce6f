"""What each arm's agent learns from: its own arm's visits, everybody's, or nothing new."""

from typing import Literal

import numpy as np

from driftline.agents.users import take_rows
from driftline.sim import keyed
from driftline.sim.keyed import Stream
from driftline.sim.types import Bools, Feedback, Floats, Int64s

Training = Literal["pooled", "diverted", "snapshot", "weighted"]
TRAININGS: tuple[Training, ...] = ("pooled", "diverted", "snapshot", "weighted")
WEIGHTED = 3
"""Place of the thinning in the key."""


class Exposure:
    """How often each arm has shown each item, up to the last tick boundary."""

    def __init__(self) -> None:
        self._settled: Int64s = np.zeros((2, 0), np.int64)
        self._waiting: Int64s = np.zeros((2, 0), np.int64)

    def note(self, feedback: Feedback, in_b: Bools) -> None:
        """Count slates, to be known from the next tick boundary on."""
        top = max(int(feedback.items.max()) + 1 if feedback.items.size else 0, self._waiting.shape[1])
        counts = [np.bincount(feedback.items[of_arm].ravel(), minlength=top) for of_arm in (~in_b, in_b)]
        self._waiting = _sum(self._waiting, np.stack(counts))

    def settle(self) -> None:
        """A tick boundary."""
        self._settled = _sum(self._settled, self._waiting)
        self._waiting = np.zeros_like(self._waiting)

    def likeness(self, feedback: Feedback, arm: int) -> Floats:
        """How likely arm `arm` (0 or 1) is to have shown these slates, beside the other arm, in [0, 1] [n].

        Mean over positions of min(1, share of the item in this arm's slates / share in the other's); items seen in
        neither count as 1.
        """
        known = np.zeros((2, max(int(feedback.items.max(initial=0)) + 1, self._settled.shape[1])))
        known[:, : self._settled.shape[1]] = self._settled
        share = (known + 0.5) / (known + 0.5).sum(axis=1, keepdims=True)
        ratio = np.minimum(1.0, share[arm] / share[1 - arm])
        mean: Floats = ratio[feedback.items].mean(axis=1)
        return mean


def lesson(training: Training, feedback: Feedback, own: Bools, exposure: Exposure, arm: int, seed: int) -> Feedback:
    """The part of a round's feedback that an arm's agent learns from; `own` [n]: visits that it served.

    `weighted` thins the other arm's visits to those that this arm might have produced, by a keyed draw: weighted
    training (Si 2023, "Tackling interference induced by data training loops in A/B tests") without asking agents to
    take weights.
    """
    if training == "pooled":
        return feedback
    if training == "weighted" and not own.all():
        draw = keyed.uniforms(seed, Stream.ASSIGNMENT, feedback.user, feedback.visit, WEIGHTED)
        return take_rows(feedback, np.flatnonzero(own | (draw < exposure.likeness(feedback, arm))))
    return take_rows(feedback, np.flatnonzero(own))


def _sum(a: Int64s, b: Int64s) -> Int64s:
    total = np.zeros((2, max(a.shape[1], b.shape[1])), np.int64)
    total[:, : a.shape[1]] += a
    total[:, : b.shape[1]] += b
    return total
