"""What the composed agent keeps of users: the latest visit, a history of events, and a log of choices.

`Pending` keeps a visit until the user comes again, when what was said about it is known; `History` is read by the
temporal head; `ChoiceLog` holds what models are fitted on, in one order whatever the batches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.agents.predictor.sequences import Sequences
from driftline.agents.users import UserRows
from driftline.sim.types import NONE, BehaviorKind, Behaviors, Bools, Feedback, Float32s, Floats, Int8s, Int32s, Int64s

Columns = dict[str, NDArray[np.generic]]


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


class History:
    """A row of at most `longest` events per user: (taken - slate mean) vectors, times, sentiments.

    dim: length of an event's vector.
    """

    def __init__(self, dim: int, longest: int = 64) -> None:
        self._longest = longest
        self._vectors = np.zeros((1024, dim), np.float32)
        self._events = 0
        self._count = np.empty(0, np.int64)
        self._sequences = self._empty(0)

    def grow(self, users: int) -> None:
        """Make room for more users."""
        more = users - len(self._count)
        if more > 0:
            self._count = np.concatenate([self._count, np.zeros(more, np.int64)])
            old, new = self._sequences, self._empty(more)
            self._sequences = Sequences(
                *(np.concatenate([getattr(old, n), getattr(new, n)]) for n in ("index", "time", "sentiment", "kind"))
            )

    def add(self, rows: Int64s, vectors: Float32s, time: Floats, sentiment: Float32s) -> None:
        """One event of each of these users, no user twice; sentiment 0 where nothing is known."""
        need = self._events + rows.size
        if need > len(self._vectors):
            grown = np.zeros((2 * need, self._vectors.shape[1]), np.float32)
            grown[: self._events] = self._vectors[: self._events]
            self._vectors = grown
        self._vectors[self._events : need] = vectors
        full = rows[self._count[rows] == self._longest]
        for name in ("index", "time", "sentiment", "kind"):
            column = getattr(self._sequences, name)
            column[full, :-1] = column[full, 1:]
        self._count[full] -= 1
        place = self._count[rows]
        self._sequences.index[rows, place] = np.arange(self._events, need, dtype=np.int32)
        self._sequences.time[rows, place] = time
        self._sequences.sentiment[rows, place] = sentiment
        self._count[rows] += 1
        self._events = need

    @property
    def sequences(self) -> Sequences:
        """All users' events."""
        return self._sequences

    def of(self, rows: Int64s) -> Sequences:
        """The events of these users, in this order."""
        held = self._sequences
        return Sequences(held.index[rows], held.time[rows], held.sentiment[rows], held.kind[rows])

    @property
    def vectors(self) -> Float32s:
        """The events' vectors [events, dim]."""
        return self._vectors[: max(self._events, 1)]

    def _empty(self, users: int) -> Sequences:
        shape = (users, self._longest)
        return Sequences(
            np.full(shape, NONE, np.int32),
            np.full(shape, np.inf),
            np.zeros(shape, np.float32),
            np.full(shape, BehaviorKind.CONSUME, np.int8),
        )


@dataclass
class ChoiceLog:
    """Rows wait in `add` until `settle`, which is for tick boundaries; then they stand by (time, user).

    keep: at most this many latest rows are kept.
    """

    keep: int
    rows: Columns | None = None
    waiting: list[Columns] | None = None

    def __post_init__(self) -> None:
        if self.keep < 1:
            raise ValueError(f"keep = {self.keep} rows: must be >= 1")

    def add(self, **columns: NDArray[np.generic]) -> None:
        """Add rows; `time` and `user` are needed, all columns have as many rows."""
        self.waiting = [*(self.waiting or []), columns]

    def settle(self) -> None:
        """Put the waiting rows in order behind the settled ones and drop the oldest beyond `keep`."""
        if not self.waiting:
            return
        fresh = {name: np.concatenate([part[name] for part in self.waiting]) for name in self.waiting[0]}
        order = np.lexsort((fresh["user"], fresh["time"]))
        fresh = {name: column[order] for name, column in fresh.items()}
        held = self.rows
        joined = {name: np.concatenate([held[name], column]) if held else column for name, column in fresh.items()}
        self.rows = {name: column[-self.keep :] for name, column in joined.items()}
        self.waiting = None

    def __len__(self) -> int:
        return len(self.rows["time"]) if self.rows else 0
