"""Choice models of a user's own, as they stand in a file outside the package."""

from math import exp, log
from typing import Any

import numpy as np

from driftline.sim.choice import ChoiceModel
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int32s, NonNegative, Positive


class PlainLogit(ChoiceModel):
    """The multinomial logit, by its probabilities alone."""

    outside: float = 2.5
    position_decay: NonNegative = 0.5
    monotone = True

    @staticmethod
    @kernel
    def probabilities(utilities: Floats, params: Any, out: Floats) -> None:
        length = utilities.size
        out[length] = exp(params.outside)
        total = out[length]
        for k in range(length):
            out[k] = exp(utilities[k] - params.position_decay * log(k + 1.0))
            total += out[k]
        for k in range(length + 1):
            out[k] /= total


class DrawnLogit(PlainLogit):
    """The same, with a way to draw."""

    @staticmethod
    @kernel
    def draw(utilities: Floats, noise: Floats, luck: float, params: Any) -> int:
        best = params.outside - log(-log(luck))
        place = utilities.size
        for k in range(utilities.size):
            worth = utilities[k] - params.position_decay * log(k + 1.0) - log(-log(noise[k]))
            if worth > best:
                best, place = worth, k
        return place


class Overload(ChoiceModel):
    """Choice overload: every attractive item also makes it likelier that nothing is taken.

    P(k) is proportional to e^(u_k / heat), that of nothing to e^outside (1 + crowd sum_j a_j), a = 1 / (1 + e^-u).
    """

    outside: float = 2.5
    heat: Positive = 1.0
    crowd: NonNegative

    @staticmethod
    @kernel
    def probabilities(utilities: Floats, params: Any, out: Floats) -> None:
        length = utilities.size
        total, attractive = 0.0, 0.0
        for k in range(length):
            out[k] = exp(utilities[k] / params.heat)
            total += out[k]
            attractive += 1.0 / (1.0 + exp(-utilities[k]))
        out[length] = exp(params.outside) * (1.0 + params.crowd * attractive)
        total += out[length]
        for k in range(length + 1):
            out[k] /= total


class TooMuch(PlainLogit):
    """Its probabilities sum to more than 1."""

    @staticmethod
    @kernel
    def probabilities(utilities: Floats, params: Any, out: Floats) -> None:
        for k in range(utilities.size + 1):
            out[k] = 1.1 / (utilities.size + 1)


class Dividing(PlainLogit):
    """It divides by zero where all utilities are equal."""

    @staticmethod
    @kernel
    def probabilities(utilities: Floats, params: Any, out: Floats) -> None:
        total = 0.0
        for k in range(utilities.size):
            out[k] = utilities[k] - utilities.min()
            total += out[k]
        for k in range(utilities.size):
            out[k] /= total
        out[utilities.size] = 0.0


class Untyped(PlainLogit):
    """Not to be compiled."""

    @staticmethod
    @kernel
    def probabilities(utilities: Floats, params: Any, out: Floats) -> None:
        out[0] = params.patience


class Slow(ChoiceModel):
    """Its kernel is not one."""

    @staticmethod
    def probabilities(utilities: Floats, params: Any, out: Floats) -> None:
        out[:] = 1.0 / len(out)


class Empty(ChoiceModel):
    """It does not say how."""


class Eager(PlainLogit):
    """It draws as if nothing were never taken."""

    @staticmethod
    @kernel
    def draw(utilities: Floats, noise: Floats, luck: float, params: Any) -> int:
        best, place = -1e300, 0
        for k in range(utilities.size):
            worth = utilities[k] - params.position_decay * log(k + 1.0) - log(-log(noise[k]))
            if worth > best:
                best, place = worth, k
        return place


class Gambling(PlainLogit):
    """It draws from a global generator."""

    @staticmethod
    @kernel
    def draw(utilities: Floats, noise: Floats, luck: float, params: Any) -> int:
        out = np.empty(utilities.size + 1)
        total = exp(params.outside)
        for k in range(utilities.size):
            out[k] = exp(utilities[k] - params.position_decay * log(k + 1.0))
            total += out[k]
        left = np.random.random() * total  # noqa: NPY002
        for k in range(utilities.size):
            left -= out[k]
            if left < 0.0:
                return k
        return int(utilities.size)


class Humble(PlainLogit):
    """Its best slate is its worst."""

    @staticmethod
    @kernel
    def best(utilities: Floats, rewards: Floats, params: Any, out: Int32s) -> None:
        out[:] = np.argsort(rewards)[: out.size]


class Repeating(PlainLogit):
    """Its best slate shows one item again and again."""

    @staticmethod
    @kernel
    def best(utilities: Floats, rewards: Floats, params: Any, out: Int32s) -> None:
        out[:] = np.argmax(np.exp(utilities) * rewards)


class Optimist(PlainLogit):
    """A slate is worth more to it than it is."""

    @staticmethod
    @kernel
    def value(utilities: Floats, rewards: Floats, slate: Int32s, params: Any) -> float:
        return float(rewards[slate].max())


class Boastful(Overload):
    """It claims that no item puts anybody off."""

    outside: float = 0.0
    crowd: NonNegative = 2.0
    monotone = True


class Overwriting(PlainLogit):
    """It writes into what it is given."""

    @staticmethod
    @kernel
    def probabilities(utilities: Floats, params: Any, out: Floats) -> None:
        total = exp(params.outside)
        out[utilities.size] = total
        for k in range(utilities.size):
            utilities[k] = exp(utilities[k])
            out[k] = utilities[k]
            total += out[k]
        for k in range(utilities.size + 1):
            out[k] /= total
