"""Dense rows for pseudonyms: the first user met has row 0."""

from collections.abc import Sized

import numpy as np

from driftline.sim.types import Int64s


class UserRows(Sized):
    """Which row of the per-user arrays belongs to whom; grows as users are met.

    Users first met in one call get rows in ascending order of pseudonym, so rows depend on the calls; they
    are names of places only and must not decide anything.
    """

    def __init__(self) -> None:
        self._sorted = np.empty(0, np.int64)
        self._row = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._sorted)

    @property
    def pseudonyms(self) -> Int64s:
        """Pseudonym of every row [len]."""
        out = np.empty(len(self), np.int64)
        out[self._row] = self._sorted
        return out

    def rows(self, users: Int64s) -> Int64s:
        """Rows of users, shaped alike; those not met before are taken in."""
        new = np.unique(users[self.find(users) < 0])
        if len(new):
            at = np.searchsorted(self._sorted, new)
            rows = np.arange(len(self), len(self) + len(new))
            self._row = np.insert(self._row, at, rows)
            self._sorted = np.insert(self._sorted, at, new)
        return self.find(users)

    def find(self, users: Int64s) -> Int64s:
        """Rows of users, shaped alike; -1 for those never met. Changes nothing."""
        if len(self) == 0:
            return np.full(np.shape(users), -1, np.int64)
        at = np.minimum(np.searchsorted(self._sorted, users), len(self) - 1)
        return np.where(self._sorted[at] == users, self._row[at], -1)


def places(wanted: Int64s, held: Int64s) -> Int64s:
    """Where each wanted row stands among the rows held, all different. Raises ValueError where one is missing."""
    if np.array_equal(wanted, held):
        return np.arange(len(held))
    order = np.argsort(held)
    at = order[np.minimum(np.searchsorted(held, wanted, sorter=order), len(held) - 1)]
    if not np.array_equal(held[at], wanted):
        raise ValueError(f"learn: {int((held[at] != wanted).sum())} users were not in the latest observation")
    return at
