"""Inverse propensity scoring with weights by a power mean."""

from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import PowerMean
from driftline.sim.types import Floats


class SubGaussianIps(PowerMean):
    """Weights by a power mean: mean(w r / (1 - lambda_ + lambda_ w)) (Metelli, Russo & Restelli 2021). Biased."""


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
    return estimated_by(SubGaussianIps(lambda_), rounds_of(asked, reward, pscore, target_pscore), asked)
