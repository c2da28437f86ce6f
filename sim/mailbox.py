"""Behaviours on their way: what users did since they were last met, delivered when they come again."""

from dataclasses import dataclass, replace

import numpy as np

from driftline.sim.step import Outcome
from driftline.sim.types import NONE, BehaviorKind, Behaviors, Floats, Int8s, Int32s, Int64s

SECOND = 1.0 / 86_400.0
PURCHASE_DELAY = 2.0
"""Days between a consumption and the purchase it ends in."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Searches that begin a visit: `users` are world numbers, `codes` segment codes."""

    users: Int64s
    codes: Int32s


@dataclass(slots=True)
class Mailbox:
    """One consumption per user, since a user is met before it can consume again, and a list of purchases."""

    item: Int32s
    comment: Int32s
    about: Int32s
    time: Floats
    purchase_user: Int64s
    purchase_item: Int32s
    purchase_about: Int32s
    purchase_time: Floats

    @classmethod
    def empty(cls, users: int) -> "Mailbox":
        """Nothing on its way to `users` users."""
        none = np.full(users, NONE, np.int32)
        ints, longs = np.empty(0, np.int32), np.empty(0, np.int64)
        return cls(none, none.copy(), none.copy(), np.zeros(users), longs, ints, ints, np.empty(0))

    def copy(self) -> "Mailbox":
        """The same mail for a twin world."""
        return replace(
            self,
            item=self.item.copy(),
            comment=self.comment.copy(),
            about=self.about.copy(),
            time=self.time.copy(),
        )

    def post(self, users: Int64s, times: Floats, outcome: Outcome, item_text: Int32s) -> None:
        """Take in a round's consumptions."""
        taken = outcome.taken >= 0
        who, item = users[taken], outcome.taken[taken]
        self.item[who] = item
        self.comment[who] = outcome.comment[taken]
        self.about[who] = item_text[item]
        self.time[who] = times[taken] + SECOND * np.minimum(outcome.dwell[taken], 10.0)
        bought = outcome.purchased[taken]
        if bought.any():
            self.purchase_user = np.concatenate([self.purchase_user, who[bought]])
            self.purchase_item = np.concatenate([self.purchase_item, item[bought]])
            self.purchase_about = np.concatenate([self.purchase_about, item_text[item[bought]]])
            self.purchase_time = np.concatenate([self.purchase_time, times[taken][bought] + PURCHASE_DELAY])

    def deliver(self, users: Int64s, times: Floats, pseudonym: Int64s, queries: Queries) -> Behaviors:
        """Everything these users did before `times`, sorted by (time, user), and removed from the box."""
        has = self.item[users] != NONE
        who = users[has]
        parts = [_rows(who, self.time[who], BehaviorKind.CONSUME, self.item[who], self.about[who], self.comment[who])]
        self.item[who] = NONE
        if self.purchase_user.size:
            parts.append(self._purchases(users, times))
        if queries.users.size:
            at = times[np.searchsorted(users, queries.users)] - SECOND
            none = np.full(queries.users.size, NONE, np.int32)
            parts.append(_rows(queries.users, at, BehaviorKind.SEARCH, none, queries.codes, none))
        user, time, kind, item, about, expressed = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((kind, user, time))
        return Behaviors(pseudonym[user[order]], time[order], kind[order], item[order], about[order], expressed[order])

    def _purchases(self, users: Int64s, times: Floats) -> "tuple[Int64s, Floats, Int8s, Int32s, Int32s, Int32s]":
        place = np.minimum(np.searchsorted(users, self.purchase_user), users.size - 1)
        ready = (users[place] == self.purchase_user) & (self.purchase_time <= times[place])
        item = self.purchase_item[ready]
        rows = _rows(
            self.purchase_user[ready],
            self.purchase_time[ready],
            BehaviorKind.PURCHASE,
            item,
            self.purchase_about[ready],
            np.full(item.size, NONE, np.int32),
        )
        self.purchase_user = self.purchase_user[~ready]
        self.purchase_item = self.purchase_item[~ready]
        self.purchase_about = self.purchase_about[~ready]
        self.purchase_time = self.purchase_time[~ready]
        return rows


def _rows(
    user: Int64s, time: Floats, kind: BehaviorKind, item: Int32s, about: Int32s, expressed: Int32s
) -> tuple[Int64s, Floats, Int8s, Int32s, Int32s, Int32s]:
    return user, time, np.full(user.size, kind, np.int8), item, about, expressed


def no_queries() -> Queries:
    """Nobody searches."""
    return Queries(np.empty(0, np.int64), np.empty(0, np.int32))
