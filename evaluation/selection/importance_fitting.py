"""Importance fitting: split a log so that one part looks to the other as the target policy looks to the logger."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from scipy.special import expit

from driftline.evaluation.off_policy.checks import share as check_share
from driftline.evaluation.selection.chosen import at_least_one
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

FLOOR = 1e-3
"""Weights below this count as this much: their logarithm is a feature."""
NEAR = 0.02
"""How far the mean share may lie from the one asked for (the authors' bound)."""
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""The authors' grid for the regulariser."""


@dataclass(frozen=True, slots=True)
class ImportanceFit:
    """How likely a round is drawn into the pseudo-target part, by context and action."""

    probability: Floats
    """rho(x_i, a) for every action [n, A]."""
    marginal: Floats
    """sum_a pi_b(a | x_i) rho(x_i, a) [n]."""
    weight: Floats
    """Importance weight of the pseudo policies for the logged action [n]."""
    distance: float
    """Mean squared difference of these weights to the real ones."""
    strength: float
    """The regulariser's strength that was taken."""


def fit_importance(
    *,
    action: Int64s,
    behavior_policy: Floats,
    target_policy: Floats,
    share: float = 0.2,
    strengths: Sequence[float] = STRENGTHS,
) -> ImportanceFit:
    """The subsampling rule of PAS-IF (Udagawa, Kiyohara, Narita, Saito & Tateno 2023, section 4).

    A round is drawn with probability rho(x, a). Drawn rounds then follow the pseudo-target policy pi_b rho / m, the
    others the pseudo-logger pi_b (1 - rho) / (1 - m), with m(x) = sum_a pi_b(a | x) rho(x, a). rho minimises
    mean((w~ - w)^2) + strength * mean((m - share)^2), w~ being the pseudo policies' weight of the logged action. Of
    the strengths whose mean m lies within .02 of `share`, the one with the smallest distance is taken (the authors'
    rule). action [n]; behavior_policy and target_policy [n, A].

    The authors use a neural network of (x, a). Here the logit of rho is linear in 1, log w(x, a) and
    log sum_a pi_b w^2 (three numbers, fitted by L-BFGS from the same start each time): the best rho depends on
    context and action through the weights, and nothing random is left. InputError: no strength reaches the share.
    """
    from scipy.optimize import minimize

    check_share("share", share)
    at_least_one(strengths, len(strengths))
    n, a = behavior_policy.shape
    ratio = np.divide(target_policy, behavior_policy, out=np.zeros((n, a)), where=behavior_policy > 0)
    features = _features(behavior_policy, ratio)
    rows = np.arange(n)
    wanted = ratio[rows, action]
    best: ImportanceFit | None = None
    nearest = np.inf
    for strength in strengths:
        found = minimize(
            _loss,
            np.array([log(share / (1.0 - share)), 1.0, 0.0]),
            (features, behavior_policy, action, wanted, share, strength),
            method="L-BFGS-B",
            jac=True,
        )
        rho = expit(features @ found.x)
        marginal = np.asarray((behavior_policy * rho).sum(axis=1))
        logged = rho[rows, action]
        weight = np.asarray(logged / (1.0 - logged) * (1.0 - marginal) / marginal)
        distance = float(np.square(weight - wanted).mean())
        off = abs(float(marginal.mean()) - share)
        nearest = min(nearest, off)
        if off <= NEAR and (best is None or distance < best.distance):
            best = ImportanceFit(rho, marginal, weight, distance, float(strength))
    if best is None:
        raise InputError(
            f"no strength brings the drawn share to {share:g} within {NEAR}; the nearest is {nearest:.3g} off"
        )
    return best


def _features(behavior: Floats, ratio: Floats) -> Floats:
    spread = np.log((behavior * np.square(ratio)).sum(axis=1))
    logs = np.log(np.maximum(ratio, FLOOR))
    return np.stack([np.ones_like(logs), logs, np.broadcast_to(spread[:, None], logs.shape)], axis=2)


def _loss(
    theta: Floats, features: Floats, behavior: Floats, action: Int64s, wanted: Floats, share: float, strength: float
) -> tuple[float, Floats]:
    """The objective and its gradient [3]."""
    rows = np.arange(len(action))
    logit = np.clip(features @ theta, -30.0, 30.0)
    rho = expit(logit)
    marginal = np.clip((behavior * rho).sum(axis=1), 1e-12, 1.0 - 1e-12)
    slope = np.einsum("na,nap->np", behavior * rho * (1.0 - rho), features)
    weight = np.exp(logit[rows, action]) * (1.0 - marginal) / marginal
    pull = weight[:, None] * (features[rows, action] - slope / (marginal * (1.0 - marginal))[:, None])
    off, away = weight - wanted, marginal - share
    value = np.square(off).mean() + strength * np.square(away).mean()
    gradient = 2.0 * ((off[:, None] * pull).mean(axis=0) + strength * (away[:, None] * slope).mean(axis=0))
    return float(value), gradient
