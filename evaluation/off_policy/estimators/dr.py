"""Doubly robust."""

from typing import Unpack

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._weighted import MODEL, Weighted
from driftline.sim.types import Floats


class Dr(Weighted):
    """Doubly robust: mean(q_expected + w (r - q_action)) (Dudik, Langford & Li 2011)."""

    needs = MODEL
    unbiased = True
    equivariant = True


def dr(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats,
    q_expected: Floats,
    **asked: Unpack[Asked],
) -> Estimate:
    """Doubly robust: mean(q_expected + w (r - q_action)) (Dudik, Langford & Li 2011).

    Unbiased for any model that was not fitted on these rounds.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        q_action: The reward model's predictions for the logged actions [n].
        q_expected: Its means under the target policy [n].
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an interval that does not exist for it.

    Examples:
        >>> log = {"reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.25], "target_pscore": [0.5, 0.25, 0.5]}
        >>> model = {"q_action": [0.5, 0.5, 0.5], "q_expected": [0.5, 0.5, 0.5]}
        >>> round(dr(**log, **model).value, 4)
        0.9167
    """
    return estimated_by(Dr(), rounds_of(asked, reward, pscore, target_pscore, q_action, q_expected), asked)
