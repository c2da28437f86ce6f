"""How likely an agent was to show a given slate: what off-policy evaluation asks of a target policy."""

from math import exp, inf, log
from typing import Protocol, runtime_checkable

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int32s, Observation


@runtime_checkable
class HasPropensity(Protocol):
    """An agent that can say how it would have answered."""

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) of showing these slates to the visits of the latest `act` [n, L].

        -inf where it never would. Changes nothing.
        """


def uniform_log_propensity(columns: int, items: Int32s) -> Floats:
    """Every order of `columns` candidates alike: -log(columns - k) at position k [n, L]."""
    return np.broadcast_to(-np.log(columns - np.arange(items.shape[1])), items.shape).copy()


def certain_log_propensity(shown: Int32s, items: Int32s) -> Floats:
    """A deterministic policy that shows `shown` [n, L]: 0 where it agrees, -inf where it does not [n, L]."""
    return np.where(shown == items, 0.0, -inf)


def plackett_luce_log_propensity(log_weight: Floats, candidates: Int32s, items: Int32s) -> Floats:
    """Conditional log-probabilities of ordered slates under Plackett-Luce [n, L]; -inf for an item not on offer.

    log_weight: scores over temperature [n, C]. candidates: [C] or [n, C]. Plackett (1975), Luce (1959).
    """
    pool = np.ascontiguousarray(np.broadcast_to(candidates, log_weight.shape), dtype=np.int32)
    return _ordered_log_p(np.ascontiguousarray(log_weight, dtype=np.float64), pool, np.ascontiguousarray(items))


@kernel
def _ordered_log_p(log_weight: Floats, pool: Int32s, items: Int32s) -> Floats:
    n, columns = log_weight.shape
    out = np.empty(items.shape)
    left = np.empty(columns, np.bool_)
    for row in range(n):
        left[:] = True
        for k in range(items.shape[1]):
            top, at = -inf, -1
            for j in range(columns):
                if left[j]:
                    top = max(top, log_weight[row, j])
                    if pool[row, j] == items[row, k]:
                        at = j
            if at < 0:
                out[row, k] = -inf
                continue
            total = 0.0
            for j in range(columns):
                if left[j]:
                    total += exp(log_weight[row, j] - top)
            out[row, k] = log_weight[row, at] - top - log(total)
            left[at] = False
    return out
