"""Multinomial logit with position bias: what a user does with a slate, in closed form and by keyed Gumbel-max."""

from math import exp

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int32s

OUTSIDE_KEY = 0xFFFFFFFF
"""Stands for "nothing" where an item's id keys the noise."""


def position_log_weights(length: int, decay: float) -> Floats:
    """log w_k = -decay log(k + 1), k = 0 .. length - 1."""
    weights: Floats = -decay * np.log(np.arange(1.0, length + 1.0))
    return weights


@kernel
def utility(theta: Float32s, mixture: Float32s, appeal: float) -> float:
    """Click utility of an item: theta . m + appeal, summed in float64 in topic order."""
    total = float(appeal)
    for k in range(theta.size):
        total += float(theta[k]) * float(mixture[k])
    return total


@kernel
def affinity(theta: Float32s, mixture: Float32s) -> float:
    """theta . m, summed in float64 in topic order."""
    total = 0.0
    for k in range(theta.size):
        total += float(theta[k]) * float(mixture[k])
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


def slate_probabilities(
    theta: Float32s, items: Int32s, mixture: Float32s, appeal: Float32s, decay: float, outside: float
) -> Floats:
    """Choice probabilities of one slate `items` [L] for one user `theta` [K]; `[L + 1]`, the last is nothing."""
    utilities = np.array([utility(theta, mixture[i], appeal[i]) for i in items])
    out = np.empty(len(items) + 1)
    choice_probabilities(utilities, position_log_weights(len(items), decay), outside, out)
    return out
