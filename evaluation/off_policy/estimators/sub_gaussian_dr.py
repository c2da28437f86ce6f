"""Doubly robust with weights by a power mean."""

from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import MODEL, PowerMean
from driftline.sim.types import Floats


class SubGaussianDr(PowerMean):
    """mean(q_expected + w / (1 - lambda_ + lambda_ w) (r - q_action)) (Metelli, Russo & Restelli 2021). Biased."""

    needs = MODEL
    equivariant = True


def sub_gaussian_dr(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    lambda_: float = 0.0,
    **asked: Unpack[Asked],
) -> Estimate:
    """mean(q_expected + w / (1 - lambda_ + lambda_ w) (r - q_action)) (Metelli, Russo & Restelli 2021). Biased.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        q_action: The reward model's predictions for the logged actions [n].
        q_expected: Its means under the target policy [n].
        lambda_: In [0, 1]; 0 leaves weights as they are, 1 makes all of them 1.
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> model = {"q_action": [0.5, 0.5, 0.5], "q_expected": [0.5, 0.5, 0.5]}
        >>> round(sub_gaussian_dr(**log, **model, lambda_=1.0).value, 4)
        0.6667
    """
    rounds = rounds_of(asked, reward, pscore, target_pscore, q_action, q_expected)
    return estimated_by(SubGaussianDr(lambda_), rounds, asked)
