"""Replay: the rounds in which a deterministic target policy would have done the same."""

from typing import Unpack

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked
from driftline.evaluation.off_policy.estimation import estimated_by, rounds_of
from driftline.evaluation.off_policy.estimators._base import Estimator
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.types import Floats


class Replay(Estimator):
    """Mean reward of the rounds in which a deterministic target policy takes the logged action."""

    needs = ("target_pscore",)
    equivariant = True
    unasked = False

    def terms(self, rounds: Rounds) -> Terms:
        """Rewards of the rounds that match, over their number."""
        target = rounds.need("target_pscore", "replay")
        neither = np.flatnonzero((target > 0.0) & (target < 1.0))
        if neither.size:
            at = int(neither[0])
            raise InputError(
                f"target_pscore[{at}] is {target[at]:g}; replay needs a deterministic target policy (0 or 1), "
                "for a random one use ips, snips or dr"
            )
        match = target >= 1.0
        if not match.any():
            raise InputError(
                f"target_pscore is 0 in all {len(rounds):,} rounds: the target policy matches none of them"
            )
        return Terms(top=match * rounds.reward, bottom=match.astype(np.float64), used=match)

    def cautions(self, rounds: Rounds, std_error: float) -> tuple[str, ...]:
        """A log that was not drawn uniformly."""
        if rounds.pscore is None or np.ptp(rounds.pscore) <= 1e-9:
            return ()
        return ("propensities: replay is unbiased only for a log drawn uniformly at random; these differ",)


def replay(*, reward: Floats, target_pscore: Floats, pscore: Floats | None = None, **asked: Unpack[Asked]) -> Estimate:
    """Mean reward of the rounds in which a deterministic target policy takes the logged action.

    For logs drawn uniformly at random (Li, Chu, Langford & Wang 2011). `n` is the number of rounds that match.

    Args:
        reward: What the logged actions earned [n]; finite.
        target_pscore: Whether the target policy takes them [n], 0 or 1.
        pscore: Their probabilities under the logging policy [n]; only to tell a log that was not drawn uniformly.
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: A random target policy; no round that matches; an unusable value.

    Examples:
        >>> replay(reward=[1, 0, 1], target_pscore=[1, 1, 0]).value
        0.5
    """
    return estimated_by(Replay(), rounds_of(asked, reward, target_pscore=target_pscore, pscore=pscore), asked)
