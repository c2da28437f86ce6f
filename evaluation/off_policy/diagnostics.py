"""What a log can and cannot say about a policy: support, effective sample size, heavy and suspicious weights."""

from dataclasses import dataclass
from math import copysign, inf, nan

import numpy as np

from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Clusters, Terms, delta
from driftline.sim.types import Floats

SMALL_SHARE = 0.2
"""Effective sample size below this share of n: weights count as heavy. Measured: docs/off-policy.md."""
FEW_EFFECTIVE = 100.0
"""Effective sample size below this: too few rounds speak."""
LARGE_SHARE = 0.05
"""One round with more of the weight than this."""
SUSPICIOUS_Z = 3.0
"""Mean weight further than this many standard errors from 1."""
UNSUPPORTED = 1e-6
"""Target probability without support above this is told."""
ROUNDING = 1e-9
"""A mean weight this near to 1 is 1."""


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What importance weights say about themselves."""

    n: int
    effective_sample_size: float
    """(sum w)^2 / sum w^2 (Kish 1965)."""
    largest_weight: float
    largest_share: float
    """Share of the sum of weights that lies in the largest one."""
    top_percent_share: float
    """Share of the sum that lies in the largest 1 % of rounds (at least one round)."""
    mean_weight: float
    """1 on average wherever propensities are right and the target policy has support."""
    mean_weight_z: float
    """(mean weight - 1) / standard error; rounds of one cluster count together. 0 where it cannot be told."""
    unsupported_mass: float
    """Mean probability with which the target policy acts without support; NaN where not known."""
    single_action: bool
    """The log holds one action only (where actions were given)."""

    def warnings(self) -> tuple[str, ...]:
        """One plain line for each thing that speaks against trusting a weighted estimate."""
        found = []
        if self.unsupported_mass > UNSUPPORTED:
            found.append(
                f"support: {self.unsupported_mass:.2%} of the target policy's choices are never made by the logging "
                "policy; weighting says nothing about their reward"
            )
        if self.single_action:
            found.append("support: the log holds a single action; it cannot tell policies apart")
        share = self.effective_sample_size / self.n
        if share < SMALL_SHARE or self.effective_sample_size < FEW_EFFECTIVE:
            found.append(
                f"effective sample size: {self.effective_sample_size:,.1f} of {self.n:,} rounds ({share:.1%}); few "
                "rounds carry the weight, and normal and bootstrap intervals are then often too narrow"
            )
        if self.largest_share > LARGE_SHARE:
            found.append(
                f"largest weight: {self.largest_weight:,.4g} is {self.largest_share:.1%} of all weight; one round "
                "decides the value"
            )
        if abs(self.mean_weight_z) > SUSPICIOUS_Z:
            found.append(
                f"mean weight: {self.mean_weight:.4g}, {abs(self.mean_weight_z):.1f} standard errors from 1; "
                "propensities are wrong or the target policy lacks support"
            )
        return tuple(found)


def diagnose(rounds: Rounds, *, weight: Floats | None = None, cluster: Clusters | None = None) -> Diagnostics:
    """Diagnostics of a log's importance weights, or of other weights [n] with mean 1.

    Examples:
        >>> log = Rounds(reward=[1, 0, 1], pscore=[0.5, 0.5, 0.25], target_pscore=[0.5, 0.25, 0.5])
        >>> found = diagnose(log)
        >>> round(found.effective_sample_size, 3), found.largest_weight
        (2.333, 2.0)
    """
    weight = rounds.weight if weight is None else weight
    n, total = len(weight), float(weight.sum())
    largest = float(weight.max())
    few = max(1, n // 100)
    top = float(np.partition(weight, n - few)[n - few :].sum())
    unsupported = nan if rounds.unsupported is None else float(rounds.unsupported.mean())
    mean = total / n
    # no BLAS: the sum must not depend on its number of threads
    squares = float(np.einsum("i,i", weight, weight))
    return Diagnostics(
        n=n,
        effective_sample_size=total * total / squares if total > 0 else 0.0,
        largest_weight=largest,
        largest_share=largest / total if total > 0 else nan,
        top_percent_share=top / total if total > 0 else nan,
        mean_weight=mean,
        mean_weight_z=_z(weight, mean, cluster),
        unsupported_mass=unsupported,
        single_action=rounds.action is not None and len(np.unique(rounds.action)) == 1,
    )


def _z(weight: Floats, mean: float, cluster: Clusters | None) -> float:
    """How many standard errors the mean weight lies from 1; 0 where it cannot be told."""
    found = delta(Terms(base=weight), cluster)
    if found.units < 2 or abs(mean - 1.0) < ROUNDING:
        return 0.0
    return (mean - 1.0) / found.std_error if found.std_error > 0 else copysign(inf, mean - 1.0)


BIAS_SHARE = 0.5
"""Bias above this share of the standard error: coverage of a 95 % interval falls below 92 %."""


def biased(what: str, bias: float | None, std_error: float) -> tuple[str, ...]:
    """An estimated bias that an interval does not show."""
    if bias is None or not abs(bias) > BIAS_SHARE * std_error:
        return ()
    return (f"bias: {what} by an estimated {bias:+.4g}, with a standard error of {std_error:.4g}",)
