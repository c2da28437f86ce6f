"""Abrupt drift: life events that redraw an interest at once."""

from typing import Any, Literal

from driftline.sim.kernel import kernel
from driftline.sim.laws._base import Law, Today
from driftline.sim.types import Floats, Share, Spread


@kernel
def _jumps(luck: float, fate: float, day: int, horizon: float, hazard: float, middle: bool) -> bool:
    # Scalars, because handing arrays on to an inner function costs as much as a day.
    jump = luck < hazard
    if middle:
        first = int((1.0 + fate) * horizon / 3.0)
        jump = day == first or (jump and day > first)
    return jump


class Abrupt(Law):
    """Each day, with probability `hazard`, the component is redrawn from N(0, sigma^2) per topic.

    Waiting times are geometric with mean 1 / hazard days. With `first: middle` the first jump falls on a day
    drawn uniformly from the middle third of the run and the hazard applies from then on only.

    sigma: standard deviation of each topic's logit, before and after.
    """

    hazard: Share
    sigma: Spread
    first: Literal["hazard", "middle"] = "hazard"
    rates = ("hazard",)

    def numbers(self) -> Any:
        """The numbers for compiled code, where comparing texts is slow: `first` is whether it is "middle"."""
        return super().numbers()._replace(first=self.first == "middle")

    def scaled(self, factor: float) -> Law:
        """Without drift there is no first jump either."""
        law = super().scaled(factor)
        return law if factor else law.model_copy(update={"first": "hazard"})

    @staticmethod
    @kernel
    def start(component: Floats, today: Today, params: "Abrupt") -> None:
        """A first draw."""
        for k in range(component.size):
            component[k] = params.sigma * today.noise[k]

    @staticmethod
    @kernel
    def stirs(today: Today, params: Any) -> bool:
        """Whether this user jumps today."""
        return _jumps(today.luck, today.fate, today.day, today.horizon, params.hazard, params.first)

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: Any) -> bool:
        """One day of one user's component [K]; True on the day of a jump."""
        jump = _jumps(today.luck, today.fate, today.day, today.horizon, params.hazard, params.first)
        if jump:
            for k in range(component.size):
                component[k] = params.sigma * today.noise[k]
        return jump
