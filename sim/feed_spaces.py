"""The spaces of `driftline/Feed-v0`: what a feed shows of the visits that it serves, and how a slate is answered."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from driftline.sim.feed_texts import Writing
from driftline.sim.types import NONE, BehaviorKind

MOST = 2**31 - 1
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class FeedShape:
    """The numbers from which the spaces follow; all of them fixed by the scenario."""

    batch: int
    recent: int
    candidates: int
    slate: int
    categories: int
    domains: int
    horizon: float
    writing: Writing | None
    """None: no texts are shown."""

    def observation_space(self) -> spaces.Dict:
        """See `Feed` for the meaning of each key. With `batch` > 1 every shape begins with `batch`."""
        recent, candidates = (self.recent,), (self.candidates,)
        columns: dict[str, spaces.Space[Any]] = {
            "user": self._box(0, 2**62, (), np.int64),
            "visit": self._box(0, MOST, (), np.int32),
            "time": self._box(0.0, self.horizon, (), np.float64),
            "recent_kind": self._box(NONE, max(BehaviorKind), recent, np.int8),
            "recent_item": self._box(NONE, MOST, recent, np.int32),
            "recent_category": self._box(NONE, self.categories - 1, recent, np.int32),
            "recent_age": self._box(0.0, LARGEST, recent, np.float32),
            "candidate_item": self._box(0, MOST, candidates, np.int32),
            "candidate_category": self._box(NONE, self.categories - 1, candidates, np.int32),
            "candidate_domain": self._box(0, max(self.domains - 1, 1), candidates, np.int8),
            "candidate_price": self._box(0.0, LARGEST, candidates, np.float32),
            "candidate_age": self._box(0.0, LARGEST, candidates, np.float32),
        }
        if self.writing is not None:
            columns["recent_about"] = self._texts(self.recent, self.writing)
            columns["recent_expressed"] = self._texts(self.recent, self.writing)
            columns["candidate_text"] = self._texts(self.candidates, self.writing)
        if self.batch > 1:
            columns["present"] = spaces.MultiBinary(self.batch)
        return spaces.Dict(columns)

    def action_space(self) -> spaces.MultiDiscrete:
        """Positions among the candidates, `[slate]`, or `[batch, slate]` with `batch` > 1."""
        shape = (self.slate,) if self.batch == 1 else (self.batch, self.slate)
        return spaces.MultiDiscrete(np.full(shape, self.candidates))

    def _box(self, low: float, high: float, shape: tuple[int, ...], dtype: type[Any]) -> spaces.Box:
        return spaces.Box(low, high, shape if self.batch == 1 else (self.batch, *shape), dtype)

    def _texts(self, count: int, writing: Writing) -> spaces.Tuple[Any]:
        def one() -> spaces.Text:
            return spaces.Text(writing.longest, min_length=0, charset=writing.charset)

        def visit() -> spaces.Tuple[Any]:
            return spaces.Tuple([one() for _ in range(count)])

        return visit() if self.batch == 1 else spaces.Tuple([visit() for _ in range(self.batch)])
