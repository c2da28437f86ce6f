"""Inverse propensity scoring."""

from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import Weighted
from driftline.sim.types import Floats


class Ips(Weighted):
    """Inverse propensity scoring: mean(w r) (Horvitz & Thompson 1952; Strehl, Langford, Li & Kakade 2010)."""

    unbiased = True
    plain = True


def ips(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    **asked: Unpack[Asked],
) -> Estimate:
    """Inverse propensity scoring: mean(w r) (Horvitz & Thompson 1952; Strehl, Langford, Li & Kakade 2010).

    Unbiased where propensities are right and the logging policy has support; weights may be large.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> round(ips(**log).value, 4)
        1.0
    """
    return estimated_by(Ips(), rounds_of(asked, reward, pscore, target_pscore), asked)
