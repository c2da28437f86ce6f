"""Gradual drift: an Ornstein-Uhlenbeck pull towards a home interest."""

from math import exp, sqrt

from driftline.sim.kernel import kernel
from driftline.sim.laws._base import Law, Today
from driftline.sim.types import Floats, Positive, Share, Spread


class Gradual(Law):
    """Interest wanders around `anchor * home`, forgetting with time constant `tau`.

    d theta = (home - theta) / tau dt + sigma sqrt(2 / tau) dW, exact over any gap (Uhlenbeck & Ornstein 1930),
    here one simulated day. Starts in its stationary distribution.

    tau: days. sigma: stationary standard deviation of each topic's logit. anchor: 0 wanders around neutral.
    """

    tau: Positive
    sigma: Spread
    anchor: Share = 0.0
    rates = ()
    times = ("tau",)

    @staticmethod
    @kernel
    def start(component: Floats, today: Today, params: "Gradual") -> None:
        """A draw from the stationary distribution."""
        for k in range(component.size):
            component[k] = params.anchor * today.home[k] + params.sigma * today.noise[k]

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: "Gradual") -> bool:
        """One day of one user's component [K]."""
        keep = exp(-1.0 / params.tau)
        spread = params.sigma * sqrt(1.0 - keep * keep)
        for k in range(component.size):
            # Without an anchor homes are never read: they are most of what a day costs in memory.
            home = params.anchor * today.home[k] if params.anchor > 0.0 else 0.0
            component[k] = home + keep * (component[k] - home) + spread * today.noise[k]
        return False
