"""What changes in a world: its users, and what they did that nobody has been told yet.

Homes, rates and groups of users never change; interest, days and visits do. What a user did waits in the mailbox and
is delivered when the user is met again.
"""

from dataclasses import dataclass, replace

import numpy as np

from driftline.sim import keyed
from driftline.sim.config.params import Group, PopulationParams
from driftline.sim.kernel import kernel
from driftline.sim.keyed import Stream
from driftline.sim.response import Responses
from driftline.sim.types import NONE, BehaviorKind, Behaviors, Bools, Float32s, Floats, Int8s, Int32s, Int64s, read_only

SPREAD = 2.0
"""Standard deviation of an invented user's home logits where the scenario states none."""


@dataclass(slots=True)
class Population:
    """Users by number (row). The mutable arrays belong to one `World`; `copy` gives another world its own."""

    pseudonym: Int64s
    group: Int8s
    """Row of the user's group in the scenario."""
    home: Floats
    """Interest before any drift [N, K]."""
    gap_days: Floats
    """Mean days between the starts of two sessions."""
    arrival: Floats
    """Day of the first possible visit."""

    components: Float32s
    """One component per law of the scenario [N, laws, K]; zeros where a group lacks the law."""
    theta: Float32s
    """Their sum: the present interest, in logits [N, K]."""
    day: Int32s
    """The day to which the components are advanced."""
    visit: Int32s
    """Number of the next visit."""
    next_visit: Floats
    """Its time, days."""
    changed: Bools
    """A law reported a change point since the last visit."""

    def __len__(self) -> int:
        return len(self.pseudonym)

    def copy(self) -> "Population":
        """The same users, with mutable arrays of their own."""
        return replace(
            self,
            components=self.components.copy(),
            theta=self.theta.copy(),
            day=self.day.copy(),
            visit=self.visit.copy(),
            next_visit=self.next_visit.copy(),
            changed=self.changed.copy(),
        )


def populate(
    params: PopulationParams,
    groups: dict[str, Group],
    *,
    laws: int,
    topics: int,
    seed: int,
    warmup: float,
    horizon: float,
    homes: Floats | None = None,
) -> Population:
    """Users keyed by their number: one more user changes none of the others.

    homes: interests [N, K] that real interactions gave; otherwise normal with the group's spread.
    """
    users = np.arange(params.users)
    edges = np.cumsum([group.share for group in groups.values()])
    draw = keyed.uniforms(seed, Stream.GROUP, users) * edges[-1]
    group = np.minimum(np.searchsorted(edges, draw, side="right"), len(groups) - 1)
    if homes is None:
        spread = np.array([SPREAD if g.spread is None else g.spread for g in groups.values()])[group]
        homes = spread[:, None] * keyed.normals(seed, Stream.HOME, users[:, None], np.arange(topics)[None, :])
    rate = params.sessions_per_day * np.exp(params.sessions_spread * keyed.normals(seed, Stream.ACTIVITY, users))
    late = keyed.uniforms(seed, Stream.ACTIVITY, users, 1) < params.late_users
    arrival = np.where(late, warmup + (horizon - warmup) * 0.7 * keyed.uniforms(seed, Stream.ACTIVITY, users, 2), 0.0)
    gap = 1.0 / rate
    first = arrival - gap * np.log(keyed.uniforms(seed, Stream.VISIT_GAP, users, 0))
    return Population(
        pseudonym=pseudonyms(seed, params.users),
        group=group.astype(np.int8),
        home=np.ascontiguousarray(homes, dtype=np.float64),
        gap_days=gap,
        arrival=arrival,
        components=np.zeros((params.users, laws, topics), np.float32),
        theta=np.zeros((params.users, topics), np.float32),
        day=np.zeros(params.users, np.int32),
        visit=np.zeros(params.users, np.int32),
        next_visit=first,
        changed=np.zeros(params.users, np.bool_),
    )


def pseudonyms(seed: int, users: int) -> Int64s:
    """Distinct keyed numbers of 62 bits that say nothing about who is who."""
    rows = np.arange(users, dtype=np.int64)
    high = keyed.uniforms(seed, Stream.PSEUDONYM, rows, 0)
    low = keyed.uniforms(seed, Stream.PSEUDONYM, rows, 1)
    names = (high * 2.0**23).astype(np.int64) << 39 | (low * 2.0**23).astype(np.int64) << 16
    return names | (keyed.uniforms(seed, Stream.PSEUDONYM, rows, 2) * 2.0**16).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Queries:
    """Searches that begin a visit: `users` are world numbers, `codes` segment codes."""

    users: Int64s
    codes: Int32s


def no_queries() -> Queries:
    """Nobody searches."""
    return Queries(np.empty(0, np.int64), np.empty(0, np.int32))


SECOND = 1.0 / 86_400.0


PURCHASE_DELAY = 2.0
"""Days between a consumption and the purchase it ends in."""


