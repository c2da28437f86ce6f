"""A bandit whose arms move by a known law, so every target's true value is known in closed form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from driftline.sim.types import Floats, Int64s

ARMS = 3
LOGGER = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]])
TARGET = np.array([[0.1, 0.3, 0.6], [0.3, 0.1, 0.6]])
"""Two contexts, three arms."""
BASE = np.array([[0.2, 0.3, 0.4], [0.3, 0.2, 0.35]])
DIRECTION = np.array([[-0.1, 0.0, 0.3], [-0.2, 0.1, 0.2]])

Law = Callable[[Floats], Floats]
"""period -> how far the mean rewards have gone along DIRECTION."""


def means(law: Law, period: ArrayLike) -> Floats:
    """Mean reward of every context and arm, [n, 2, 3]."""
    gone = law(np.asarray(period, dtype=np.float64))
    return np.asarray(BASE + gone[:, None, None] * DIRECTION)


def value(law: Law, period: float) -> float:
    """The target policy's value in a period; both contexts are equally likely."""
    return float((TARGET * means(law, np.array([float(period)]))[0]).sum() / 2)


@dataclass(frozen=True)
class Log:
    reward: Floats
    pscore: Floats
    target_pscore: Floats
    q_action: Floats
    q_expected: Floats
    period: Int64s
    time: Floats
    context: Int64s
    action: Int64s

    @property
    def basic(self) -> dict[str, Any]:
        return {"reward": self.reward, "pscore": self.pscore, "target_pscore": self.target_pscore}

    @property
    def modelled(self) -> dict[str, Any]:
        return {**self.basic, "q_action": self.q_action, "q_expected": self.q_expected}


def drifting_log(law: Law, periods: int, rounds: int, seed: int, model_error: float = 0.1) -> Log:
    """`rounds` rounds in each period; the reward model is the first period's truth plus an error."""
    rng = np.random.default_rng(seed)
    n = periods * rounds
    period = np.repeat(np.arange(periods), rounds)
    context = rng.integers(0, 2, n)
    action = (rng.random(n)[:, None] > np.cumsum(LOGGER[context], axis=1)).sum(axis=1)
    mean = means(law, period)[np.arange(n), context, action]
    q = BASE + model_error
    return Log(
        reward=(rng.random(n) < mean).astype(np.float64),
        pscore=LOGGER[context, action],
        target_pscore=TARGET[context, action],
        q_action=q[context, action],
        q_expected=(TARGET * q).sum(axis=1)[context],
        period=period,
        time=period + rng.random(n),
        context=context,
        action=action,
    )


def abrupt(at: float) -> Law:
    return lambda period: (period >= at).astype(np.float64)


def linear(rate: float) -> Law:
    return lambda period: rate * period


def seasonal(length: float) -> Law:
    return lambda period: np.sin(2 * np.pi * period / length)


def still(period: Floats) -> Floats:
    return np.zeros(len(period))
