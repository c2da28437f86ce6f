"""What speaks against trusting one estimate, beside what its weights say about themselves."""

from collections.abc import Sequence
from math import isnan

import numpy as np

from driftline.evaluation.off_policy.diagnostics import Diagnostics
from driftline.evaluation.off_policy.intervals.bootstrap import Resampled
from driftline.evaluation.off_policy.intervals.delta import Delta
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.off_policy.terms import MODEL_BASED, TAMED, Method, tamed

FEW_UNITS = 30
"""Rounds or clusters below this."""
FEW_EFFECTIVE_UNITS = 35.0
"""The variance rests on fewer units than this, or than a sixth of all where that is less (a third is normal)."""
BIAS_SHARE = 0.5
"""Bias above this share of the standard error: coverage of a 95 % interval falls below 92 %."""


def few_units(found: Delta, clustered: bool) -> Sequence[str]:
    """Intervals that rest on few rounds or clusters."""
    of = "clusters" if clustered else "rounds"
    if found.units < 2:
        return [f"units: {found.units} of {of}; no interval can be told"]
    if found.units < FEW_UNITS:
        return [f"units: only {found.units} {of}; the interval is rough"]
    if found.std_error == 0.0 or isnan(found.effective_units):
        return ["spread: every round says the same; the standard error of 0 says nothing"]
    if found.effective_units < min(FEW_EFFECTIVE_UNITS, found.units / 6):
        told = f"spread: the standard error rests on about {found.effective_units:.1f} of {found.units:,} {of}"
        return [f"{told}; the interval is too narrow more often than it says"]
    return []


def modelled(rounds: Rounds, method: Method, lambda_: float, std_error: float) -> Sequence[str]:
    """What a reward model or tamed weights add that no interval shows."""
    said = []
    if method == "dm":
        said.append("model: the interval covers the draw of contexts, not the reward model's error")
    bias = estimated_bias(rounds, method, lambda_)
    if bias is not None and abs(bias) > BIAS_SHARE * std_error:
        what = "the reward model is off" if method == "dm" else f"lambda_ = {lambda_:g} leaves out weight"
        said.append(f"bias: {what} by an estimated {bias:+.4g}, with a standard error of {std_error:.4g}")
    return said


def estimated_bias(rounds: Rounds, method: Method, lambda_: float) -> float | None:
    """Mean of (w_hat - w) times reward or residual: how far taming moved the value (Su et al. 2020).

    The direct method uses no weight at all. None where the method is not biased or the log cannot tell.
    """
    if method == "dm":
        parts = (rounds.pscore, rounds.target_pscore, rounds.q_action)
        if any(part is None for part in parts) or not np.any(rounds.target_pscore):
            return None
        return -float(rounds.weighted_residual.mean())
    if method not in TAMED or lambda_ == TAMED[method]:
        return None
    rest = tamed(rounds.weight, method, lambda_) - rounds.weight
    return float(np.mean(rest * (rounds.residual if method in MODEL_BASED else rounds.reward)))


def of_weights(method: Method, found: Diagnostics | None, rounds: Rounds) -> Sequence[str]:
    """What the weights say, for methods that use them; for others what is known of support."""
    if found is not None and method not in ("dm", "replay"):
        return found.warnings()
    if rounds.unsupported is not None and method == "dm" and float(rounds.unsupported.mean()) > 0.0:
        mass = float(rounds.unsupported.mean())
        told = f"support: {mass:.2%} of the target policy's choices are never made by the logging policy"
        return [f"{told}; their reward is the model's guess"]
    if method == "replay" and rounds.pscore is not None and np.ptp(rounds.pscore) > 1e-9:
        return ["propensities: replay is unbiased only for a log drawn uniformly at random; these differ"]
    return []


def of_bootstrap(found: Resampled | None) -> Sequence[str]:
    """Replicates that could not be computed."""
    if found is None or not found.undefined:
        return []
    return [f"bootstrap: in {found.undefined} replicates no weight was drawn; they are left out"]
