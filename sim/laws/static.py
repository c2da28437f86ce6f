"""No drift: the interest a user was born with."""

from driftline.sim.kernel import kernel
from driftline.sim.laws._base import Law, Today
from driftline.sim.types import Floats


class Static(Law):
    """Interest stays at home for ever."""

    rates = ()

    @staticmethod
    @kernel
    def start(component: Floats, today: Today, params: "Static") -> None:
        """The component [K] is the user's home."""
        for k in range(component.size):
            component[k] = today.home[k]
