"""A small shop with a warm-up and recorded rounds, made for examinations: everything that agents stumble over.

Users who come once the warm-up is over, users who stay away for rounds, shared and private candidates, new items
without a category, nothing taken, rare ratings, comments a visit late, searches, several rounds in a tick, ticks
without a round.
"""

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from driftline.agents.checks._script import Rounds
from driftline.agents.users import take_rows
from driftline.sim.keyed import Stream, uniforms
from driftline.sim.types import (
    NONE,
    BehaviorKind,
    Behaviors,
    Feedback,
    Floats,
    Int32s,
    Int64s,
    Items,
    Observation,
    Setting,
    empty_behaviors,
    empty_interactions,
)

Log = TypeVar("Log", Feedback, Behaviors)
SEED = 20
USERS, LATE = 18, 5
"""Users, and how many of them come after the warm-up only."""
ITEMS, NEW = 36, 4
"""Items of the start, and how many arrive later."""
KINDS, SLATE = 4, 3
TICK, START = 0.5, 14.0
WARMUP_VISITS, ROUNDS = 7, 14
WORDS = ("amber brook cedar dune", "engine gear piston valve", "curry salt pepper dill", "chord fiddle drum tune")
PRAISE, BLAME = "lovely wonderful fine great bright", "dull awful poor weak bad"
COMMENTS = ITEMS + NEW
"""Segment code of the first comment; titles come first, in the order of their items."""


@cache
def small_shop() -> tuple[Setting, Rounds]:
    """The setting, and what was observed and answered in the rounds after the warm-up."""
    log, said, visits = _warm_up()
    setting = Setting(
        seed=7, slate=SLATE, reward="satisfaction", domains=("news",), categories=KINDS, start=START,
        horizon=START + ROUNDS, tick=TICK, segments=_words(), items=_items(0, ITEMS), feedback=log, behaviors=said,
        past=empty_interactions(),
    )  # fmt: skip
    news = {user: empty_behaviors() for user in range(USERS)}
    rounds = []
    for k in range(ROUNDS):
        # Two rounds in every tick that has any; every second tick has none.
        tick = round(START / TICK) + 2 * (k // 2)
        due = np.flatnonzero(_chance(10, np.arange(USERS), k) < 0.8)
        time = (tick + 0.5 * (k % 2)) * TICK + 0.2 * _chance(11, due, k)
        live = ITEMS if k < ROUNDS // 2 else ITEMS + NEW
        arrived = _items(ITEMS, ITEMS + NEW) if k == ROUNDS // 2 else _items(0, 0)
        pool = np.argsort(_chance(12, due[:, None] + 1000 * k, np.arange(live)), axis=1)[:, :8].astype(np.int32)
        seen = Observation(
            user=_pseudonyms()[due],
            visit=visits[due],
            time=time,
            behaviors=_by_time([news[int(user)] for user in due]),
            candidates=pool if k % 3 else np.sort(pool[0]),
            arrived=arrived,
            tick=tick,
        )
        slates = np.broadcast_to(seen.candidates, (due.size, 8))[:, :SLATE].copy()
        feedback = _respond(due, seen.visit, time, slates)
        for place, user in enumerate(due):
            news[int(user)] = _reported(due[place : place + 1], take_rows(feedback, np.array([place])))
        visits[due] += 1
        rounds.append((seen, feedback))
    return setting, tuple(rounds)


def joined(parts: Sequence[Log]) -> Log:
    """Logs, one after the other."""
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(part, name) for part in parts]) for name in kind.__dataclass_fields__))


class Texts:
    """A table of segments, by code."""

    def __init__(self, by_code: Sequence[str]) -> None:
        self._by_code = by_code

    def __len__(self) -> int:
        return len(self._by_code)

    def text(self, code: int) -> str:
        return "" if code == NONE else self._by_code[code]

    def texts(self, codes: Int32s) -> list[str]:
        return [self.text(int(code)) for code in codes]


def _warm_up() -> tuple[Feedback, Behaviors, Int32s]:
    """Random slates of the first two weeks; and how often each user came."""
    told, said = [], []
    who = np.arange(USERS - LATE)
    for visit in range(WARMUP_VISITS):
        time = 0.3 + 1.9 * visit + 1e-2 * _chance(8, who, visit)
        order = np.argsort(time)
        slates = np.argsort(_chance(9, who[:, None] + 1000 * visit, np.arange(ITEMS)), axis=1)[:, :SLATE]
        feedback = _respond(who[order], np.full(who.size, visit, np.int32), time[order], slates[order].astype(np.int32))
        told.append(feedback)
        said.append(_reported(who[order], feedback))
    came = np.where(np.arange(USERS) < USERS - LATE, WARMUP_VISITS, 0).astype(np.int32)
    return joined(told), joined(said), came


