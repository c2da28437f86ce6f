"""Conjunct effects: weights of groups of actions, and a model within them."""

from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import Weighted
from driftline.sim.types import Floats


class Offcem(Weighted):
    """Conjunct effects: mean(q_expected + w(x, c) (r - q_action)) (Saito, Ren & Joachims 2023)."""

    needs = ("embedding_weight", "q_action", "q_expected")
    unbiased = True
    equivariant = True
    weighed_by = "embedding_weight"


def offcem(
    *,
    reward: Floats,
    embedding_weight: Floats,
    q_action: Floats,
    q_expected: Floats,
    **asked: Unpack[Asked],
) -> Estimate:
    """Conjunct effects: mean(q_expected + w(x, c) (r - q_action)) (Saito, Ren & Joachims 2023).

    Unbiased where the model is right about differences within groups, q(x, a) - q(x, b) for a and b of one group
    ("local correctness"); with one action in each group it is `dr`, with a single group the model plus its mean
    error. Weights: pi_e(c | x) / pi_b(c | x) of the logged action's group, such as those of `group_weight`.

    Args:
        reward: What the logged actions earned [n]; finite.
        embedding_weight: Weights of what the logged actions are like [n], at least 0.
        q_action: The reward model's predictions for the logged actions [n].
        q_expected: Its means under the target policy [n].
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "embedding_weight": [1.0, 0.5, 2.0]}
        >>> model = {"q_action": [0.5, 0.5, 0.5], "q_expected": [0.5, 0.5, 0.5]}
        >>> round(offcem(**log, **model).value, 4)
        0.9167
    """
    rounds = rounds_of(asked, reward, None, None, q_action, q_expected, embedding_weight)
    return estimated_by(Offcem(), rounds, asked)
