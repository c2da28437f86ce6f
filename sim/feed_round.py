"""One round of a feed: its visits looked up together, served in order of time, answered one by one.

The users of a round are distinct and touch nothing that another of them sees, so the order in which they are served
changes no result: each is answered at once by `SingleVisits`, and the whole round is then told to `World.respond`,
which comes to the same because noise is keyed.
"""

from typing import Any

import numpy as np

from driftline.sim.errors import InputError
from driftline.sim.feed_texts import FeedTexts
from driftline.sim.recent_behaviors import RecentBehaviors
from driftline.sim.single_visit import CHOICE, COLUMNS, DWELLED, RATING, REWARD, SingleVisits
from driftline.sim.types import NONE, Int32s, Int64s, Observation, Slates
from driftline.sim.world import World


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
        category = self._world.base.catalogue.category
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
