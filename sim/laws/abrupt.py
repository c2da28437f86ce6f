"""Abrupt drift: life events that redraw an interest at once."""

from typing import Literal

from driftline.sim.frozen import NonNegative, Share
from driftline.sim.kernel import kernel
from driftline.sim.laws.law import Law, Today
from driftline.sim.types import Floats


class Abrupt(Law):
    """Each day, with probability `hazard`, the component is redrawn from N(0, sigma^2) per topic.

    Waiting times are geometric with mean 1 / hazard days. With `first: middle` the first jump falls on a day
    drawn uniformly from the middle third of the run and the hazard applies from then on only.

    sigma: standard deviation of each topic's logit, before and after.
    """

    hazard: Share
    sigma: NonNegative
    first: Literal["hazard", "middle"] = "hazard"

    @staticmethod
    @kernel
    def start(component: Floats, today: Today, params: "Abrupt") -> None:
        """A first draw."""
        for k in range(component.size):
            component[k] = params.sigma * today.noise[k]

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: "Abrupt") -> bool:
        """One day of one user's component [K]; True on the day of a jump."""
        jump = today.luck < params.hazard
        if params.first == "middle":
            first = int((1.0 + today.fate) * today.horizon / 3.0)
            jump = today.day == first or (jump and today.day > first)
        if jump:
            for k in range(component.size):
                component[k] = params.sigma * today.noise[k]
        return jump
