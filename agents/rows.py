"""Row functions whose bits depend on their own row only, whatever the batch.

BLAS adds up a row's products in another order when the number of rows changes; these loops never do, so a
score is the same whether a user is met alone or among thousands.
"""

from math import exp

import numpy as np
from numpy.typing import NDArray

from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats


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


def row_products(x: Floats | Float32s, weights: Floats) -> Floats:
    """`x @ weights` in float64: `[n, p]` times `[p, c]`, each row added up in the same order in any batch."""
    return _products(_dense(x), _dense(weights))


def row_softmax(logits: Floats) -> Floats:
    """Softmax of each row `[n, c]`, alike in any batch."""
    return _softmax(_dense(logits))


def _dense(x: NDArray[np.floating]) -> Floats:
    return np.ascontiguousarray(x, dtype=np.float64)
