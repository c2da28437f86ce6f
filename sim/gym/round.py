"""One round of a feed: its visits looked up together, served in order of time, answered one by one.

The users of a round are distinct and touch nothing of one another, and noise is keyed: so each slate is answered at
once, without moving the world, and the whole round is told to `World.respond` at its end, which comes to the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from string import ascii_letters, digits, punctuation
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.sim.affinity import ItemNumbers
from driftline.sim.config.params import ResponseParams
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.response import REWARDS, CommentNumbers, Respond, realised_rewards, respond_by
from driftline.sim.text.corpus import Corpus
from driftline.sim.types import NONE, Behaviors, Float32s, Floats, Int8s, Int32s, Int64s, Observation, Slates
from driftline.sim.world import World

CHOICE, DWELLED, RATING, REWARD, COLUMNS = 0, 1, 2, 3, 4
"""Columns of an answer."""


class SingleVisits:
    """Answers the visits of a world's present round, any of them, in any order."""

    def __init__(self, world: World) -> None:
        model = world.model
        self._answer = answer_by(respond_by(model.choice.take))
        self._numbers: tuple[
            Float32s, ItemNumbers, Any, ResponseParams, CommentNumbers, int, int, tuple[int, int, int], int
        ] = (
            world.theta,
            model.item_numbers,
            model.choice.params,
            model.response,
            model.comments,
            world.round.day,
            model.seed,
            model.streams,
            REWARDS.index(world.params.reward),
        )

    def answer(
        self, users: Int64s, visits: Int32s, candidates: Int32s, positions: Int64s, slates: Int32s, answers: Floats
    ) -> int:
        """Write the slates [m, L] that `positions` [>= m, L] among `candidates` [m, C] mean, and the answers to them.

        answers [m, 4]: position taken (L for nothing), dwell in seconds, rating (0 for none), reward. A position
        that repeats an earlier one is replaced by the first that the slate does not use. Returns -1, or the flat
        place of the first position outside 0 .. C - 1; then nothing was answered.
        """
        fault: int = self._answer(users, visits, candidates, positions, slates, answers, *self._numbers)
        return fault


@kernel
def place(candidates: Int32s, positions: Int64s, slates: Int32s) -> int:
    """The slates that the positions mean; see `SingleVisits.answer`."""
    count, length = candidates.shape[1], slates.shape[1]
    for i in range(slates.shape[0]):
        named = np.zeros(count, np.bool_)
        shown = np.zeros(count, np.bool_)
        for k in range(length):
            if not 0 <= positions[i, k] < count:
                return int(i * length + k)
            named[positions[i, k]] = True
        free = 0
        for k in range(length):
            position = positions[i, k]
            if shown[position]:
                while named[free]:
                    free += 1
                position = free
                named[position] = True
            shown[position] = True
            slates[i, k] = candidates[i, position]
    return -1


@lru_cache
def answer_by(respond: Respond) -> Callable[..., int]:
    """`SingleVisits.answer`, compiled around the step of a world."""

    def answer(
        users: Int64s,
        visits: Int32s,
        candidates: Int32s,
        positions: Int64s,
        slates: Int32s,
        answers: Floats,
        theta: Float32s,
        items: ItemNumbers,
        params: Any,
        numbers: ResponseParams,
        comments: CommentNumbers,
        day: int,
        seed: int,
        streams: tuple[int, int, int],
        reward: int,
    ) -> int:
        fault = place(candidates, positions, slates)
        if fault >= 0:
            return fault
        without = np.empty((0, 0), np.float32)
        told = respond(users, visits, slates, theta, items, params, numbers, comments, day, seed, streams, without)
        rewards = realised_rewards(told, reward)
        for i in range(users.size):
            answers[i, CHOICE] = told.choice[i]
            answers[i, DWELLED] = told.dwell[i]
            answers[i, RATING] = 0.0 if np.isnan(told.rating[i]) else told.rating[i]
            answers[i, REWARD] = rewards[i]
        return -1

    return kernel(answer)


