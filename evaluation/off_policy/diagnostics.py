"""What a log can and cannot say about a policy: support, effective sample size, heavy and suspicious weights."""

from dataclasses import dataclass
from math import nan

import numpy as np

from driftline.evaluation.importance.weights import effective_size, mean_errors, mean_off, small_size
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Clusters
from driftline.sim.types import Floats

UNSUPPORTED = 1e-6
"""Target probability without support above this is told."""


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
        total = self.mean_weight * self.n
        return (
            *found,
            *small_size(self.effective_sample_size, self.n, self.largest_weight, total, "rounds"),
            *mean_off(self.mean_weight, self.mean_weight_z),
        )


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
    mean, errors = mean_errors(weight, cluster)
    return Diagnostics(
        n=n,
        effective_sample_size=float(effective_size(weight[:, None])[0]),
        largest_weight=largest,
        largest_share=largest / total if total > 0 else nan,
        top_percent_share=top / total if total > 0 else nan,
        mean_weight=mean,
        mean_weight_z=errors,
        unsupported_mass=unsupported,
        single_action=rounds.action is not None and len(np.unique(rounds.action)) == 1,
    )


BIAS_SHARE = 0.5
"""Bias above this share of the standard error: coverage of a 95 % interval falls below 92 %."""


def biased(what: str, bias: float | None, std_error: float) -> tuple[str, ...]:
    """An estimated bias that an interval does not show."""
    if bias is None or not abs(bias) > BIAS_SHARE * std_error:
        return ()
    return (f"bias: {what} by an estimated {bias:+.4g}, with a standard error of {std_error:.4g}",)


CLEAR = 2.0
"""A model's bias fewer of its own standard errors from 0 may be the residuals' noise."""


def modelled_off(bias: float, bias_error: float, std_error: float) -> tuple[str, ...]:
    """A model's estimated bias, with its own standard error (that of the weighted residuals), where both are clear."""
    if not (abs(bias) > BIAS_SHARE * std_error and abs(bias) > CLEAR * bias_error):
        return ()
    return (f"bias: the reward model is off by an estimated {bias:+.4g} (standard error {bias_error:.4g})",)
