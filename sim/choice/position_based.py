"""The position-based model (Richardson et al. 2007), with one look a visit: at a position, not at what stands there.

The user looks at position k with chance q_k = w_k / sum_j w_j and takes the item there with its attraction
a = 1 / (1 + e^(b - u)): P(position k) = q_k a_k. A visit takes one item at most, hence one look; the usual model, where
every position is looked at by itself, may take several. Items do not compete, so the best slate is the L largest a r,
the largest where users look most.
"""

from math import exp
from typing import NamedTuple

import numpy as np

from driftline.sim.affinity import ItemNumbers, affinity
from driftline.sim.choice._base import (
    NOTHING,
    ChoiceModel,
    Taken,
    attraction,
    largest,
    nothing_taken,
    position_log_weights,
)
from driftline.sim.kernel import kernel
from driftline.sim.keyed import open_unit, philox
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, Spread, Utility


class PositionNumbers(NamedTuple):
    """`PositionBased` for slates of one length."""

    outside: float
    log_weights: Floats
    """log w_k of position k [L]."""


@kernel
def _total_weight(params: PositionNumbers, length: int) -> float:
    """sum_j w_j of the first `length` positions."""
    total = 0.0
    for k in range(length):
        total += exp(params.log_weights[k])
    return total


@kernel
def _probabilities(utilities: Floats, params: PositionNumbers, out: Floats) -> None:
    total = _total_weight(params, utilities.size)
    nothing = 1.0
    for k in range(utilities.size):
        out[k] = exp(params.log_weights[k]) / total * attraction(utilities[k], params.outside)
        nothing -= out[k]
    out[utilities.size] = max(nothing, 0.0)


class PositionBased(ChoiceModel):
    """It looks at one position, whatever stands there, and takes the item if it attracts it.

    outside: utility of taking nothing. position_decay: w_k = (k + 1)^-position_decay.
    """

    outside: Utility = 2.5
    position_decay: Spread = 0.5
    monotone = True
    probabilities = staticmethod(_probabilities)

    def numbers_for(self, length: int) -> PositionNumbers:
        """The logarithms of the weights, one a position."""
        return PositionNumbers(self.outside, position_log_weights(length, self.position_decay))

    @staticmethod
    @kernel
    def take(
        users: Int64s,
        visits: Int32s,
        slates: Int32s,
        theta: Float32s,
        items: ItemNumbers,
        params: PositionNumbers,
        seed: int,
        stream: int,
        chances: Float32s,
    ) -> Taken:
        """See `Take`. One number says where a visit looks, one an item if it takes it."""
        n, length = slates.shape
        taken = nothing_taken(n, length)
        total = _total_weight(params, length)
        utilities, shares = np.empty(length), np.empty(length + 1)
        for i in range(n):
            user, visit = users[i], visits[i]
            look = open_unit(philox(user, visit, NOTHING, 0, seed, stream)[0]) * total
            for k in range(length):
                item = slates[i, k]
                liking = affinity(theta[user], items, item)
                utilities[k] = liking + float(items.appeal[item])
                weight = exp(params.log_weights[k])
                if 0.0 <= look < weight:
                    w0, w1, w2, _ = philox(user, visit, item, 0, seed, stream)
                    if open_unit(w0) < attraction(utilities[k], params.outside):
                        taken.position[i], taken.match[i], taken.words[i, 0], taken.words[i, 1] = k, liking, w1, w2
                look -= weight
            if chances.shape[0] > 0:
                _probabilities(utilities, params, shares)
                chances[i] = shares
        return taken

    @staticmethod
    @kernel
    def best(utilities: Floats, rewards: Floats, params: PositionNumbers, out: Int32s) -> None:
        """The L largest a r, in descending order."""
        gain = np.empty(utilities.size)
        for i in range(utilities.size):
            gain[i] = attraction(utilities[i], params.outside) * rewards[i]
        largest(gain, out)
