"""Weights of an action's group and a reward model for what is left within it (OffCEM).

The reward is split into the effect of the group of alike actions and the residual effect of the action in it:
q(x, a) = g(x, group) + h(x, a). Weights tell the first, and with far fewer groups than actions they stay small; the
model must tell the second.
"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.off_policy.checks import whole_numbers
from driftline.evaluation.off_policy.dense import CHUNK_CELLS
from driftline.evaluation.off_policy.estimation import estimate
from driftline.evaluation.off_policy.intervals.precision import LEVEL, REPLICATES, Bounds, IntervalName, Precision
from driftline.evaluation.off_policy.marginalised import policy_pair
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def offcem(
    *,
    reward: Floats,
    embedding_weight: Floats,
    q_action: Floats,
    q_expected: Floats,
    cluster: Int64s | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> Estimate:
    """mean(q_expected + w(x, c) (r - q_action)): conjunct effects (Saito, Ren & Joachims 2023).

    Arrays [n]. embedding_weight: w(x_i, c_i) = pi_e(c_i | x_i) / pi_b(c_i | x_i) of the logged action's group, given
    or by `group_weight`. Unbiased where the model is right about differences within groups, q(x, a) - q(x, b) for a
    and b of one group ("local correctness"); with one action in each group it is `dr`, with a single group the model
    plus its mean error. `cluster` is whose round it is (user), as everywhere, and no group of actions.
    """
    rounds = Rounds(
        reward=reward, embedding_weight=embedding_weight, q_action=q_action, q_expected=q_expected, cluster=cluster
    )
    return estimate(rounds, "offcem", Precision(interval, level, seed, replicates, bounds))


def group_weight(*, action: Int64s, group: ArrayLike, target_policy: Floats, logging_policy: Floats) -> Floats:
    """Weights w(x_i, c_i) [n]: the group's probability under the target policy over that under the logging policy.

    action: [n], 0 to A - 1. group: which group each action belongs to, whole numbers, [A], or [n, A] where it depends
    on the context. Policies: [n, A]. A group's probability is the sum over its actions.
    """
    target, logging = policy_pair(target_policy, logging_policy, None)
    n, actions = target.shape
    action = whole_numbers("action", action, n, actions)
    groups = np.asarray(group)
    if groups.dtype.kind not in "iu":
        raise InputError(f"group: must be whole numbers, got {groups.dtype}")
    if groups.shape not in ((actions,), (n, actions)):
        raise InputError(f"group has shape {groups.shape}; must be [{actions}] or [{n}, {actions}]")
    weight = np.empty(n)
    rows = max(1, CHUNK_CELLS // actions)
    for first in range(0, n, rows):
        part = slice(first, first + rows)
        table = groups[part] if groups.ndim == 2 else np.broadcast_to(groups, target[part].shape)
        taken = np.take_along_axis(table, action[part, None], axis=1)
        above, below = (np.where(table == taken, policy[part], 0.0).sum(axis=1) for policy in (target, logging))
        if not (below > 0).all():
            at = first + int(np.argmin(below > 0))
            raise InputError(f"action[{at}] is {action[at]}, whose group has probability 0 under the logging policy")
        weight[part] = above / below
    return weight
