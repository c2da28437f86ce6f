"""The reward that a scenario hands out for what has happened."""

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.step import Outcome
from driftline.sim.types import Float32s, RewardKind

REWARDS: tuple[RewardKind, ...] = ("click", "dwell", "purchase", "satisfaction")
CLICK, DWELL, PURCHASE, SATISFACTION = range(4)
"""Codes of the kinds in `REWARDS`, for compiled code."""
SECONDS = np.float32(60.0)


@kernel
def realised_rewards(outcome: Outcome, reward: int) -> Float32s:
    """The reward of each visit [n]: 1 for a click or a purchase, dwell in minutes, or satisfaction in [-1, 1]."""
    n = outcome.choice.size
    rewards = np.zeros(n, np.float32)
    for i in range(n):
        if reward == SATISFACTION:
            rewards[i] = outcome.satisfaction[i]
        elif reward == DWELL:
            rewards[i] = outcome.dwell[i] / SECONDS
        elif reward == CLICK:
            rewards[i] = 1.0 if outcome.taken[i] >= 0 else 0.0
        else:
            rewards[i] = 1.0 if outcome.purchased[i] else 0.0
    return rewards
