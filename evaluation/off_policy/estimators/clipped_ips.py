"""Inverse propensity scoring with clipped weights."""

from math import inf
from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import Weighted, clipped
from driftline.sim.types import Floats


class ClippedIps(Weighted):
    """Clipped weights: mean(min(w, lambda_) r) (Ionides 2008; Strehl, Langford, Li & Kakade 2010). Biased."""

    untamed = inf

    def tamed(self, weight: Floats) -> Floats:
        """min(w, lambda_)."""
        return clipped(weight, self.lambda_)

    def largest(self, largest: float) -> float:
        """Of the tamed weights."""
        return min(largest, self.lambda_)


def clipped_ips(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    lambda_: float = inf,
    **asked: Unpack[Asked],
) -> Estimate:
    """Clipped weights: mean(min(w, lambda_) r) (Ionides 2008; Strehl, Langford, Li & Kakade 2010). Biased.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        lambda_: The largest weight, at least 0; infinite leaves weights as they are.
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> round(clipped_ips(**log, lambda_=1.5).value, 4)
        0.8333
    """
    return estimated_by(ClippedIps(lambda_), rounds_of(asked, reward, pscore, target_pscore), asked)
