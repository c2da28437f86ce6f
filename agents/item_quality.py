"""What an item is worth beyond its fit: a shrunken mean of satisfaction left over by the prediction."""

import numpy as np

from driftline.agents.fixed_point import UNIT, ItemSums, in_units
from driftline.sim.types import Floats, Int32s


class ItemQuality:
    """Effect of each item on satisfaction, sum w r / (sum w + shrink), r = satisfaction - prediction.

    The prediction must leave the item's own quality out (features only): residuals of a prediction that
    already contains the effect shrink it a second time. Sums are in fixed point, so neither the order nor the
    batching of consumptions matters, and change at `tick` only.

    shrink: consumptions' worth of "no effect"; noise variance over the variance of quality is the optimum.
    """

    def __init__(self, shrink: float = 4.0) -> None:
        self._shrink = shrink
        self._sums = ItemSums(2)

    def observe(self, items: Int32s, satisfaction: Floats, predicted: Floats, weight: Floats) -> None:
        """Consumptions [n]: satisfaction (NaN: unknown, skipped), prediction without own quality, weight."""
        told = np.isfinite(satisfaction) & (weight > 0.0)
        self._sums.add(items[told], _parts(satisfaction[told], predicted[told], weight[told]))

    def tick(self) -> None:
        """A tick boundary: what was observed since the last one counts from now on."""
        self._sums.settle()

    def effect(self, items: Int32s) -> Floats:
        """Effects in units of satisfaction, shaped like `items`; 0 for items nobody has taken."""
        total = self._sums.totals(items)
        effect: Floats = total[..., 0] / (total[..., 1] + self._shrink)
        return effect

    def effect_without(self, items: Int32s, satisfaction: Floats, predicted: Floats, weight: Floats) -> Floats:
        """Effects [n] as if that very consumption, already settled, had never been observed.

        For fitting a model that has the effect among its features.
        """
        told = np.isfinite(satisfaction) & (weight > 0.0)
        own = np.zeros((len(items), 2), np.int64)
        own[told] = in_units(_parts(satisfaction[told], predicted[told], weight[told]))
        rest = (self._sums.units(items) - own).astype(np.float64) * UNIT
        effect: Floats = rest[:, 0] / (rest[:, 1] + self._shrink)
        return effect


def _parts(satisfaction: Floats, predicted: Floats, weight: Floats) -> Floats:
    w = np.asarray(weight, dtype=np.float64)
    residual = np.asarray(satisfaction, dtype=np.float64) - predicted
    return np.stack([w * residual, w], axis=1)
