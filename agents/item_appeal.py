"""What draws clicks to an item beyond interest: clicks against the clicks that the model foretold."""

from math import exp

import numpy as np

from driftline.agents.fixed_point import ItemSums
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int8s, Int32s


class ItemAppeal:
    """Appeal of each item in units of click utility: log((clicks + shrink) / (foretold + shrink)).

    `foretold` is the sum of click probabilities without the item's own appeal (`probability_without_own`).
    Posterior mean of a rate ratio under a Gamma(shrink, shrink) prior, logged; exact for small probabilities.
    Fixed-point sums: order and batching do not matter; they change at `tick` only.

    shrink: clicks' worth of "like any other"; one over the variance of exp(appeal) is the optimum.
    """

    def __init__(self, shrink: float = 2.5) -> None:
        self._shrink = shrink
        self._sums = ItemSums(2)

    def observe(self, items: Int32s, choice: Int8s, foretold: Floats) -> None:
        """Slates [n, L], choices [n] (`L` for nothing) and click probabilities without own appeal [n, L]."""
        clicked = np.asarray(choice)[:, None] == np.arange(items.shape[1])
        self._sums.add(items.ravel(), np.stack([clicked.ravel(), foretold.ravel()], axis=1).astype(np.float64))

    def tick(self) -> None:
        """A tick boundary: what was observed since the last one counts from now on."""
        self._sums.settle()

    def effect(self, items: Int32s) -> Floats:
        """Appeal, shaped like `items`; 0 for items never shown."""
        total = self._sums.totals(items)
        effect: Floats = np.log((total[..., 0] + self._shrink) / (total[..., 1] + self._shrink))
        return effect


def probability_without_own(utility: Floats, own: Floats, position_log_weight: Floats, outside: float) -> Floats:
    """P(click) of each slate position [n, L] if that item alone lost its own appeal.

    utility: [n, L], appeals `own` [n, L] contained. position_log_weight: [L]. outside: utility of nothing.
    """
    return _without_own(
        np.ascontiguousarray(utility, dtype=np.float64),
        np.ascontiguousarray(own, dtype=np.float64),
        np.asarray(position_log_weight, dtype=np.float64),
        outside,
    )


@kernel
def _without_own(utility: Floats, own: Floats, position: Floats, outside: float) -> Floats:
    n, length = utility.shape
    out = np.empty((n, length))
    for i in range(n):
        top = outside
        for k in range(length):
            top = max(top, position[k] + utility[i, k], position[k] + utility[i, k] - own[i, k])
        for k in range(length):
            mine = exp(position[k] + utility[i, k] - own[i, k] - top)
            total = exp(outside - top) + mine
            for j in range(length):
                if j != k:
                    total += exp(position[j] + utility[i, j] - top)
            out[i, k] = mine / total
    return out
