"""What an item adds to every user's click (appeal) and satisfaction (quality), as sums in fixed point.

Whole numbers add up to the same total in whatever order and batches their parts arrive. Appeal compares clicks with
the clicks that the model expected; quality is a shrunken mean of the satisfaction that the prediction left over.
"""

from math import exp

import numpy as np
from numpy.typing import NDArray

from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int8s, Int32s, Int64s

UNIT = 2.0**-24
"""Amounts are rounded to this; int64 then holds sums up to 5e11."""


class ItemAppeal:
    """Appeal of each item in units of click utility: log((clicks + shrink) / (predicted + shrink)).

    `predicted` is the sum of click probabilities without the item's own appeal (`probability_without_own`).
    Posterior mean of a rate ratio under a Gamma(shrink, shrink) prior, logged; exact for small probabilities.
    Fixed-point sums: order and batching do not matter; they change at `tick` only.

    shrink: clicks' worth of "like any other"; one over the variance of exp(appeal) is the optimum.
    """

    def __init__(self, shrink: float = 2.5) -> None:
        self._shrink = shrink
        self._sums = ItemSums(2)

    def observe(self, items: Int32s, choice: Int8s, predicted: Floats) -> None:
        """Slates [n, L], choices [n] (`L` for nothing) and click probabilities without own appeal [n, L]."""
        clicked = np.asarray(choice)[:, None] == np.arange(items.shape[1])
        self._sums.add(items.ravel(), np.stack([clicked.ravel(), predicted.ravel()], axis=1).astype(np.float64))

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


class ItemSums:
    """Several running sums for each item, in fixed point.

    Amounts wait in `add` until `settle`, which is for tick boundaries: between them the totals stand still.
    """

    def __init__(self, columns: int) -> None:
        self._settled = np.zeros((0, columns), np.int64)
        self._pending = np.zeros((0, columns), np.int64)

    def __len__(self) -> int:
        return len(self._settled)

    def add(self, items: NDArray[np.integer], amounts: Floats) -> None:
        """Add amounts [n, columns] to items [n]; not visible before `settle`."""
        rows = np.asarray(items, dtype=np.int64)
        if len(rows):
            self._pending = _grown(self._pending, int(rows.max()) + 1)
            _scatter(self._pending, rows, in_units(amounts))

    def settle(self) -> None:
        """Make all that was added visible."""
        self._settled = _grown(self._settled, len(self._pending))
        self._settled[: len(self._pending)] += self._pending
        self._pending = np.zeros_like(self._settled)

    def units(self, items: NDArray[np.integer]) -> Int64s:
        """Settled sums [n, columns] in units of `UNIT`; 0 for items never met."""
        rows = np.asarray(items, dtype=np.int64)
        out = np.zeros((*rows.shape, self._settled.shape[1]), np.int64)
        met = rows < len(self._settled)
        out[met] = self._settled[rows[met]]
        return out

    def totals(self, items: NDArray[np.integer]) -> Floats:
        """Settled sums [n, columns]."""
        return self.units(items).astype(np.float64) * UNIT


def in_units(amounts: Floats) -> Int64s:
    """Amounts as whole numbers of `UNIT`; raises ValueError if one is not finite."""
    if not np.isfinite(amounts).all():
        raise ValueError(f"amounts must be finite; got {amounts[~np.isfinite(amounts)].ravel()[0]}")
    return np.rint(amounts / UNIT).astype(np.int64)


def _parts(satisfaction: Floats, predicted: Floats, weight: Floats) -> Floats:
    w = np.asarray(weight, dtype=np.float64)
    residual = np.asarray(satisfaction, dtype=np.float64) - predicted
    return np.stack([w * residual, w], axis=1)


def _grown(table: Int64s, rows: int) -> Int64s:
    if rows <= len(table):
        return table
    larger = np.zeros((max(rows, 2 * len(table)), table.shape[1]), np.int64)
    larger[: len(table)] = table
    return larger


# -- compiled --------------------------------------------------------------------------------------------------


@kernel
def _without_own(utility: Floats, own: Floats, position: Floats, outside: float) -> Floats:
    n, length = utility.shape
    out = np.empty((n, length))
    for i in range(n):
        # The highest utility, with and without what an item adds of its own.
        top = outside
        for k in range(length):
            top = max(top, position[k] + utility[i, k], position[k] + utility[i, k] - own[i, k])
        # Each item in turn without it, the others with theirs.
        for k in range(length):
            mine = exp(position[k] + utility[i, k] - own[i, k] - top)
            total = exp(outside - top) + mine
            for j in range(length):
                if j != k:
                    total += exp(position[j] + utility[i, j] - top)
            out[i, k] = mine / total
    return out


@kernel
def _scatter(table: Int64s, rows: Int64s, amounts: Int64s) -> None:
    for i in range(rows.size):
        for c in range(table.shape[1]):
            table[rows[i], c] += amounts[i, c]
