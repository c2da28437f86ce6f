"""Whether a user who looks at one item alone takes it."""

from math import exp

from driftline.sim.kernel import kernel


@kernel
def attraction(utility: float, outside: float) -> float:
    """P(taken | looked at) = 1 / (1 + e^(outside - u)): the logit between the item and nothing."""
    return 1.0 / (1.0 + exp(outside - utility))
