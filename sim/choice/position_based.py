"""The position-based model (Richardson et al. 2007), with one look a visit: at a position, not at what stands there.

The user looks at position k with chance q_k = w_k / sum_j w_j and takes the item there with its attraction
a = 1 / (1 + e^(b - u)): P(position k) = q_k a_k. A visit takes one item at most, hence one look; the usual model, where
every position is looked at by itself, may take several. Items do not compete, so the best slate is the L largest a r,
the largest where users look most.
"""

from math import exp

import numpy as np

from driftline.sim.affinity import ItemNumbers, affinity
from driftline.sim.choice._base import OUTSIDE_KEY, ChoiceNumbers, Taken, attraction, largest, nothing_taken
from driftline.sim.kernel import kernel
from driftline.sim.keyed import open_unit, philox
from driftline.sim.types import Float32s, Floats, Int32s, Int64s


@kernel
def total_weight(choice: ChoiceNumbers, length: int) -> float:
    """sum_j w_j of the first `length` positions."""
    total = 0.0
    for k in range(length):
        total += exp(choice.log_weights[k])
    return total


@kernel
def position_based_probabilities(utilities: Floats, choice: ChoiceNumbers, out: Floats) -> None:
    """Fill `out` [L + 1] with the chance of each position; the last is nothing."""
    total = total_weight(choice, utilities.size)
    nothing = 1.0
    for k in range(utilities.size):
        out[k] = exp(choice.log_weights[k]) / total * attraction(utilities[k], choice.outside)
        nothing -= out[k]
    out[utilities.size] = max(nothing, 0.0)


@kernel
def position_based_taken(
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
    """See `driftline.sim.choice.model.taken_from`. One number says where a visit looks, one an item if it takes it."""
    n, length = slates.shape
    taken = nothing_taken(n, length)
    total = total_weight(choice, length)
    utilities, shares = np.empty(length), np.empty(length + 1)
    for i in range(n):
        user, visit = users[i], visits[i]
        look = open_unit(philox(user, visit, OUTSIDE_KEY, 0, seed, stream)[0]) * total
        for k in range(length):
            item = slates[i, k]
            liking = affinity(theta[user], items, item)
            utilities[k] = liking + float(items.appeal[item])
            weight = exp(choice.log_weights[k])
            if 0.0 <= look < weight:
                w0, w1, w2, _ = philox(user, visit, item, 0, seed, stream)
                if open_unit(w0) < attraction(utilities[k], choice.outside):
                    taken.position[i], taken.match[i], taken.words[i, 0], taken.words[i, 1] = k, liking, w1, w2
            look -= weight
        if probabilities.shape[0] > 0:
            position_based_probabilities(utilities, choice, shares)
            probabilities[i] = shares
    return taken


@kernel
def position_based_best(utilities: Floats, rewards: Floats, choice: ChoiceNumbers, out: Int32s) -> None:
    """Fill `out` [L] with the positions of the best ordered slate."""
    gain = np.empty(utilities.size)
    for i in range(utilities.size):
        gain[i] = attraction(utilities[i], choice.outside) * rewards[i]
    largest(gain, out)
