"""The latest events of every user, as the temporal head reads them."""

import numpy as np

from driftline.agents.predictor.sequences import Sequences
from driftline.sim.types import NONE, BehaviorKind, Float32s, Floats, Int64s


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
