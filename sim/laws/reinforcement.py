"""Reinforcement: what is consumed is liked more, and fades when it is not."""

from math import exp

from driftline.sim.kernel import kernel
from driftline.sim.laws._base import Law, Today
from driftline.sim.types import Floats, Positive, Spread


class Reinforcement(Law):
    """Taking an item adds `rate * (mixture - 1 / K)`; the component decays by exp(-1 / tau) a day.

    After n takings of one item, one a day, the component is rate (m - 1/K) (1 - q^n) / (1 - q), q = exp(-1/tau),
    on the day of the last: the feedback loop of recommendation-induced drift, bounded by rate / (1 - q).

    rate: logits per item taken. tau: days.
    """

    rate: Spread
    tau: Positive
    noisy = False
    rates = ("rate",)
    times = ("tau",)

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: "Reinforcement") -> bool:
        """One day of fading of one user's component [K]."""
        keep = exp(-1.0 / params.tau)
        for k in range(component.size):
            component[k] = keep * component[k]
        return False

    @staticmethod
    @kernel
    def consume(component: Floats, mixture: Floats, satisfaction: float, params: "Reinforcement") -> None:
        """One item with topic `mixture` [K] was taken."""
        for k in range(component.size):
            component[k] += params.rate * (mixture[k] - 1.0 / component.size)
