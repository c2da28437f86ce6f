"""Compiled loops that carry one law over many users; the law's own kernels are inlined by the compiler."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from driftline.sim.kernel import NEAR, bring_near, kernel
from driftline.sim.keyed import fill_normals, open_unit, philox
from driftline.sim.laws._base import Advance, Consume, Start, Stirs, Today
from driftline.sim.types import Bools, Float32s, Floats, Int8s, Int32s, Int64s

LUCK, FATE, FIRST_DAY = 1, 2, 0

Days = Callable[[Float32s, int, Floats, Int64s, Int32s, int, int, int, float, Floats, Any, Bools], None]
Starts = Callable[[Float32s, int, Floats, Int64s, int, int, float, Floats, Any], None]
Takes = Callable[[Float32s, int, Int64s, Int32s, Int8s, Float32s, Float32s, Any], None]


@kernel
def always(today: Today, params: Any) -> bool:  # noqa: ARG001  all of a kind are called alike
    """Noise is read every day."""
    return True


@kernel
def never(today: Today, params: Any) -> bool:  # noqa: ARG001  all of a kind are called alike
    """Noise is never read."""
    return False


@lru_cache
def start_loop(start: Start) -> Starts:
    """`loop(components, slot, homes, users, seed, stream, horizon, shared, params)`: day 0 of a law."""

    def loop(
        components: Float32s,
        slot: int,
        homes: Floats,
        users: Int64s,
        seed: int,
        stream: int,
        horizon: float,
        shared: Floats,
        params: Any,
    ) -> None:
        noise = np.empty(components.shape[2])
        row = np.empty(components.shape[2])
        for user in users:
            fill_normals(noise, user, FIRST_DAY, 0, seed, stream)
            luck = open_unit(philox(user, FIRST_DAY, LUCK, 0, seed, stream)[0])
            fate = open_unit(philox(user, FIRST_DAY, FATE, 0, seed, stream)[0])
            row[:] = 0.0
            start(row, Today(homes[user], noise, luck, fate, FIRST_DAY, horizon, shared), params)
            components[user, slot] = row

    return kernel(loop)


@lru_cache
def daily_loop(advance: Advance, noisy: bool, stirs: Stirs | None = None) -> Days:
    """`loop(components, slot, homes, users, last_day, day, seed, stream, horizon, shared, params, changed)`.

    Brings each user's component from `last_day[user]` to `day`, day by day, and marks change points.
    """

    asks = (stirs or always) if noisy else never

    def loop(
        components: Float32s,
        slot: int,
        homes: Floats,
        users: Int64s,
        last_day: Int32s,
        day: int,
        seed: int,
        stream: int,
        horizon: float,
        shared: Floats,
        params: Any,
        changed: Bools,
    ) -> None:
        noise = np.zeros(components.shape[2])
        row = np.empty(components.shape[2])
        near = np.empty((NEAR, components.shape[2]), np.float32)
        mine = components[:, slot]
        for i in range(users.size):
            if i % NEAR == 0:
                bring_near(mine, users, i, near)
            user = users[i]
            if last_day[user] >= day:
                continue
            for k in range(row.size):
                row[k] = near[i % NEAR, k]
            home = homes[user]
            fate = open_unit(philox(user, FIRST_DAY, FATE, 0, seed, stream)[0])
            for now in range(last_day[user] + 1, day + 1):
                luck = open_unit(philox(user, now, LUCK, 0, seed, stream)[0])
                today = Today(home, noise, luck, fate, now, horizon, shared)
                if asks(today, params):
                    fill_normals(noise, user, now, 0, seed, stream)
                if advance(row, today, params):
                    changed[user] = True
                # A day ends in the precision in which it is stored: how often a user visits changes nothing.
                for k in range(row.size):
                    row[k] = np.float32(row[k])
            for k in range(row.size):
                mine[user, k] = row[k]

    return kernel(loop)


@lru_cache
def consume_loop(consume: Consume) -> Takes:
    """`loop(components, slot, users, taken, in_group, mixture, satisfaction, params)`.

    Lets a law react, for each user whose `taken` item is not -1 and whose `in_group` is 1.
    """

    def loop(
        components: Float32s,
        slot: int,
        users: Int64s,
        taken: Int32s,
        in_group: Int8s,
        mixture: Float32s,
        satisfaction: Float32s,
        params: Any,
    ) -> None:
        row = np.empty(components.shape[2])
        topics = np.empty(components.shape[2])
        for i in range(users.size):
            if taken[i] < 0 or in_group[i] == 0:
                continue
            row[:] = components[users[i], slot]
            topics[:] = mixture[taken[i]]
            consume(row, topics, satisfaction[i], params)
            components[users[i], slot] = row

    return kernel(loop)