def _respond(who: Int64s, visit: Int32s, time: Floats, slates: Int32s) -> Feedback:
    """Users like the kind of their number: the first such item is often taken, else any or none."""
    n, length = slates.shape
    fits = slates % KINDS == (who % KINDS)[:, None]
    liked = np.where(fits.any(axis=1), fits.argmax(axis=1), length)
    anything = (_chance(1, who, visit) * (length + 1)).astype(np.int64)
    choice = np.where(_chance(2, who, visit) < 0.7, liked, anything).astype(np.int8)
    taken = choice < length
    pleased = taken & fits[np.arange(n), np.minimum(choice, length - 1)]
    rated = taken & (_chance(3, who, visit) < 0.4)
    rating = np.where(rated, np.where(pleased, 5.0, 2.0), np.nan).astype(np.float32)
    dwell = np.where(taken, 20.0 + 40.0 * _chance(4, who, visit), 0.0).astype(np.float32)
    return Feedback(_pseudonyms()[who], visit, time, slates, choice, dwell, rating)


def _reported(who: Int64s, feedback: Feedback) -> Behaviors:
    """What users took, most of it with a comment; and some searches of their own accord."""
    length = feedback.items.shape[1]
    taken = np.flatnonzero(feedback.choice < length)
    item = feedback.items[taken, feedback.choice[taken]]
    pleased = item % KINDS == who[taken] % KINDS
    word = (5 * _chance(5, who[taken], feedback.visit[taken])).astype(np.int32)
    comment = COMMENTS + np.where(pleased, word, 5 + word)
    silent = _chance(6, who[taken], feedback.visit[taken]) < 0.3
    consumed = Behaviors(
        feedback.user[taken],
        feedback.time[taken] + 1e-3,
        np.full(taken.size, BehaviorKind.CONSUME, np.int8),
        item,
        item.copy(),
        np.where(silent, NONE, comment).astype(np.int32),
    )
    asks = np.flatnonzero(_chance(7, who, feedback.visit) < 0.2)
    nothing = np.full(asks.size, NONE, np.int32)
    query = (COMMENTS + 10 + who[asks] % KINDS).astype(np.int32)
    kind = np.full(asks.size, BehaviorKind.SEARCH, np.int8)
    searched = Behaviors(feedback.user[asks], feedback.time[asks] + 2e-3, kind, nothing, query, nothing.copy())
    return _by_time([consumed, searched])


def _by_time(parts: Sequence[Behaviors]) -> Behaviors:
    whole = joined(parts)
    order = np.lexsort((whole.user, whole.time))
    return Behaviors(*(getattr(whole, name)[order] for name in Behaviors.__dataclass_fields__))


def _items(first: int, last: int) -> Items:
    ids = np.arange(first, last, dtype=np.int32)
    kind = np.where(ids < ITEMS, ids % KINDS, NONE).astype(np.int32)
    price = (5.0 + ids).astype(np.float32)
    return Items(ids, ids.copy(), np.zeros(len(ids), np.int8), price, np.where(ids < ITEMS, -3.0, START + 0.1), kind)


def _words() -> Texts:
    """Titles by item, then comments: praise, then blame; then a query for each kind."""
    words = [line.split() for line in WORDS]
    titles = [f"{words[i % KINDS][i % 4]} {words[i % KINDS][(i // 4) % 4]} {i}" for i in range(ITEMS + NEW)]
    said = [f"a {word} thing" for word in (*PRAISE.split(), *BLAME.split())]
    return Texts([*titles, *said, *(line.split()[0] for line in WORDS)])


def _pseudonyms() -> Int64s:
    """In an order that is not ascending, far apart, as a world's are."""
    return np.array([(7919 * (k + 1)) % 1_000_003 + 2**40 * (k % 3) for k in range(USERS)], np.int64)


def _chance(what: int, a: ArrayLike, b: ArrayLike = 0) -> Floats:
    """Uniforms keyed by what they decide and by (a, b)."""
    return uniforms(SEED, Stream.SAMPLE, a, b, what)
