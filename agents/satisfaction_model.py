"""What a consumed item is worth to a user: a squashed linear function of a few score features."""

from dataclasses import dataclass
from math import erf, exp, pi, sqrt, tanh
from typing import Literal

import numpy as np

from driftline.agents.lbfgs import lbfgs
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats

Link = Literal["probit", "tanh"]

WEAK_ON_VALUE = 1e-3
"""Ridge of the intercept, in consumptions."""


@dataclass(frozen=True, slots=True)
class SatisfactionModel:
    """E[satisfaction] = link(w . x + b); the probit link is 2 Phi(z) - 1."""

    weights: Floats
    """[F]."""
    intercept: float
    link: Link

    def predict(self, features: Floats) -> Floats:
        """Expected satisfaction in [-1, 1] of features [..., F], shaped [...]."""
        return self.squash(self.latent(features))

    def latent(self, features: Floats) -> Floats:
        """z = w . x + b of features [..., F], shaped [...]. Raises ValueError where F is another."""
        x = np.ascontiguousarray(features, dtype=np.float64)
        if x.shape[-1] != self.weights.size:
            raise ValueError(f"{x.shape[-1]} features for a model of {self.weights.size}; they must agree")
        shape = x.shape[:-1]
        return _latent(x.reshape(-1, x.shape[-1]), self.weights, self.intercept).reshape(shape)

    def squash(self, latent: Floats) -> Floats:
        """link(z) of latent satisfactions of any shape."""
        z = np.ascontiguousarray(latent, dtype=np.float64)
        return _squashed(z.ravel(), self.link == "probit").reshape(z.shape)


def fit_satisfaction(
    features: Floats,
    satisfaction: Floats,
    weight: Floats,
    ridge: float,
    shrink_to: Floats,
    link: Link = "probit",
) -> SatisfactionModel:
    """Weighted least squares through the link, by L-BFGS from `shrink_to`; sums run in the order of the rows.

    features: [n, F]. satisfaction: in [-1, 1], NaN rows are skipped [n]. weight: not negative [n]. ridge: in
    consumptions; the penalty is ridge/2 sum_f v_f (w_f - shrink_to_f)^2, v_f the variance of column f.
    """
    told = np.isfinite(satisfaction) & (weight > 0.0)
    x = np.ascontiguousarray(features[told], dtype=np.float64)
    y = np.ascontiguousarray(satisfaction[told], dtype=np.float64)
    w = np.ascontiguousarray(weight[told], dtype=np.float64)
    spread = x.var(axis=0) if len(x) else np.zeros(x.shape[1])
    penalty = np.append(ridge * spread + 1e-9, WEAK_ON_VALUE)
    centre = np.append(np.asarray(shrink_to, dtype=np.float64), 0.0)

    def loss(flat: Floats) -> tuple[float, Floats]:
        slope = np.zeros(len(flat))
        value = _loss(x, y, w, flat, slope, link == "probit")
        away = flat - centre
        return value + 0.5 * float((penalty * away * away).sum()), slope + penalty * away

    flat = lbfgs(loss, centre, 1e-8 * max(1, len(x)))
    return SatisfactionModel(flat[:-1], float(flat[-1]), link)


@kernel
def _squash(z: float, probit: bool) -> float:
    return erf(z / sqrt(2.0)) if probit else tanh(z)


@kernel
def _squashed(z: Floats, probit: bool) -> Floats:
    out = np.empty(z.size)
    for i in range(z.size):
        out[i] = _squash(z[i], probit)
    return out


@kernel
def _latent(x: Floats, weights: Floats, intercept: float) -> Floats:
    out = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        z = intercept
        for f in range(x.shape[1]):
            z += weights[f] * x[i, f]
        out[i] = z
    return out


@kernel
def _loss(x: Floats, y: Floats, weight: Floats, flat: Floats, slope: Floats, probit: bool) -> float:
    """Half the weighted squared error; adds its gradient to `slope` [F weights, intercept]."""
    n, width = x.shape
    value = 0.0
    for i in range(n):
        z = float(flat[width])
        for f in range(width):
            z += flat[f] * x[i, f]
        mean = _squash(z, probit)
        steep = sqrt(2.0 / pi) * exp(-0.5 * z * z) if probit else 1.0 - mean * mean
        error = mean - y[i]
        value += 0.5 * weight[i] * error * error
        pull = weight[i] * error * steep
        for f in range(width):
            slope[f] += pull * x[i, f]
        slope[width] += pull
    return value
