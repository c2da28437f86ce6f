"""Multinomial logit with position bias (McFadden 1974): the user compares everything it is shown, and nothing.

P(position k) = w_k e^{u_k} / (e^b + sum_j w_j e^{u_j}), drawn by keyed Gumbel-max. The best slate comes by Dinkelbach's
iteration (Dinkelbach 1967): for a trial value v the best slate maximises sum_k w_k e^{u_k} (r_k - v) - v e^b, which by
the rearrangement inequality is the L largest a_i = e^{u_i} (r_i - v), in descending order, because the position
weights descend. v then rises to the value of that slate; the iteration ends at the optimum after a few rounds.
"""

from math import exp

import numpy as np

from driftline.sim.affinity import ItemNumbers, affinity
from driftline.sim.choice._base import OUTSIDE_KEY, ChoiceNumbers, Taken, largest, nothing_taken
from driftline.sim.kernel import NEAR, bring_near, kernel
from driftline.sim.keyed import gumbel, philox
from driftline.sim.types import Float32s, Floats, Int32s, Int64s

ROUNDS = 50
with np.errstate(divide="ignore"):
    HIGHEST_GUMBEL: Floats = 1e-9 - np.log(-np.log(np.arange(1, 257) / 256.0))
"""An upper bound of the Gumbel that a word gives, by the word's first eight bits."""


@kernel
def logit_probabilities(utilities: Floats, choice: ChoiceNumbers, out: Floats) -> None:
    """Fill `out` [L + 1] with the chance of each position; the last is nothing."""
    length = utilities.size
    log_weights = choice.log_weights
    top = choice.outside
    for k in range(length):
        top = max(top, utilities[k] + log_weights[k])
    total = exp(choice.outside - top)
    out[length] = total
    for k in range(length):
        out[k] = exp(utilities[k] + log_weights[k] - top)
        total += out[k]
    for k in range(length + 1):
        out[k] /= total


@kernel
def logit_taken(
    users: Int64s,
    visits: Int32s,
    slates: Int32s,
    theta: Float32s,
    items: ItemNumbers,
    choice: ChoiceNumbers,
    seed: int,
    stream: int,
    probabilities: Float32s,
) -> Taken:
    """See `driftline.sim.choice.model.taken_from`."""
    n, length = slates.shape
    taken = nothing_taken(n, length)
    log_weights, wanted = choice.log_weights, probabilities.shape[0] > 0
    utilities, shares = np.empty(length), np.empty(length + 1)
    near = np.empty((NEAR, theta.shape[1]), np.float32)
    for i in range(n):
        user, visit = users[i], visits[i]
        if i % NEAR == 0:
            bring_near(theta, users, i, near)
        interest = near[i % NEAR]
        best = choice.outside + gumbel(philox(user, visit, OUTSIDE_KEY, 0, seed, stream)[0])
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
            logit_probabilities(utilities, choice, shares)
            probabilities[i] = shares
    return taken


@kernel
def logit_value(utilities: Floats, rewards: Floats, slate: Int32s, choice: ChoiceNumbers) -> float:
    """sum_k p_k r_k of the ordered positions `slate` [L] in `utilities` and `rewards` [m]."""
    top = choice.outside
    for k in range(slate.size):
        top = max(top, utilities[slate[k]] + choice.log_weights[k])
    mass = exp(choice.outside - top)
    worth = 0.0
    for k in range(slate.size):
        weight = exp(utilities[slate[k]] + choice.log_weights[k] - top)
        mass += weight
        worth += weight * rewards[slate[k]]
    return worth / mass


@kernel
def logit_best(utilities: Floats, rewards: Floats, choice: ChoiceNumbers, out: Int32s) -> float:
    """Fill `out` [L] with the positions of the best ordered slate; its value."""
    m = utilities.size
    top = choice.outside
    for i in range(m):
        top = max(top, utilities[i])
    strength = np.empty(m)
    for i in range(m):
        strength[i] = exp(utilities[i] - top)
    gain = np.empty(m)
    trial = np.empty_like(out)
    largest(strength, out)
    value = logit_value(utilities, rewards, out, choice)
    for _ in range(ROUNDS):
        for i in range(m):
            gain[i] = strength[i] * (rewards[i] - value)
        largest(gain, trial)
        better = logit_value(utilities, rewards, trial, choice)
        if better <= value:
            break
        value = better
        out[:] = trial
    return value
