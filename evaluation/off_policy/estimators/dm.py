"""The direct method: a reward model's promise."""

from typing import Unpack

import numpy as np

from driftline.evaluation.arrays import coded
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked, Bounds, IntervalName
from driftline.evaluation.off_policy.diagnostics import modelled_off
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._base import Estimator
from driftline.evaluation.off_policy.intervals import known, within_reward
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Terms, delta
from driftline.sim.types import Floats


class Dm(Estimator):
    """The direct method: mean(q_expected) (Dudik, Langford & Li 2011)."""

    needs = ("q_expected",)
    equivariant = True
    bounded = True

    def terms(self, rounds: Rounds) -> Terms:
        """The model's means."""
        return Terms(base=rounds.need("q_expected", "dm"))

    def term_range(self, rounds: Rounds, bounds: Bounds | None, interval: IntervalName) -> tuple[float, float]:
        """That of rewards."""
        return within_reward(rounds, ("q_expected",), known(bounds, interval))

    def cautions(self, rounds: Rounds, std_error: float) -> tuple[str, ...]:
        """Support, and the model's error as its weighted residuals tell it."""
        said = ["model: the interval covers the draw of contexts, not the reward model's error"]
        if rounds.unsupported is not None and float(rounds.unsupported.mean()) > 0.0:
            mass = float(rounds.unsupported.mean())
            told = f"support: {mass:.2%} of the target policy's choices are never made by the logging policy"
            said.insert(0, f"{told}; their reward is the model's guess")
        parts = (rounds.pscore, rounds.target_pscore, rounds.q_action)
        told_by_log = all(part is not None for part in parts) and bool(np.any(rounds.target_pscore))
        if not told_by_log:
            return tuple(said)
        # of the residuals, not of the model's means, which says nothing of how well the bias is known
        whose = None if rounds.cluster is None else coded("cluster", rounds.cluster)
        off = delta(Terms(base=-rounds.weighted_residual), whose)
        return (*said, *modelled_off(off.value, off.std_error, std_error))


def dm(
    *,
    q_expected: Floats,
    reward: Floats | None = None,
    pscore: Floats | None = None,
    target_pscore: Floats | None = None,
    q_action: Floats | None = None,
    **asked: Unpack[Asked],
) -> Estimate:
    """The direct method: mean(q_expected), a reward model's promise (Dudik, Langford & Li 2011).

    The interval covers the draw of contexts, not the model's error. With the other arrays the model is checked by
    its weighted residuals; they do not change the value.

    Args:
        q_expected: The model's means under the target policy [n].
        reward: What the logged actions earned [n].
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        q_action: The model's predictions for the logged actions [n].
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value.

    Examples:
        >>> dm(q_expected=[0.25, 0.75]).value
        0.5
    """
    earned = np.zeros(np.shape(q_expected)) if reward is None else reward
    told = None if reward is None else q_action
    return estimated_by(Dm(), rounds_of(asked, earned, pscore, target_pscore, told, q_expected), asked)
