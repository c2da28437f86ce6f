"""What users did as arrays, and sums of it that fade at several speeds: the form in which heads read it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.sim.kernel import kernel
from driftline.sim.types import NONE, BehaviorKind, Float32s, Floats, Int8s, Int32s, Int64s


@dataclass(frozen=True, slots=True)
class Sequences:
    """Behaviours of n users, one row each, oldest first, padded at the end to T events.

    `index` points into a matrix of vectors `[S, d]` that goes with the sequences: one row per text segment,
    per item, or (say, for vectors centred on the slate) per event. `NONE` is padding, or an event without a
    vector.
    """

    index: Int32s
    """Row of the event's vector [n, T]."""
    time: Floats
    """Days, ascending within a row; +inf in the padding [n, T]."""
    sentiment: Float32s
    """In [-1, 1]; 0 where nothing is known [n, T]."""
    kind: Int8s
    """A `BehaviorKind` [n, T]."""

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def of(
        cls,
        row: ArrayLike,
        time: ArrayLike,
        index: ArrayLike,
        sentiment: ArrayLike = 0.0,
        kind: ArrayLike = 0,
        *,
        users: int,
        longest: int | None = None,
    ) -> "Sequences":
        """Pack flat events `[e]`, in any order; events of one user at one time keep the order they came in.

        row: user row in `[0, users)`. longest: keep only this many latest events of each user.
        Raises `ValueError` for rows outside the range, times that are not finite, sentiment outside [-1, 1].
        """
        rows = np.asarray(row, np.int64)
        when = np.asarray(time, np.float64)
        felt = np.broadcast_to(np.asarray(sentiment, np.float32), rows.shape)
        kinds = np.broadcast_to(np.asarray(kind, np.int8), rows.shape)
        _check(rows, when, felt, users)
        order = np.lexsort((when, rows))
        rows = rows[order]
        ends = np.searchsorted(rows, np.arange(users), side="right")
        starts = np.searchsorted(rows, np.arange(users), side="left")
        if longest is not None:
            starts = np.maximum(starts, ends - longest)
        keep = np.arange(rows.size) >= starts[rows]
        order, rows = order[keep], rows[keep]
        place = np.arange(keep.size)[keep] - starts[rows]
        shape = (users, int((ends - starts).max(initial=0)))
        packed = cls(
            np.full(shape, NONE, np.int32),
            np.full(shape, np.inf),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.int8),
        )
        packed.index[rows, place] = np.asarray(index, np.int32)[order]
        packed.time[rows, place] = when[order]
        packed.sentiment[rows, place] = felt[order]
        packed.kind[rows, place] = kinds[order]
        return packed


def _check(rows: Int64s, when: Floats, felt: Float32s, users: int) -> None:
    if rows.size and not (rows.min() >= 0 and rows.max() < users):
        raise ValueError(f"row spans {rows.min()} to {rows.max()}; legal is 0 to {users - 1} for users={users}")
    if not np.isfinite(when).all():
        raise ValueError("time holds a value that is not finite; leave such events out")
    if not (np.abs(felt) <= 1.0).all():
        raise ValueError(f"sentiment reaches {felt[~(np.abs(felt) <= 1.0)][0]}; legal is -1 to 1, 0 for unknown")


CHANNELS = len(BehaviorKind) + 1
"""One sum per kind of behaviour, then one weighted by sentiment."""


def pool(sequences: Sequences, vectors: Float32s, rows: Int64s, at: Floats, scales: Floats) -> Float32s:
    """Decayed sums for queries (row, time): `[m, CHANNELS, K, d]`.

    out[q, c, k] = sum over events of row q with time < at[q] of w_c exp(-(at - time) / scales[k]) vector,
    with w_c = 1 if the event is of kind c, else 0, and for the last channel the sentiment. Events at `at`
    itself are still to come. Additions run in the order of events: a query's bits depend on no other query.

    vectors: [S, d]. rows, at: [m]. scales: time constants in days [K].
    """
    out = np.zeros((len(rows), CHANNELS, len(scales), vectors.shape[1]), np.float32)
    events = (sequences.index, sequences.time, sequences.sentiment, sequences.kind)
    _pool(
        *events,
        np.ascontiguousarray(vectors, np.float32),
        rows.astype(np.int64),
        at.astype(np.float64),
        scales,
        out,
    )
    return out


@kernel
def _pool(
    index: Int32s,
    time: Floats,
    sentiment: Float32s,
    kind: Int8s,
    vectors: Float32s,
    rows: Int64s,
    at: Floats,
    scales: Floats,
    out: NDArray[np.float32],
) -> None:
    last = out.shape[1] - 1
    for q in range(rows.size):
        u = rows[q]
        for t in range(index.shape[1]):
            gap = at[q] - time[u, t]
            if gap <= 0.0:
                break
            i = index[u, t]
            if i < 0:
                continue
            for k in range(scales.size):
                weight = np.float32(np.exp(-gap / scales[k]))
                felt = weight * sentiment[u, t]
                for j in range(vectors.shape[1]):
                    out[q, kind[u, t], k, j] += weight * vectors[i, j]
                    out[q, last, k, j] += felt * vectors[i, j]
