"""What the best slate would have been worth, and what the shown one was: exact expected immediate reward."""

from math import erf, exp, log

import numpy as np

from driftline.sim.affinity import ItemNumbers, affinity
from driftline.sim.choice import best_slate, slate_value
from driftline.sim.choice._base import ChoiceNumbers
from driftline.sim.config.params import ResponseParams
from driftline.sim.kernel import kernel
from driftline.sim.response import CLICK, PURCHASE, REWARDS, SATISFACTION, SQRT2, expected_satisfaction
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, RewardKind


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


@kernel
def _values(
    users: Int64s,
    theta: Float32s,
    candidates: Int32s,
    shown: Int32s,
    items: ItemNumbers,
    choice: ChoiceNumbers,
    numbers: ResponseParams,
    reward: int,
) -> tuple[Floats, Floats, Int32s]:
    n, length = shown.shape
    private = candidates.shape[0] > 1 or n == 1
    m = candidates.shape[1]
    best = np.empty(n)
    value = np.empty(n)
    slates = np.empty((n, length), np.int32)
    utilities = np.empty(m)
    rewards = np.empty(m)
    shown_utilities = np.empty(length)
    shown_rewards = np.empty(length)
    places = np.arange(length).astype(np.int32)
    out = np.empty(length, np.int32)
    for i in range(n):
        interest = theta[users[i]]
        row = candidates[i] if private else candidates[0]
        worth(interest, row, items, numbers, reward, utilities, rewards)
        best[i] = best_slate(utilities, rewards, choice, out)
        for k in range(length):
            slates[i, k] = row[out[k]]
        worth(interest, shown[i], items, numbers, reward, shown_utilities, shown_rewards)
        value[i] = slate_value(shown_utilities, shown_rewards, places, choice)
    return value, best, slates


def oracle_values(
    users: Int64s,
    theta: Float32s,
    candidates: Int32s,
    shown: Int32s,
    items: ItemNumbers,
    choice: ChoiceNumbers,
    numbers: ResponseParams,
    reward: RewardKind,
) -> tuple[Floats, Floats, Int32s]:
    """Value of the shown slates [n], of the best slates [n], and the best slates' items [n, L].

    candidates: `[C]` shared or `[n, C]` private. Exact for every choice model, every reward and any
    number of candidates.
    """
    pool = np.ascontiguousarray(np.atleast_2d(candidates))
    return _values(users, theta, pool, shown, items, choice, numbers, REWARDS.index(reward))
