"""Scores of candidates: every user vector against every candidate's item vector, row by row."""

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int32s


def candidate_scores(user_vectors: Float32s, item_vectors: Float32s, items: Int32s) -> Floats:
    """u . v for each of a user's V vectors [n, V, d] and each of its items: [n, m, V].

    items: `[m]`, the same for all, or `[n, m]`; rows of item_vectors [I, d]. Summed in float32 products and float64
    sums in the order of the columns: the bits depend on no other row.
    """
    pool = np.atleast_2d(items)
    out = np.empty((len(user_vectors), pool.shape[1], user_vectors.shape[1]))
    _scores(np.ascontiguousarray(user_vectors), item_vectors, np.ascontiguousarray(pool), out)
    return out


@kernel
def _scores(user_vectors: Float32s, item_vectors: Float32s, items: Int32s, out: Floats) -> None:
    n, several, dim = user_vectors.shape
    shared = items.shape[0] == 1
    for i in range(n):
        row = items[0] if shared else items[i]
        for j in range(row.size):
            vector = item_vectors[row[j]]
            for v in range(several):
                total = 0.0
                for k in range(dim):
                    total += float(user_vectors[i, v, k]) * float(vector[k])
                out[i, j, v] = total
