"""Matching what was taken with what was said about it."""

import numpy as np

from driftline.agents.users import UserRows
from driftline.sim.types import NONE, BehaviorKind, Behaviors, Feedback, Int32s, Int64s


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
