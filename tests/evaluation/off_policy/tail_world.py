"""A bandit with two contexts and three actions whose rewards are uniform on [m, m + 1]: its risks are known exactly."""

from typing import Any

import numpy as np
from scipy import integrate, optimize

from driftline.sim.types import Floats

CONTEXT = np.array([0.4, 0.6])
LOGGING = np.array([[0.5, 0.3, 0.2], [0.2, 0.4, 0.4]])
TARGET = np.array([[0.2, 0.2, 0.6], [0.5, 0.4, 0.1]])
LOWEST = np.array([[0.0, 0.5, 1.0], [0.2, 0.4, 1.4]])
LARGEST = 2.4


def true_cdf(t: float) -> float:
    return float((CONTEXT[:, None] * TARGET * np.clip(t - LOWEST, 0.0, 1.0)).sum())


def true_cvar(alpha: float) -> float:
    quantile = float(optimize.brentq(lambda t: true_cdf(t) - alpha, 0.0, LARGEST)) if alpha < 1 else LARGEST
    kinks = sorted({*LOWEST.ravel(), *(LOWEST.ravel() + 1)})
    area, _ = integrate.quad(true_cdf, 0.0, quantile, points=[k for k in kinks if 0 < k < quantile], limit=200)
    return quantile - area / alpha


def drawn(n: int, seed: int) -> dict[str, Any]:
    """A log of n rounds, as the estimators take it."""
    rng = np.random.default_rng(seed)
    context = (rng.random(n) < CONTEXT[1]).astype(int)
    action = (LOGGING[context].cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    reward = LOWEST[context, action] + rng.random(n)
    return {"reward": reward, "pscore": LOGGING[context, action], "target_pscore": TARGET[context, action]}


def weighted_log(weight: Floats, reward: Floats) -> dict[str, Any]:
    """A log whose importance weights are these."""
    return {"reward": reward, "pscore": np.full(len(reward), 0.01), "target_pscore": 0.01 * np.asarray(weight)}
