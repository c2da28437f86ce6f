"""Doubly robust with clipped weights."""

from math import inf
from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import MODEL, Weighted, clipped
from driftline.sim.types import Floats


class ClippedDr(Weighted):
    """Doubly robust with clipped weights: mean(q_expected + min(w, lambda_) (r - q_action)). Biased."""

    needs = MODEL
    equivariant = True
    untamed = inf

    def tamed(self, weight: Floats) -> Floats:
        """min(w, lambda_)."""
        return clipped(weight, self.lambda_)

    def largest(self, largest: float) -> float:
        """Of the tamed weights."""
        return min(largest, self.lambda_)


def clipped_dr(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    lambda_: float = inf,
    **asked: Unpack[Asked],
) -> Estimate:
    """Doubly robust with clipped weights: mean(q_expected + min(w, lambda_) (r - q_action)). Biased.

    The pessimistic shrinkage of Su, Dimakopoulou, Krishnamurthy & Dudik 2020, which is best of all shrinkages where
    nothing is known of the model's residuals. With lambda_ = 0 it is the direct method.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        q_action: The reward model's predictions for the logged actions [n].
        q_expected: Its means under the target policy [n].
        lambda_: The largest weight, at least 0; infinite leaves weights as they are.
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> model = {"q_action": [0.5, 0.5, 0.5], "q_expected": [0.5, 0.5, 0.5]}
        >>> round(clipped_dr(**log, **model, lambda_=1.5).value, 4)
        0.8333
    """
    return estimated_by(
        ClippedDr(lambda_), rounds_of(asked, reward, pscore, target_pscore, q_action, q_expected), asked
    )