ROOM = 64
"""A text space is the longest text rounded up to a multiple of this, so that it fits the worlds of other seeds."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What texts may look like: the same for all seeds of a scenario."""

    charset: str
    longest: int

    @classmethod
    def of(cls, corpus: Corpus) -> "Writing":
        """The characters of the corpus and of ASCII, and some room above its longest text."""
        charset = "".join(sorted(set(corpus.charset) | set(ascii_letters + digits + punctuation + " ")))
        return cls(charset, -(-max(corpus.longest, 1) // ROOM) * ROOM)


@dataclass(frozen=True, slots=True)
class FeedTexts:
    """Texts as arrays of strings."""

    by_code: NDArray[np.object_]
    """By segment code; the last one is empty, so that `NONE` = -1 finds it."""
    titles: NDArray[np.object_]
    """By item."""

    @classmethod
    def of(cls, corpus: Corpus, writing: Writing) -> "FeedTexts":
        """Every text of a corpus, cut to `writing.longest`; characters outside its charset become spaces."""
        strange = {ord(each): " " for each in set(corpus.charset) - set(writing.charset)}
        texts = [text.translate(strange)[: writing.longest] for text in corpus.segments.by_code]
        by_code = np.array([*texts, ""], dtype=np.object_)
        return cls(by_code, by_code[corpus.item_text])


@dataclass(frozen=True, slots=True)
class RecentBehaviors:
    """Arrays [N, recent], one row per user, column 0 the newest; `kind` is -1 where there is none yet."""

    names: Int64s
    """Pseudonyms, ascending [N]."""
    rows: Int64s
    """The user's row for each of `names` [N]."""
    kind: Int8s
    time: Floats
    item: Int32s
    about: Int32s
    expressed: Int32s

    @classmethod
    def none(cls, pseudonyms: Int64s, recent: int) -> "RecentBehaviors":
        """Users who have done nothing; `pseudonyms` [N] in the world's order."""
        shape = (pseudonyms.size, recent)
        rows = np.argsort(pseudonyms)
        empty = np.full(shape, NONE, np.int32)
        kind = np.full(shape, NONE, np.int8)
        return cls(pseudonyms[rows], rows, kind, np.zeros(shape), empty, empty.copy(), empty.copy())

    def copy(self) -> "RecentBehaviors":
        """The same memory for a twin."""
        return replace(
            self,
            kind=self.kind.copy(),
            time=self.time.copy(),
            item=self.item.copy(),
            about=self.about.copy(),
            expressed=self.expressed.copy(),
        )

    def take_in(self, new: Behaviors) -> None:
        """Remember behaviours that are sorted by time; the oldest make room."""
        if len(new):
            rows = self.rows[np.searchsorted(self.names, new.user)]
            _push(self.kind, rows, new.kind)
            _push(self.time, rows, new.time)
            _push(self.item, rows, new.item)
            _push(self.about, rows, new.about)
            _push(self.expressed, rows, new.expressed)


@kernel
def _push(memory: Floats | Int8s | Int32s, rows: Int64s, values: Floats | Int8s | Int32s) -> None:
    for i in range(rows.size):
        row = memory[rows[i]]
        for place in range(row.size - 1, 0, -1):
            row[place] = row[place - 1]
        row[0] = values[i]


class FeedRound:
    """The visits of one round of `World.observe`, by time."""

    def __init__(
        self, world: World, seen: Observation, recent: RecentBehaviors, texts: FeedTexts | None, batch: int
    ) -> None:
        self._world = world
        self._texts = texts
        self._batch = batch
        self._order = np.argsort(seen.time, kind="stable")
        self._users = world.round.users[self._order]
        self._size = int(self._users.size)
        self._visits = seen.visit[self._order]
        pool = seen.candidates
        self._candidates: Int32s = (
            np.tile(pool, (self._size, 1)) if pool.ndim == 1 else np.ascontiguousarray(pool[self._order])
        )
        self._slates = np.empty((self._size, world.params.slate), np.int32)
        self._answers = np.empty((self._size, COLUMNS))
        self._single = SingleVisits(world)
        self._at = 0
        self._show(seen, recent)

    @property
    def over(self) -> bool:
        """Whether every visit has been answered."""
        return self._at >= self._size

    def observation(self) -> dict[str, Any]:
        """What the next `batch` visits look like; see `Feed`."""
        at, texts = self._at, self._texts
        where = at if self._batch == 1 else slice(at, at + self._batch)
        seen: dict[str, Any] = {name: column[where, ...] for name, column in self._columns}
        if texts is not None:
            for name, written, column in self._written:
                chosen = written[column[where]].tolist()
                seen[name] = tuple(chosen if self._batch == 1 else map(tuple, chosen))
        return seen

    def answer(self, positions: Int64s) -> tuple[float, dict[str, Any]]:
        """The reward of the slates at `positions` [batch, L], summed, and the `info` of `Feed`.

        Raises:
            InputError: a position outside the candidates.
        """
        first, last = self._at, min(self._at + self._batch, self._size)
        slates, told = self._slates[first:last], self._answers[first:last]
        offered = self._candidates[first:last]
        fault = self._single.answer(self._users[first:last], self._visits[first:last], offered, positions, slates, told)
        if fault >= 0:
            row, place = divmod(fault, positions.shape[1])
            most = offered.shape[1] - 1
            raise InputError(f"action: position {positions[row, place]} at place {place}: must be in 0..{most}")
        self._at += self._batch
        if self._batch == 1:
            choice, dwell, rating, reward = told[0].tolist()
            info = {"slate": slates[0].copy(), "choice": int(choice), "dwell": dwell, "rating": rating}
            return reward, info | {"reward": reward}
        columns = {"choice": CHOICE, "dwell": DWELLED, "rating": RATING, "reward": REWARD}
        info = {"slate": slates.copy()} | {name: told[:, column].copy() for name, column in columns.items()}
        info["choice"] = info["choice"].astype(np.int64)
        return float(told[:, REWARD].sum()), info

    def close(self) -> None:
        """Tell the world what was shown: it moves on."""
        slates = np.empty_like(self._slates)
        slates[self._order] = self._slates
        self._world.respond(Slates.certain(slates))

    def _show(self, seen: Observation, recent: RecentBehaviors) -> None:
        """Look up what all visits of the round show; the last rows repeat the last visit to fill a batch."""
        rows = np.concatenate([np.arange(self._size), np.full(-self._size % self._batch, self._size - 1)])
        users, times = self._users[rows], seen.time[self._order][rows]
        category = self._world.model.catalogue.category
        item, kind = recent.item[users], recent.kind[users]
        age = np.where(kind == NONE, 0.0, np.maximum(times[:, None] - recent.time[users], 0.0))
        offered = self._world.items(self._candidates[rows].ravel())
        shape = (rows.size, -1)
        columns = {
            "user": seen.user[self._order][rows],
            "visit": self._visits[rows],
            "time": times,
            "recent_kind": kind,
            "recent_item": item,
            "recent_category": np.where(item == NONE, NONE, category[item]).astype(np.int32),
            "recent_age": age.astype(np.float32),
            "candidate_item": offered.item.reshape(shape),
            "candidate_category": offered.category.reshape(shape),
            "candidate_domain": offered.domain.reshape(shape),
            "candidate_price": offered.price.reshape(shape),
            "candidate_age": np.maximum(times[:, None] - offered.born.reshape(shape), 0.0).astype(np.float32),
        }
        if self._batch > 1:
            columns["present"] = (np.arange(rows.size) < self._size).astype(np.int8)
        self._columns = list(columns.items())
        if self._texts is not None:
            self._written = (
                ("recent_about", self._texts.by_code, recent.about[users]),
                ("recent_expressed", self._texts.by_code, recent.expressed[users]),
                ("candidate_text", self._texts.titles, columns["candidate_item"]),
            )
