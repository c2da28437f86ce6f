"""Users as rows of arrays: who has which row, whose visits are whose, which comment is on what."""

from collections.abc import Sized

import numpy as np

from driftline.sim.types import NONE, BehaviorKind, Behaviors, Feedback, Int32s, Int64s


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

    def met(self, users: Int64s) -> Int64s:
        """Rows of users, shaped alike. Changes nothing; raises ValueError where one was never met."""
        rows = self.find(users)
        if (rows < 0).any():
            raise ValueError(f"user {users[rows < 0][0]} was not among the visits of any `act`")
        return rows


def places(wanted: Int64s, held: Int64s) -> Int64s:
    """Where each wanted row stands among the rows held, all different. Raises ValueError where one is missing."""
    if np.array_equal(wanted, held):
        return np.arange(len(held))
    order = np.argsort(held)
    at = order[np.minimum(np.searchsorted(held, wanted, sorter=order), len(held) - 1)]
    if not np.array_equal(held[at], wanted):
        raise ValueError(f"learn: {int((held[at] != wanted).sum())} users were not in the latest observation")
    return at


def rounds(user: Int64s) -> list[Int64s]:
    """Row numbers of a time-sorted log, cut so that no user comes twice: every first visit, every second, ..."""
    order = np.argsort(user, kind="stable")
    sorted_user = user[order]
    starts = np.flatnonzero(np.r_[True, sorted_user[1:] != sorted_user[:-1]]) if user.size else np.empty(0, np.int64)
    sizes = np.diff(np.r_[starts, user.size])
    turn = np.empty(user.size, np.int64)
    turn[order] = np.arange(user.size) - np.repeat(starts, sizes)
    by_turn = np.argsort(turn, kind="stable")
    return np.split(by_turn, np.cumsum(np.bincount(turn))[:-1]) if user.size else []


def take_rows(log: Feedback, rows: Int64s) -> Feedback:
    """Some rows of a log."""
    return Feedback(
        log.user[rows],
        log.visit[rows],
        log.time[rows],
        log.items[rows],
        log.choice[rows],
        log.dwell[rows],
        log.rating[rows],
    )


def comments_on(feedback: Feedback, behaviors: Behaviors) -> Int32s:
    """Segment code of the comment on each visit's consumption [n]; `NONE` where there is none or not yet.

    Each user's consumptions and the behaviours that report them come in the same order.
    """
    taken = np.flatnonzero(feedback.choice < feedback.items.shape[1])
    said = np.flatnonzero(behaviors.kind == BehaviorKind.CONSUME)
    users = UserRows()
    users.rows(feedback.user)
    left = _keys(users.find(feedback.user[taken]))
    right = _keys(users.find(behaviors.user[said]))
    _, at_left, at_right = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    out = np.full(len(feedback), NONE, np.int32)
    out[taken[at_left]] = behaviors.expressed[said[at_right]]
    return out


def _keys(rows: Int64s) -> Int64s:
    """(user, how many-eth) as one number per event."""
    key = np.empty(rows.size, np.int64)
    for turn, members in enumerate(rounds(rows)):
        key[members] = rows[members] * 2**20 + turn
    return key
