"""Products, softmax and scores whose bits depend on their own row only, whatever the batch.

BLAS adds up a row's products in another order when the number of rows changes; these loops never do, so a score is the
same whether a user comes alone or among thousands.
"""

from math import exp

import numpy as np
from numpy.typing import NDArray

from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int32s

BLOCK_ROWS = 256


def row_products(x: Floats | Float32s, weights: Floats) -> Floats:
    """`x @ weights` in float64: `[n, p]` times `[p, c]`, each row added up in the same order in any batch."""
    return _products(_dense(x), _dense(weights))


def row_softmax(logits: Floats) -> Floats:
    """Softmax of each row `[n, c]`, alike in any batch."""
    return _softmax(_dense(logits))


def candidate_scores(user_vectors: Float32s, item_vectors: Float32s, items: Int32s) -> Floats:
    """u . v for each of a user's V vectors [n, V, d] and each of its items: [n, m, V].

    items: `[m]`, the same for all, or `[n, m]`; rows of item_vectors [I, d]. Summed in float32 products and float64
    sums in the order of the columns: the bits depend on no other row.
    """
    pool = np.atleast_2d(items)
    out = np.empty((len(user_vectors), pool.shape[1], user_vectors.shape[1]))
    _scores(np.ascontiguousarray(user_vectors), item_vectors, np.ascontiguousarray(pool), out)
    return out


def product(left: Floats, right: Floats) -> Floats:
    """`left @ right` in blocks of exactly 256 rows, the last one padded with zeros.

    BLAS takes other paths for other row counts, which changes the last bits of wide products.
    """
    out = np.empty((len(left), right.shape[1]))
    block = np.zeros((BLOCK_ROWS, left.shape[1]))
    for start in range(0, len(left), BLOCK_ROWS):
        rows = left[start : start + BLOCK_ROWS]
        block[: len(rows)] = rows
        block[len(rows) :] = 0.0
        out[start : start + BLOCK_ROWS] = (block @ right)[: len(rows)]
    return out


def _dense(x: NDArray[np.floating]) -> Floats:
    return np.ascontiguousarray(x, dtype=np.float64)


# -- compiled --------------------------------------------------------------------------------------------------


@kernel
def _products(x: Floats, weights: Floats) -> Floats:
    n, width = x.shape
    columns = weights.shape[1]
    out = np.zeros((n, columns))
    for i in range(n):
        for j in range(width):
            value = x[i, j]
            if value != 0.0:  # hashed word counts are mostly 0
                for k in range(columns):
                    out[i, k] += value * weights[j, k]
    return out


@kernel
def _softmax(logits: Floats) -> Floats:
    n, columns = logits.shape
    out = np.empty((n, columns))
    for i in range(n):
        top = logits[i, 0]
        for k in range(1, columns):
            top = max(top, logits[i, k])
        total = 0.0
        for k in range(columns):
            out[i, k] = exp(logits[i, k] - top)
            total += out[i, k]
        for k in range(columns):
            out[i, k] /= total
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
