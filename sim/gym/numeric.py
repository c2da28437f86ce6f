"""The feed in numbers, for libraries that learn from arrays: `NumericObservation(gymnasium.make(...))`."""

from math import exp
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from driftline.sim.errors import InputError
from driftline.sim.gym.env import Feed
from driftline.sim.kernel import kernel
from driftline.sim.types import BehaviorKind, Float32s, Int8s, Int32s

Numbers = dict[str, NDArray[Any]]

AFFINITY, PRICE, AGE, FIXED = 0, 1, 2, 3
"""Columns of a candidate before its category."""
HALF = 10.0
"""The price, and the age in days, that become one half."""
SEARCH = int(BehaviorKind.SEARCH)


class NumericObservation(gymnasium.ObservationWrapper[Numbers, Any, dict[str, Any]]):
    """A dict of float32 arrays without any text; Stable-Baselines3 takes it with its `MultiInputPolicy`.

    * `user` [K + 2]: the share of each category among the visitor's recent consumptions and purchases, decayed
      with their age by exp(-age / memory); the sum of those weights over the most there can be; the age of the newest
      behaviour as age / (age + 10 days), 0 if there is none.
    * `candidates` [C, 3 + K]: affinity (the visitor's share of the candidate's category, 0 if it has none),
      price / (price + 10), age / (age + 10 days), the category as one-hot (all 0 if it has none).
    * `present` as in `Feed`, with `batch` > 1 only; all shapes then begin with `batch`.

    Every number lies in 0 .. 1. memory: days. For one flat vector: `gymnasium.wrappers.FlattenObservation`.

    Raises:
        InputError: `env` is not a feed, or `memory` is not positive.
    """

    def __init__(self, env: gymnasium.Env[dict[str, Any], Any], memory: float = 14.0) -> None:
        if not isinstance(env.unwrapped, Feed):
            raise InputError(f"NumericObservation: {env.unwrapped} is not a feed; must be made as driftline/Feed-v0")
        if not memory > 0.0:
            raise InputError(f"memory = {memory:g}: must be > 0 days")
        super().__init__(env)
        self._memory = float(memory)
        inner = env.observation_space
        assert isinstance(inner, spaces.Dict)
        category = inner["candidate_category"]
        assert isinstance(category, spaces.Box)
        *batch, candidates = category.shape
        self._categories = int(category.high.max()) + 1
        self._batch = tuple(batch)
        shapes = {
            "user": (*batch, self._categories + 2),
            "candidates": (*batch, candidates, FIXED + self._categories),
        }
        numbers: dict[str, spaces.Space[Any]] = {
            name: spaces.Box(0.0, 1.0, shape, np.float32) for name, shape in shapes.items()
        }
        if batch:
            numbers["present"] = inner["present"]
        self.observation_space = cast("spaces.Space[Numbers]", spaces.Dict(numbers))

    def observation(self, observation: dict[str, Any]) -> Numbers:
        """The numbers of one observation of the feed."""
        fill = numbers_of_batch if self._batch else numbers_of
        user, candidates = fill(
            observation["recent_kind"],
            observation["recent_category"],
            observation["recent_age"],
            observation["candidate_category"],
            observation["candidate_price"],
            observation["candidate_age"],
            self._categories,
            self._memory,
        )
        if self._batch:
            return {"user": user, "candidates": candidates, "present": observation["present"]}
        return {"user": user, "candidates": candidates}


@kernel
def numbers_of(
    kind: Int8s,
    category: Int32s,
    since: Float32s,
    offered: Int32s,
    price: Float32s,
    age: Float32s,
    categories: int,
    memory: float,
) -> tuple[Float32s, Float32s]:
    """`user` [K + 2] and `candidates` [C, 3 + K] of one visit; see `NumericObservation`."""
    user = np.zeros(categories + 2, np.float32)
    candidates = np.zeros((offered.size, FIXED + categories), np.float32)
    total = 0.0
    for j in range(kind.size):
        if kind[j] >= 0 and kind[j] != SEARCH and category[j] >= 0:
            weight = exp(-float(since[j]) / memory)
            user[category[j]] += weight
            total += weight
    if total > 0.0:
        for k in range(categories):
            user[k] /= total
    user[categories] = total / kind.size
    if kind[0] >= 0:
        user[categories + 1] = since[0] / (since[0] + HALF)
    for c in range(offered.size):
        candidates[c, PRICE] = price[c] / (price[c] + HALF)
        candidates[c, AGE] = age[c] / (age[c] + HALF)
        own = offered[c]
        if own >= 0:
            candidates[c, AFFINITY] = user[own]
            candidates[c, FIXED + own] = 1.0
    return user, candidates


@kernel
def numbers_of_batch(
    kind: Int8s,
    category: Int32s,
    since: Float32s,
    offered: Int32s,
    price: Float32s,
    age: Float32s,
    categories: int,
    memory: float,
) -> tuple[Float32s, Float32s]:
    """`user` [n, K + 2] and `candidates` [n, C, 3 + K] of n visits."""
    n, count = offered.shape
    user = np.empty((n, categories + 2), np.float32)
    candidates = np.empty((n, count, FIXED + categories), np.float32)
    for i in range(n):
        user[i], candidates[i] = numbers_of(
            kind[i], category[i], since[i], offered[i], price[i], age[i], categories, memory
        )
    return user, candidates
