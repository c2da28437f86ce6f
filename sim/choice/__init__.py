"""Which model serves a world: one dispatch table that knows no default.

What a user does with a slate: three models of choice, each with its probabilities, its draws and its best slate.

The choice model of a world, whichever it is: probabilities, draws, the value of a slate and the best slate.
"""

import numpy as np

from driftline.sim.affinity import ItemNumbers, affinity
from driftline.sim.choice._base import CASCADE, MULTINOMIAL_LOGIT, ChoiceNumbers, Taken
from driftline.sim.choice.cascade import cascade_best, cascade_probabilities, cascade_taken
from driftline.sim.choice.multinomial_logit import logit_best, logit_probabilities, logit_taken, logit_value
from driftline.sim.choice.position_based import position_based_best, position_based_probabilities, position_based_taken
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int32s, Int64s


@kernel
def choice_probabilities(utilities: Floats, choice: ChoiceNumbers, out: Floats) -> None:
    """Fill `out` [L + 1] with the chance that each position is taken; the last is nothing."""
    if choice.model == MULTINOMIAL_LOGIT:
        logit_probabilities(utilities, choice, out)
    elif choice.model == CASCADE:
        cascade_probabilities(utilities, choice, out)
    else:
        position_based_probabilities(utilities, choice, out)


@kernel
def taken_from(
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
    """What every visit takes from its slate [n, L]; users are rows of theta [N, K].

    Noise is keyed by (user, visit, item), and by (user, visit) for what belongs to no item. `probabilities`
    [n, L + 1] is filled unless it has no rows.
    """
    if choice.model == MULTINOMIAL_LOGIT:
        return logit_taken(users, visits, slates, theta, items, choice, seed, stream, probabilities)
    if choice.model == CASCADE:
        return cascade_taken(users, visits, slates, theta, items, choice, seed, stream, probabilities)
    return position_based_taken(users, visits, slates, theta, items, choice, seed, stream, probabilities)


@kernel
def slate_value(utilities: Floats, rewards: Floats, slate: Int32s, choice: ChoiceNumbers) -> float:
    """sum_k p_k r_k of the ordered positions `slate` [L] in `utilities` and `rewards` [m]."""
    if choice.model == MULTINOMIAL_LOGIT:
        return logit_value(utilities, rewards, slate, choice)
    shown = np.empty(slate.size)
    for k in range(slate.size):
        shown[k] = utilities[slate[k]]
    shares = np.empty(slate.size + 1)
    choice_probabilities(shown, choice, shares)
    worth = 0.0
    for k in range(slate.size):
        worth += shares[k] * rewards[slate[k]]
    return worth


@kernel
def best_slate(utilities: Floats, rewards: Floats, choice: ChoiceNumbers, out: Int32s) -> float:
    """Fill `out` [L] with the positions of the best ordered slate among [m]; its value. Exact for every model."""
    if choice.model == MULTINOMIAL_LOGIT:
        return logit_best(utilities, rewards, choice, out)
    if choice.model == CASCADE:
        cascade_best(utilities, rewards, choice, out)
    else:
        position_based_best(utilities, rewards, choice, out)
    return slate_value(utilities, rewards, out, choice)


def slate_probabilities(theta: Float32s, slate: Int32s, items: ItemNumbers, choice: ChoiceNumbers) -> Floats:
    """Choice probabilities of one slate of ids [L] for one user `theta` [K]; `[L + 1]`, the last is nothing."""
    utilities = np.array([affinity(theta, items, item) + float(items.appeal[item]) for item in slate])
    out = np.empty(len(slate) + 1)
    choice_probabilities(utilities, choice, out)
    return out
