"""Sums per item that come out the same in whatever order and batches their parts arrive."""

import numpy as np
from numpy.typing import NDArray

from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int64s

UNIT = 2.0**-24
"""Amounts are rounded to this; int64 then holds sums up to 5e11."""


class ItemSums:
    """Several running sums for each item, in fixed point.

    Amounts wait in `add` until `settle`, which is for tick boundaries: between them the totals stand still.
    """

    def __init__(self, columns: int) -> None:
        self._settled = np.zeros((0, columns), np.int64)
        self._pending = np.zeros((0, columns), np.int64)

    def __len__(self) -> int:
        return len(self._settled)

    def add(self, items: NDArray[np.integer], amounts: Floats) -> None:
        """Add amounts [n, columns] to items [n]; not visible before `settle`."""
        rows = np.asarray(items, dtype=np.int64)
        if len(rows):
            self._pending = _grown(self._pending, int(rows.max()) + 1)
            _scatter(self._pending, rows, in_units(amounts))

    def settle(self) -> None:
        """Make all that was added visible."""
        self._settled = _grown(self._settled, len(self._pending))
        self._settled[: len(self._pending)] += self._pending
        self._pending = np.zeros_like(self._settled)

    def units(self, items: NDArray[np.integer]) -> Int64s:
        """Settled sums [n, columns] in units of `UNIT`; 0 for items never met."""
        rows = np.asarray(items, dtype=np.int64)
        out = np.zeros((*rows.shape, self._settled.shape[1]), np.int64)
        met = rows < len(self._settled)
        out[met] = self._settled[rows[met]]
        return out

    def totals(self, items: NDArray[np.integer]) -> Floats:
        """Settled sums [n, columns]."""
        return self.units(items).astype(np.float64) * UNIT


def in_units(amounts: Floats) -> Int64s:
    """Amounts as whole numbers of `UNIT`; raises ValueError if one is not finite."""
    if not np.isfinite(amounts).all():
        raise ValueError(f"amounts must be finite; got {amounts[~np.isfinite(amounts)].ravel()[0]}")
    return np.rint(amounts / UNIT).astype(np.int64)


def _grown(table: Int64s, rows: int) -> Int64s:
    if rows <= len(table):
        return table
    larger = np.zeros((max(rows, 2 * len(table)), table.shape[1]), np.int64)
    larger[: len(table)] = table
    return larger


@kernel
def _scatter(table: Int64s, rows: Int64s, amounts: Int64s) -> None:
    for i in range(rows.size):
        for c in range(table.shape[1]):
            table[rows[i], c] += amounts[i, c]
