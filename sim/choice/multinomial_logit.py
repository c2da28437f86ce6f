"""Multinomial logit with position bias (McFadden 1974): the user compares everything it is shown, and nothing.

P(position k) = w_k e^{u_k} / (e^b + sum_j w_j e^{u_j}), drawn by keyed Gumbel-max. The best slate comes by Dinkelbach's
iteration (Dinkelbach 1967): for a trial value v the best slate maximises sum_k w_k e^{u_k} (r_k - v) - v e^b, which by
the rearrangement inequality is the L largest a_i = e^{u_i} (r_i - v), in descending order, because the position
weights descend. v then rises to the value of that slate; the iteration ends at the optimum after a few rounds.
"""

from math import exp
from typing import NamedTuple

import numpy as np

from driftline.sim.affinity import ItemNumbers, affinity
from driftline.sim.choice._base import NOTHING, ChoiceModel, Taken, largest, nothing_taken, position_log_weights
from driftline.sim.kernel import NEAR, bring_near, kernel
from driftline.sim.keyed import gumbel, philox
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, Spread, Utility

ROUNDS = 50
"""Most rounds of Dinkelbach's iteration; three or four are usual."""
with np.errstate(divide="ignore"):
    HIGHEST_GUMBEL: Floats = 1e-9 - np.log(-np.log(np.arange(1, 257) / 256.0))
"""An upper bound of the Gumbel that a word gives, by the word's first eight bits."""


class LogitNumbers(NamedTuple):
    """`MultinomialLogit` for slates of one length."""

    outside: float
    log_weights: Floats
    """log w_k of position k [L]."""


@kernel
def _probabilities(utilities: Floats, params: LogitNumbers, out: Floats) -> None:
    length = utilities.size
    log_weights = params.log_weights
    top = params.outside
    for k in range(length):
        top = max(top, utilities[k] + log_weights[k])
    total = exp(params.outside - top)
    out[length] = total
    for k in range(length):
        out[k] = exp(utilities[k] + log_weights[k] - top)
        total += out[k]
    for k in range(length + 1):
        out[k] /= total


@kernel
def _value(utilities: Floats, rewards: Floats, slate: Int32s, params: LogitNumbers) -> float:
    top = params.outside
    for k in range(slate.size):
        top = max(top, utilities[slate[k]] + params.log_weights[k])
    mass = exp(params.outside - top)
    worth = 0.0
    for k in range(slate.size):
        weight = exp(utilities[slate[k]] + params.log_weights[k] - top)
        mass += weight
        worth += weight * rewards[slate[k]]
    return worth / mass


class MultinomialLogit(ChoiceModel):
    """It compares everything it is shown.

    outside: utility of taking nothing. position_decay: w_k = (k + 1)^-position_decay.
    """

    outside: Utility = 2.5
    position_decay: Spread = 0.5
    monotone = True
    probabilities = staticmethod(_probabilities)
    value = staticmethod(_value)

    def numbers_for(self, length: int) -> LogitNumbers:
        """The logarithms of the weights, one a position."""
        return LogitNumbers(self.outside, position_log_weights(length, self.position_decay))

    @staticmethod
    @kernel
    def take(
        users: Int64s,
        visits: Int32s,
        slates: Int32s,
        theta: Float32s,
        items: ItemNumbers,
        params: LogitNumbers,
        seed: int,
        stream: int,
        chances: Float32s,
    ) -> Taken:
        """See `Take`. Every item has a Gumbel of its own, and nothing has one."""
        n, length = slates.shape
        taken = nothing_taken(n, length)
        log_weights, wanted = params.log_weights, chances.shape[0] > 0
        utilities, shares = np.empty(length), np.empty(length + 1)
        near = np.empty((NEAR, theta.shape[1]), np.float32)
        for i in range(n):
            user, visit = users[i], visits[i]
            if i % NEAR == 0:
                bring_near(theta, users, i, near)
            interest = near[i % NEAR]
            best = params.outside + gumbel(philox(user, visit, NOTHING, 0, seed, stream)[0])
            for k in range(length):
                item = slates[i, k]
                liking = affinity(interest, items, item)
                utilities[k] = liking + float(items.appeal[item])
                w0, w1, w2, _ = philox(user, visit, item, 0, seed, stream)
                worth = utilities[k] + log_weights[k]
                # Two logarithms are worth avoiding for an item that cannot win.
                if worth + HIGHEST_GUMBEL[w0 >> np.uint64(24)] <= best:
                    continue
                worth += gumbel(w0)
                if worth > best:
                    best = worth
                    taken.position[i], taken.match[i], taken.words[i, 0], taken.words[i, 1] = k, liking, w1, w2
            if wanted:
                _probabilities(utilities, params, shares)
                chances[i] = shares
        return taken

    @staticmethod
    @kernel
    def best(utilities: Floats, rewards: Floats, params: LogitNumbers, out: Int32s) -> None:
        """Dinkelbach's iteration, started from the most attractive slate."""
        m = utilities.size
        top = params.outside
        for i in range(m):
            top = max(top, utilities[i])
        strength = np.empty(m)
        for i in range(m):
            strength[i] = exp(utilities[i] - top)
        gain = np.empty(m)
        trial = np.empty_like(out)
        largest(strength, out)
        value = _value(utilities, rewards, out, params)
        for _ in range(ROUNDS):
            for i in range(m):
                gain[i] = strength[i] * (rewards[i] - value)
            largest(gain, trial)
            better = _value(utilities, rewards, trial, params)
            if better <= value:
                break
            value = better
            out[:] = trial
