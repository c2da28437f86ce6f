"""Marginalised inverse propensity scoring."""

from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import Weighted
from driftline.sim.types import Floats


class Mips(Weighted):
    """Weights of the action's embedding: mean(w(x, e) r) (Saito & Joachims 2022)."""

    needs = ("embedding_weight",)
    unbiased = True
    plain = True
    weighed_by = "embedding_weight"


def mips(
    *,
    reward: Floats,
    embedding_weight: Floats,
    **asked: Unpack[Asked],
) -> Estimate:
    """Weights of the action's embedding: mean(w(x, e) r) (Saito & Joachims 2022).

    Unbiased where the reward depends on the action through the embedding only. Weights are given, or made by
    `embedding_weight` from tables p(e | a), or by `estimated_embedding_weight`.

    Args:
        reward: What the logged actions earned [n]; finite.
        embedding_weight: Weights of what the logged actions are like [n], at least 0.
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "embedding_weight": [1.0, 0.5, 2.0]}
        >>> round(mips(**log).value, 4)
        1.0
    """
    return estimated_by(Mips(), rounds_of(asked, reward, embedding_weight=embedding_weight), asked)
