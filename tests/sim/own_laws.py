"""Laws of a user's own, as they stand in a file outside the package: good ones, and a twin of each broken promise."""

from math import cos, exp, pi
from typing import Any, ClassVar

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.laws import Law, Today
from driftline.sim.types import Floats, Positive, Share


class Seasonal(Law):
    """The home interest swells and fades over a period of some days."""

    period: Positive
    rates = ()
    times = ("period",)
    noisy = False

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        for k in range(component.size):
            component[k] = 0.5 * today.home[k] * (1.0 - cos(2.0 * pi * today.day / params.period))
        return False


class Satiation(Law):
    """What is taken is liked less for a while."""

    rate: Positive
    tau: Positive = 4.0
    noisy = False
    rates = ("rate",)
    times = ("tau",)

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        for k in range(component.size):
            component[k] *= exp(-1.0 / params.tau)
        return False

    @staticmethod
    @kernel
    def consume(component: Floats, mixture: Floats, satisfaction: float, params: Any) -> None:
        for k in range(component.size):
            component[k] -= params.rate * mixture[k]


class Redraw(Law):
    """Redrawn with a hazard; whether it says so is up to `told`."""

    hazard: Share = 0.1
    told: bool = True
    rates = ("hazard",)

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        jump = today.luck < params.hazard
        if jump:
            for k in range(component.size):
                component[k] = today.noise[k]
        return bool(jump and params.told)


class Silent(Redraw):
    """It jumps and never says so."""

    told: bool = False


class Alarmist(Law):
    """It says that it jumps and stays where it is."""

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        return today.luck < 0.1


class Undefined(Law):
    """It divides by the spread of a home interest that may have none."""

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        spread = 0.0
        for k in range(component.size):
            spread += today.home[k] ** 2
        for k in range(component.size):
            component[k] = today.home[k] / spread
        return False


class Random(Law):
    """It draws from a global generator."""

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        for k in range(component.size):
            component[k] += 0.1 * np.random.normal()  # noqa: NPY002
        return False


class Counting(Law):
    """It counts days in what all users share."""

    def shared(self, topics: int, seed: int) -> Floats:
        return np.zeros((1, 1))

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        today.shared[0, 0] += 1.0
        component[0] = 0.01 * today.shared[0, 0]
        return False


class Growing(Law):
    """Each time it is set up it is another."""

    set_up: ClassVar[list[float]] = [0.0]

    def shared(self, topics: int, seed: int) -> Floats:
        self.set_up[0] += 1.0
        return np.full((1, 1), self.set_up[0])

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        component[0] = 0.01 * today.shared[0, 0] * today.day
        return False


class Homesick(Law):
    """It moves everybody's home, the other laws' too."""

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        for k in range(component.size):
            today.home[k] += 0.1
            component[k] = today.home[k]
        return False


class Stale(Law):
    """It reads noise on days for which it says that it does not."""

    @staticmethod
    @kernel
    def stirs(today: Today, params: Any) -> bool:
        return today.luck < 0.2

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        for k in range(component.size):
            component[k] += 0.1 * today.noise[k]
        return False


class Mispaced(Law):
    """Its rate is a square root of one."""

    rate: Share
    noisy = False
    rates: ClassVar[tuple[str, ...] | None] = ("rate",)

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        for k in range(component.size):
            component[k] += 0.1 * params.rate**0.5
        return False


class Misnamed(Mispaced):
    """Its rate is none of its fields."""

    rates = ("speed",)


class Restless(Mispaced):
    """It says that nothing drifts."""

    rates = ()


class Untyped(Law):
    """Not to be compiled."""

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        return bool(params.patience > 1.0)


class Plain(Law):
    """Its kernel is not one."""

    @staticmethod
    def advance(component: Floats, today: Today, params: Any) -> bool:
        return False
