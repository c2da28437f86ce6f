"""Self-normalised inverse propensity scoring."""

from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import Weighted
from driftline.sim.types import Floats


class Snips(Weighted):
    """Self-normalised inverse propensity scoring: sum(w r) / sum(w) (Swaminathan & Joachims 2015)."""

    equivariant = True
    bounded = False
    self_normalised = True


def snips(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    **asked: Unpack[Asked],
) -> Estimate:
    """Self-normalised inverse propensity scoring: sum(w r) / sum(w) (Swaminathan & Joachims 2015).

    Consistent only. The standard error is that of a ratio, sqrt(n / (n - 1) sum w^2 (r - value)^2) / sum w.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> round(snips(**log).value, 4)
        0.8571
    """
    return estimated_by(Snips(), rounds_of(asked, reward, pscore, target_pscore), asked)
