"""The latest visit of every user, kept until the user comes again and what was said about it is known."""

from dataclasses import dataclass

import numpy as np

from driftline.agents.users import UserRows
from driftline.sim.types import (
    NONE,
    BehaviorKind,
    Behaviors,
    Bools,
    Feedback,
    Float32s,
    Floats,
    Int8s,
    Int32s,
    Int64s,
)


@dataclass(frozen=True, slots=True)
class LastVisits:
    """Visits that count now, one row each, no user twice."""

    rows: Int64s
    time: Floats
    elapsed: Float32s
    """Days since the user's visit before that one, 0 for the first."""
    items: Int32s
    """[n, L]."""
    choice: Int8s
    rating: Float32s
    comment: Int32s
    """Segment code, or `NONE`."""
    features: Floats
    """[n, L, F], as they were when the slate was shown."""
    appeal: Float32s
    """[n, L], in utility, as it was then."""


class Pending:
    """One visit per user. slate: L. experts: F."""

    def __init__(self, slate: int, experts: int) -> None:
        self._waits: Bools = np.zeros(0, np.bool_)
        self._time: Floats = np.zeros(0)
        self._before: Floats = np.zeros(0)
        self._items: Int32s = np.zeros((0, slate), np.int32)
        self._choice: Int8s = np.zeros(0, np.int8)
        self._rating: Float32s = np.zeros(0, np.float32)
        self._comment: Int32s = np.zeros(0, np.int32)
        self._features: Floats = np.zeros((0, slate, experts))
        self._appeal: Float32s = np.zeros((0, slate), np.float32)

    def grow(self, users: int) -> None:
        """Make room for more users."""
        for name, array in list(vars(self).items()):
            more = np.zeros((users - len(array), *array.shape[1:]), array.dtype)
            setattr(self, name, np.concatenate([array, more]))

    def keep(self, rows: Int64s, feedback: Feedback, features: Floats, appeal: Floats) -> None:
        """Keep these users' visit; the visit before must have been taken."""
        self._waits[rows] = True
        self._time[rows] = feedback.time
        self._items[rows] = feedback.items
        self._choice[rows] = feedback.choice
        self._rating[rows] = feedback.rating
        self._comment[rows] = NONE
        self._features[rows] = features
        self._appeal[rows] = appeal

    def note(self, rows: Int64s, comment: Int32s) -> None:
        """What was said about the kept visits."""
        self._comment[rows] = comment

    def said(self, rows: Int64s) -> Int32s:
        """What was noted of the kept visits [n]."""
        return self._comment[rows]

    def comments(self, users: UserRows, behaviors: Behaviors, rows: Int64s) -> Int32s:
        """The comment on each row's kept visit, from the behaviours that have arrived since [n]."""
        said = (behaviors.kind == BehaviorKind.CONSUME) & (behaviors.expressed != NONE)
        self._comment[users.find(behaviors.user[said])] = behaviors.expressed[said]
        return self._comment[rows]

    def take(self, rows: Int64s, comments: Int32s) -> LastVisits:
        """The kept visits of those rows that have one; they no longer wait."""
        has = self._waits[rows]
        who = rows[has]
        time = self._time[who]
        elapsed = np.where(self._before[who] > 0.0, time - self._before[who], 0.0).astype(np.float32)
        self._before[who] = time
        self._waits[who] = False
        return LastVisits(
            who,
            time,
            elapsed,
            self._items[who],
            self._choice[who],
            self._rating[who],
            comments[has],
            self._features[who],
            self._appeal[who],
        )
