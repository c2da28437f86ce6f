"""Sums of what a user did, fading at several speeds."""

import numpy as np
from numpy.typing import NDArray

from driftline.agents.predictor.sequences import Sequences
from driftline.sim.kernel import kernel
from driftline.sim.types import BehaviorKind, Float32s, Floats, Int8s, Int32s, Int64s

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
