"""Minimising a smooth function from a fixed start, on one thread: the same numbers every time."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from scipy.optimize import minimize

from driftline.agents.one_thread import one_thread
from driftline.sim.types import Floats

Loss = Callable[[Floats], tuple[float, Floats]]
"""From parameters [P] to (value, gradient [P])."""


def lbfgs(loss: Loss, start: Floats, gradient_tolerance: float, max_steps: int = 500) -> Floats:
    """Parameters [P] near a minimum of `loss`, by L-BFGS (Liu & Nocedal 1989) from `start` [P].

    Stops where no entry of the gradient exceeds `gradient_tolerance`, where steps gain nothing that float64
    can tell, or after `max_steps`.
    """
    options = {"maxiter": max_steps, "gtol": gradient_tolerance, "ftol": 1e-13}
    with one_thread():
        found = minimize(cast("Any", loss), start, jac=True, method="L-BFGS-B", options=cast("Any", options))
    return np.asarray(found.x, dtype=np.float64)
