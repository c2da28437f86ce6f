"""Matrix products whose rows do not depend on how many rows there are."""

import numpy as np

from driftline.sim.types import Floats

BLOCK_ROWS = 256


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
