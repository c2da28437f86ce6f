"""The family of estimators that weigh rewards or a model's residuals, and how large weights are tamed.

All functions of weights are elementwise on weights [n], at least 0.
"""

from math import inf, sqrt
from typing import ClassVar

import numpy as np

from driftline.evaluation.interval import Bounds, IntervalName
from driftline.evaluation.off_policy.diagnostics import biased
from driftline.evaluation.off_policy.estimators._base import Estimator
from driftline.evaluation.off_policy.intervals import known, within_reward
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.types import Floats


class Weighted(Estimator):
    """mean(w^ r), or mean(q_expected + w^ (r - q_action)) with a model; divided by mean(w) where self-normalised."""

    bounded = True
    self_normalised: ClassVar[bool] = False
    weighed_by: ClassVar[str] = "pscore"
    """Whose weights: of the action (`pscore`) or of its embedding (`embedding_weight`)."""

    def tamed(self, weight: Floats) -> Floats:
        """The weights that are used instead of the importance weights [n]."""
        return weight

    def largest(self, largest: float) -> float:
        """The largest weight that can be used where importance weights are at most `largest`."""
        return largest

    def terms(self, rounds: Rounds) -> Terms:
        """`tamed` weights times reward or residual."""
        for name in self.needs:
            rounds.need(name, self.name)
        weight = self.weight(rounds)
        if self.weighed_by != "pscore" or self._tames:
            top = self.tamed(weight) * (rounds.residual if self.modelled else rounds.reward)
        else:
            top = rounds.weighted_residual if self.modelled else rounds.weighted_reward
        base = rounds.need("q_expected", self.name) if self.modelled else None
        return Terms(base=base, top=top, bottom=weight if self.self_normalised else None)

    def term_range(self, rounds: Rounds, bounds: Bounds | None, interval: IntervalName) -> tuple[float, float]:
        """From the range of rewards and the largest possible weight."""
        if self.self_normalised:
            return super().term_range(rounds, bounds, interval)
        bounds = known(bounds, interval)
        low, high = within_reward(
            rounds, ("reward", "q_action", "q_expected") if self.modelled else ("reward",), bounds
        )
        largest = self.largest(self._largest_weight(rounds, bounds, interval))
        if self.modelled:
            return low - largest * (high - low), high + largest * (high - low)
        return min(0.0, largest * low), max(0.0, largest * high)

    def _largest_weight(self, rounds: Rounds, bounds: Bounds, interval: IntervalName) -> float:
        """The largest possible weight; an error where it is not stated or the log has a larger one."""
        if bounds.weight is None:
            raise InputError(
                f"interval {interval!r} of {self.name} needs bounds.weight, such as 1 / smallest propensity"
            )
        weight = self.weight(rounds)
        at = int(np.argmax(weight))
        if weight[at] > bounds.weight * (1 + 1e-9):
            raise InputError(
                f"the weight of round {at} is {weight[at]:g}; bounds.weight says at most {bounds.weight:g}"
            )
        return bounds.weight

    def weight(self, rounds: Rounds) -> Floats:
        """Of the action, or of its embedding."""
        return rounds.weight if self.weighed_by == "pscore" else rounds.need("embedding_weight", self.name)

    def cautions(self, rounds: Rounds, std_error: float) -> tuple[str, ...]:
        """Rewards that are all alike; how far taming moved the value.

        The latter is the mean of (w^ - w) times reward or residual (Su et al. 2020).
        """
        said: tuple[str, ...] = ()
        if self.modelled and len(rounds) > 1 and np.ptp(rounds.reward) == 0.0 and std_error > 0.0:
            said = ("spread: the rewards do not vary; the error is the model's and the weights' alone",)
        if not self._tames:
            return said
        rest = self.tamed(rounds.weight) - rounds.weight
        bias = float(np.mean(rest * (rounds.residual if self.modelled else rounds.reward)))
        return (*said, *biased(f"lambda_ = {self.lambda_:g} leaves out weight", bias, std_error))

    @property
    def _tames(self) -> bool:
        return self.untamed is not None and self.lambda_ != self.untamed


class PowerMean(Weighted):
    """Weights by their power mean of order -1 with 1 (Metelli, Russo & Restelli 2021)."""

    untamed = 0.0
    upper = 1.0

    def tamed(self, weight: Floats) -> Floats:
        """w / (1 - lambda_ + lambda_ w); with lambda_ = 1 every weight counts as 1, and a weight of 0 as 0."""
        below = 1.0 - self.lambda_ + self.lambda_ * weight
        # 0 / 0 only where lambda_ is 1 and w is 0: the limit from below
        return np.divide(weight, below, out=np.zeros_like(weight), where=below > 0)

    def largest(self, largest: float) -> float:
        """Of the tamed weights, which rise with the weight."""
        return largest / (1.0 - self.lambda_ + self.lambda_ * largest) if largest > 0 else 0.0


MODEL = ("pscore", "target_pscore", "q_action", "q_expected")
"""What weighted residuals need."""


def clipped(weight: Floats, lambda_: float) -> Floats:
    """min(w, lambda_) (Strehl, Langford, Li & Kakade 2010)."""
    return np.minimum(weight, lambda_)


def switched(weight: Floats, lambda_: float) -> Floats:
    """w where w <= lambda_, else 0 (Wang, Agarwal & Dudik 2017)."""
    return weight * (weight <= lambda_)


def shrunk(weight: Floats, lambda_: float) -> Floats:
    """lambda_ w / (w^2 + lambda_), optimistic shrinkage; w itself for an infinite lambda_ (Su et al. 2020)."""
    return weight if lambda_ == inf else lambda_ * weight / (weight * weight + lambda_)


def largest_shrunk(largest: float, lambda_: float) -> float:
    """The largest value that `shrunk` takes on [0, largest]: it peaks at w = sqrt(lambda_) with sqrt(lambda_) / 2."""
    if lambda_ == inf:
        return largest
    peak = min(largest, sqrt(lambda_))
    return lambda_ * peak / (peak * peak + lambda_) if peak > 0 else 0.0
