"""Multinomial logit with position bias: what a user does with a slate, in closed form and by keyed Gumbel-max."""

from math import exp

import numpy as np

from driftline.sim.item_numbers import ItemNumbers
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int32s

OUTSIDE_KEY = 0xFFFFFFFF
"""Stands for "nothing" where an item's id keys the noise."""


def position_log_weights(length: int, decay: float) -> Floats:
    """log w_k = -decay log(k + 1), k = 0 .. length - 1."""
    weights: Floats = -decay * np.log(np.arange(1.0, length + 1.0))
    return weights


@kernel
def affinity(theta: Float32s, items: ItemNumbers, item: int) -> float:
    """theta . m of one item: float32 products, summed in float64 in topic order. Click utility adds `appeal[item]`."""
    total = 0.0
    for t in range(items.topic.shape[1]):
        total += theta[items.topic[item, t]] * items.weight[item, t]
    return total


@kernel
def choice_probabilities(utilities: Floats, log_weights: Floats, outside: float, out: Floats) -> None:
    """P(position k) = w_k e^{u_k} / (e^b + sum_j w_j e^{u_j}); the last entry of `out` [L + 1] is nothing."""
    length = utilities.size
    top = outside
    for k in range(length):
        top = max(top, utilities[k] + log_weights[k])
    total = exp(outside - top)
    out[length] = total
    for k in range(length):
        out[k] = exp(utilities[k] + log_weights[k] - top)
        total += out[k]
    for k in range(length + 1):
        out[k] /= total


def slate_probabilities(theta: Float32s, slate: Int32s, items: ItemNumbers, decay: float, outside: float) -> Floats:
    """Choice probabilities of one slate of ids [L] for one user `theta` [K]; `[L + 1]`, the last is nothing."""
    utilities = np.array([affinity(theta, items, item) + float(items.appeal[item]) for item in slate])
    out = np.empty(len(slate) + 1)
    choice_probabilities(utilities, position_log_weights(len(slate), decay), outside, out)
    return out