@dataclass(slots=True)
class Mailbox:
    """One consumption per user, since a user is met before it can consume again, and a list of purchases."""

    item: Int32s
    comment: Int32s
    about: Int32s
    time: Floats
    waiting: Int32s
    """How many purchases of each user are under way."""
    purchase_user: Int64s
    purchase_item: Int32s
    purchase_about: Int32s
    purchase_time: Floats

    @classmethod
    def empty(cls, users: int) -> "Mailbox":
        """Nothing on its way to `users` users."""
        none = np.full(users, NONE, np.int32)
        ints, longs = np.empty(0, np.int32), np.empty(0, np.int64)
        return cls(
            none, none.copy(), none.copy(), np.zeros(users), np.zeros(users, np.int32), longs, ints, ints, np.empty(0)
        )

    def copy(self) -> "Mailbox":
        """The same mail for a twin world."""
        return replace(
            self,
            item=self.item.copy(),
            comment=self.comment.copy(),
            about=self.about.copy(),
            time=self.time.copy(),
            waiting=self.waiting.copy(),
        )

    def post(self, users: Int64s, times: Floats, responses: Responses, item_text: Int32s) -> None:
        """Take in a round's consumptions."""
        _keep(
            users, times, responses.taken, responses.dwell, responses.comment, item_text,
            self.item, self.comment, self.about, self.time,
        )  # fmt: skip
        bought = np.flatnonzero(responses.purchased)
        if bought.size:
            who, item = users[bought], responses.taken[bought]
            self.waiting[who] += np.int32(1)
            self.purchase_user = np.concatenate([self.purchase_user, who])
            self.purchase_item = np.concatenate([self.purchase_item, item])
            self.purchase_about = np.concatenate([self.purchase_about, item_text[item]])
            self.purchase_time = np.concatenate([self.purchase_time, times[bought] + PURCHASE_DELAY])

    def deliver(self, users: Int64s, times: Floats, pseudonym: Int64s, queries: Queries) -> Behaviors:
        """Everything these users did before `times`, sorted by (time, user), and removed from the box."""
        has = self.item[users] != NONE
        who = users[has]
        parts = [_rows(who, self.time[who], BehaviorKind.CONSUME, self.item[who], self.about[who], self.comment[who])]
        self.item[who] = NONE
        if self.purchase_user.size and self.waiting[users].any():
            parts.append(self._purchases(users, times))
        if queries.users.size:
            at = times[np.searchsorted(users, queries.users)] - SECOND
            none = np.full(queries.users.size, NONE, np.int32)
            parts.append(_rows(queries.users, at, BehaviorKind.SEARCH, none, queries.codes, none))
        user, time, kind, item, about, expressed = (
            parts[0] if len(parts) == 1 else (np.concatenate(column) for column in zip(*parts, strict=True))
        )
        order = np.argsort(time)
        if (np.diff(time[order]) == 0.0).any():
            order = np.lexsort((kind, user, time))
        return Behaviors(
            read_only(pseudonym[user[order]]),
            read_only(time[order]),
            read_only(kind[order]),
            read_only(item[order]),
            read_only(about[order]),
            read_only(expressed[order]),
        )

    def _purchases(self, users: Int64s, times: Floats) -> "tuple[Int64s, Floats, Int8s, Int32s, Int32s, Int32s]":
        ready = _ready(users, times, self.purchase_user, self.purchase_time, self.waiting)
        done, under_way = np.flatnonzero(ready), np.flatnonzero(~ready)
        item = self.purchase_item[done]
        rows = _rows(
            self.purchase_user[done],
            self.purchase_time[done],
            BehaviorKind.PURCHASE,
            item,
            self.purchase_about[done],
            np.full(item.size, NONE, np.int32),
        )
        self.purchase_user = self.purchase_user[under_way]
        self.purchase_item = self.purchase_item[under_way]
        self.purchase_about = self.purchase_about[under_way]
        self.purchase_time = self.purchase_time[under_way]
        return rows


@kernel
def _keep(
    users: Int64s,
    times: Floats,
    taken: Int32s,
    dwell: Float32s,
    comment: Int32s,
    item_text: Int32s,
    to_item: Int32s,
    to_comment: Int32s,
    to_about: Int32s,
    to_time: Floats,
) -> None:
    """Note each consumption of a round in its user's row; a comment is written within ten seconds."""
    for i in range(users.size):
        if taken[i] >= 0:
            user = users[i]
            to_item[user] = taken[i]
            to_comment[user] = comment[i]
            to_about[user] = item_text[taken[i]]
            to_time[user] = times[i] + np.float32(SECOND) * min(dwell[i], np.float32(10.0))


@kernel
def _ready(users: Int64s, times: Floats, buyer: Int64s, bought: Floats, waiting: Int32s) -> Bools:
    """Which purchases [P] are done before their buyer's visit; these no longer wait."""
    place = np.full(waiting.size, -1, np.int32)
    for i in range(users.size):
        place[users[i]] = i
    ready = np.zeros(buyer.size, np.bool_)
    for p in range(buyer.size):
        at = place[buyer[p]]
        if at >= 0 and bought[p] <= times[at]:
            ready[p] = True
            waiting[buyer[p]] -= 1
    return ready


def _rows(
    user: Int64s, time: Floats, kind: BehaviorKind, item: Int32s, about: Int32s, expressed: Int32s
) -> tuple[Int64s, Floats, Int8s, Int32s, Int32s, Int32s]:
    return user, time, np.full(user.size, kind, np.int8), item, about, expressed
