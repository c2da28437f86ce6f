"""A policy that knew every user at the end of the warm-up and never looks again: a target for off-policy grading."""

import numpy as np

from driftline.sim.choice import slate_value
from driftline.sim.choice._base import ChoiceNumbers, affinity
from driftline.sim.items import ItemNumbers
from driftline.sim.kernel import kernel
from driftline.sim.oracle import expected_reward
from driftline.sim.response import REWARDS, ResponseNumbers
from driftline.sim.types import Float32s, Floats, Int32s, Int64s
from driftline.sim.world import World


class FrozenPolicy:
    """Shows candidate c with probability proportional to exp(E[reward of c] / temperature), by interests as they were.

    Built on the truth, like the targets of other benchmarks of off-policy evaluation; one of the named exemptions from
    the information barrier. The lower its temperature, the more it loses when interests move.
    """

    def __init__(self, world: World, temperature: float) -> None:
        self._theta = world.theta.copy()
        self._world = world
        self._temperature = temperature

    def chances(self, users: Int64s, candidates: Int32s) -> Floats:
        """P(candidate) [n, C]; users are rows of the world."""
        score = true_values(self._world, self._theta[users], candidates) / self._temperature
        weight = np.exp(score - score.max(axis=1, keepdims=True))
        chance: Floats = weight / weight.sum(axis=1, keepdims=True)
        return chance


def true_values(world: World, theta: Float32s, candidates: Int32s) -> Floats:
    """Exact expected reward of showing each candidate alone to users of interests theta [n, K]: [n, C]."""
    base = world.base
    pool = np.ascontiguousarray(np.broadcast_to(candidates, (len(theta), candidates.shape[-1])), dtype=np.int32)
    reward = REWARDS.index(world.params.reward)
    return _values(np.ascontiguousarray(theta), pool, base.item_numbers, base.numbers, base.choice, reward)


@kernel
def _values(
    theta: Float32s, pool: Int32s, items: ItemNumbers, numbers: ResponseNumbers, choice: ChoiceNumbers, reward: int
) -> Floats:
    n, columns = pool.shape
    out = np.empty((n, columns))
    alone, slate = np.empty(1), np.zeros(1, np.int32)
    worth = np.empty(1)
    for row in range(n):
        for c in range(columns):
            item = pool[row, c]
            match = affinity(theta[row], items, item)
            alone[0] = match + items.appeal[item]
            worth[0] = expected_reward(match, items.quality[item], reward, numbers)
            out[row, c] = slate_value(alone, worth, slate, choice)
    return out
