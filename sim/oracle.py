"""What the best slate would have been worth, and what the shown one was: expected immediate reward."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import erf, exp, log
from typing import Any

import numpy as np

from driftline.sim.affinity import ItemNumbers, affinity
from driftline.sim.choice import Choice
from driftline.sim.choice._base import Value
from driftline.sim.config.params import ResponseParams
from driftline.sim.kernel import kernel
from driftline.sim.response import CLICK, PURCHASE, REWARDS, SATISFACTION, SQRT2, expected_satisfaction
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, RewardKind


@dataclass(frozen=True, slots=True)
class SlateValues:
    """Expected immediate rewards of slates in one world, by the truth about its users and items."""

    items: ItemNumbers
    choice: Choice
    response: ResponseParams
    reward: RewardKind

    def shown(self, users: Int64s, theta: Float32s, slates: Int32s) -> Floats:
        """Value of the slates of ids [n, L] to `users` [n], rows of theta [N, K]: [n]. Always exact."""
        return self._over_users(self.choice.value, users, theta, slates, slates.shape[1])[0]

    def best(self, users: Int64s, theta: Float32s, candidates: Int32s) -> Floats:
        """What no slate of the candidates, `[C]` shared or `[n, C]` private, is worth more than: [n].

        Where `choice.exact(C)` it is the value of the best ordered slate: for every built-in model, any model that
        states `best`, and any other where all ordered slates can be tried. Elsewhere it is a bound from above
        (`ceiling_of` in `driftline.sim.choice._loops` states it): regret against it is at least the true regret.
        """
        pool = np.ascontiguousarray(np.atleast_2d(candidates))
        return self._over_users(self.choice.ceiling, users, theta, pool, self.choice.length)[0]

    def best_slates(self, users: Int64s, theta: Float32s, candidates: Int32s) -> Int32s:
        """The best ordered slates of the candidates, ids [n, L]; good ones where `best` is a bound."""
        pool = np.ascontiguousarray(np.atleast_2d(candidates))
        return self._over_users(self.choice.best, users, theta, pool, self.choice.length)[1]

    def worth(self, interest: Float32s, items: Int32s) -> tuple[Floats, Floats]:
        """Click utilities and expected rewards, once taken, of items [m] for one user's `interest` [K]: [m] each."""
        utilities, rewards = np.empty(items.size), np.empty(items.size)
        worth(interest, items, self.items, self.response, REWARDS.index(self.reward), utilities, rewards)
        return utilities, rewards

    def _over_users(
        self, judge: Value, users: Int64s, theta: Float32s, offered: Int32s, length: int
    ) -> tuple[Floats, Int32s]:
        code = REWARDS.index(self.reward)
        return _loop_over_users(judge)(
            users, theta, offered, self.items, length, self.choice.params, self.response, code
        )


@kernel
def expected_reward(match: float, quality: float, reward: int, numbers: ResponseParams) -> float:
    """E[reward | consumed] of an item with `match` = theta . m, for the reward code of `REWARDS`.

    Dwell is in minutes; its mean over the satisfaction noise uses seven-point Gauss-Hermite quadrature.
    """
    if reward == CLICK:
        return 1.0
    if reward == SATISFACTION:
        return expected_satisfaction(match, quality, numbers)
    if reward == PURCHASE:
        return numbers.purchase * 0.5 * (1.0 + expected_satisfaction(match, quality, numbers))
    x = (match + quality - numbers.level) / numbers.scale
    lift = exp(log(numbers.dwell_median) + 0.5 * numbers.dwell_spread**2) / 60.0
    total = 0.0
    for node, weight in (
        (0.0, 0.4571428571428571),
        (1.1544053947399682, 0.2401231786050127),
        (2.366759410734541, 0.03075712396758651),
        (3.750439717725742, 0.0005482688559722179),
    ):
        up = erf((x + numbers.noise * node) / SQRT2)
        down = erf((x - numbers.noise * node) / SQRT2)
        if node == 0.0:
            total += weight * exp(numbers.dwell_effect * up)
        else:
            total += weight * (exp(numbers.dwell_effect * up) + exp(numbers.dwell_effect * down))
    return lift * total


@kernel
def worth(
    interest: Float32s,
    items: Int32s,
    numbers_of_items: ItemNumbers,
    numbers: ResponseParams,
    reward: int,
    utilities: Floats,
    rewards: Floats,
) -> None:
    """Fill true click utilities and true expected rewards [m] of `items` for one user's `interest` [K]."""
    for j in range(items.size):
        match = affinity(interest, numbers_of_items, items[j])
        utilities[j] = match + numbers_of_items.appeal[items[j]]
        rewards[j] = expected_reward(match, numbers_of_items.quality[items[j]], reward, numbers)


@lru_cache
def _loop_over_users(judge: Value) -> Callable[..., tuple[Floats, Int32s]]:
    """Lets `judge` value, or choose from, each user's items; its slate starts as the first L of them."""

    def loop(
        users: Int64s,
        theta: Float32s,
        offered: Int32s,
        items: ItemNumbers,
        length: int,
        params: Any,
        response: ResponseParams,
        reward: int,
    ) -> tuple[Floats, Int32s]:
        n, m = users.size, offered.shape[1]
        values, slates = np.empty(n), np.empty((n, length), np.int32)
        utilities, rewards = np.empty(m), np.empty(m)
        slate = np.empty(length, np.int32)
        for i in range(n):
            row = offered[i] if offered.shape[0] > 1 else offered[0]
            worth(theta[users[i]], row, items, response, reward, utilities, rewards)
            for k in range(length):
                slate[k] = k
            values[i] = judge(utilities, rewards, slate, params)
            for k in range(length):
                slates[i, k] = row[slate[k]]
        return values, slates

    return kernel(loop)
