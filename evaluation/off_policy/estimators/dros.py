"""Doubly robust with optimistic shrinkage."""

from math import inf
from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import MODEL, Weighted, largest_shrunk, shrunk
from driftline.sim.types import Floats


class Dros(Weighted):
    """Optimistic shrinkage: mean(q_expected + lambda_ w / (w^2 + lambda_) (r - q_action)) (Su et al. 2020). Biased."""

    needs = MODEL
    equivariant = True
    untamed = inf

    def tamed(self, weight: Floats) -> Floats:
        """lambda_ w / (w^2 + lambda_)."""
        return shrunk(weight, self.lambda_)

    def largest(self, largest: float) -> float:
        """Of the tamed weights."""
        return largest_shrunk(largest, self.lambda_)


def dros(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    lambda_: float = inf,
    **asked: Unpack[Asked],
) -> Estimate:
    """Optimistic shrinkage: mean(q_expected + lambda_ w / (w^2 + lambda_) (r - q_action)) (Su et al. 2020). Biased.

    lambda_ = 0 is the direct method.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        q_action: The reward model's predictions for the logged actions [n].
        q_expected: Its means under the target policy [n].
        lambda_: How much is kept, at least 0; infinite leaves weights as they are.
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> model = {"q_action": [0.5, 0.5, 0.5], "q_expected": [0.5, 0.5, 0.5]}
        >>> round(dros(**log, **model, lambda_=0.0).value, 4)
        0.5
    """
    return estimated_by(Dros(lambda_), rounds_of(asked, reward, pscore, target_pscore, q_action, q_expected), asked)
