"""Inverse propensity scoring with weights by a power mean."""

from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by
from driftline.evaluation.off_policy.estimators._weighted import Weighted, largest_power_mean, power_mean
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.sim.types import Floats


class SubGaussianIps(Weighted):
    """Weights by a power mean: mean(w r / (1 - lambda_ + lambda_ w)) (Metelli, Russo & Restelli 2021). Biased."""

    untamed = 0.0
    upper = 1.0

    def tamed(self, weight: Floats) -> Floats:
        """w / (1 - lambda_ + lambda_ w)."""
        return power_mean(weight, self.lambda_)

    def largest(self, largest: float) -> float:
        """Of the tamed weights."""
        return largest_power_mean(largest, self.lambda_)


def sub_gaussian_ips(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    lambda_: float = 0.0,
    **asked: Unpack[Asked],
) -> Estimate:
    """Weights by a power mean: mean(w r / (1 - lambda_ + lambda_ w)) (Metelli, Russo & Restelli 2021). Biased.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        lambda_: In [0, 1]; 0 leaves weights as they are, 1 makes all of them 1.
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> round(sub_gaussian_ips(**log, lambda_=1.0).value, 4)
        0.6667
    """
    rounds = Rounds(reward=reward, pscore=pscore, target_pscore=target_pscore, cluster=asked.get("cluster"))
    return estimated_by(SubGaussianIps(lambda_), rounds, asked)
