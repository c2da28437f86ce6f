"""Plackett-Luce: drawn without replacement from the softmax of scores over temperature, among a shortlist."""

from math import exp, log
from typing import Annotated

import numpy as np
from pydantic import Field

from driftline.agents.ranking import top_columns
from driftline.sim.kernel import kernel
from driftline.sim.keyed import Stream, gumbel, philox
from driftline.sim.types import Floats, Int32s, Int64s, Observation, Params, Positive, Slates

MAX_SHORTLIST = 100


class PlackettLuce(Params):
    """Draws without replacement from the softmax of scores / temperature over a shortlist.

    Plackett (1975), Luce (1959), drawn by Gumbel top-k (Yellott 1977) with noise keyed by (seed, user, visit,
    item).

    temperature: in units of score. shortlist: how many of the highest scores may be drawn; ties go to the
    lower column.
    """

    temperature: Positive = 0.3
    shortlist: Annotated[int, Field(ge=1, le=MAX_SHORTLIST)] = MAX_SHORTLIST

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        """Slates drawn for scores [n, C], as long as `best` [n, L]; ValueError if shortlist < L."""
        return draw(observation, scores / self.temperature, best.shape[1], self.shortlist, seed)

    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        """Exact conditional log-probabilities [n, L]; -inf for an item below the shortlist."""
        return plackett_luce_log_propensity(scores / self.temperature, observation.candidates, items, self.shortlist)


def draw(observation: Observation, log_weight: Floats, length: int, shortlist: int, seed: int) -> Slates:
    """Plackett-Luce slates of log-weights [n, C], over the `shortlist` highest of each row.

    Raises ValueError if fewer than `length` items may be drawn, or if a log-weight is not finite.
    """
    n, columns = log_weight.shape
    pool = min(shortlist, columns)
    if pool < length:
        raise ValueError(
            f"shortlist of {pool} (of {columns} candidates) for slates of {length}: at least {length} needed"
        )
    if not np.isfinite(log_weight).all():
        raise ValueError("Plackett-Luce: scores must be finite")
    candidates = np.ascontiguousarray(np.broadcast_to(observation.candidates, (n, columns)), dtype=np.int32)
    items, cascade = _draw(
        np.ascontiguousarray(log_weight, dtype=np.float64),
        candidates,
        observation.user,
        observation.visit,
        length,
        pool,
        seed,
    )
    log_p = np.zeros(n)
    for k in range(length):
        log_p += cascade[:, k]
    return Slates(items, log_p, cascade)


def plackett_luce_log_propensity(
    log_weight: Floats, candidates: Int32s, items: Int32s, shortlist: int | None = None
) -> Floats:
    """Conditional log-probabilities of ordered slates under Plackett-Luce [n, L]; -inf for an item that cannot come.

    log_weight: scores over temperature [n, C]. candidates: [C] or [n, C]. shortlist: how many of the highest
    log-weights may be drawn; all unless said. Plackett (1975), Luce (1959).
    """
    columns = log_weight.shape[1]
    pool = np.ascontiguousarray(np.broadcast_to(candidates, log_weight.shape), dtype=np.int32)
    listed = columns if shortlist is None else min(shortlist, columns)
    weight = np.ascontiguousarray(log_weight, dtype=np.float64)
    return _log_propensity(weight, pool, np.ascontiguousarray(items, dtype=np.int32), listed)


# -- compiled --------------------------------------------------------------------------------------------------


@kernel
def _draw(
    log_weight: Floats, candidates: Int32s, user: Int64s, visit: Int32s, length: int, pool: int, seed: int
) -> tuple[Int32s, Floats]:
    n = log_weight.shape[0]
    items = np.empty((n, length), np.int32)
    cascade = np.empty((n, length))
    listed = np.empty(pool, np.int64)
    drawn = np.empty(length, np.int64)
    noisy, mass = np.empty(pool), np.empty(pool)
    for row in range(n):
        top_columns(log_weight[row], listed)
        for j in range(pool):
            item = candidates[row, listed[j]]
            word = philox(user[row], visit[row], item, 0, seed, Stream.AGENT)[0]
            noisy[j] = log_weight[row, listed[j]] + gumbel(word)
        top_columns(noisy, drawn)
        _conditionals(log_weight[row], listed, drawn, mass, cascade[row])
        for k in range(length):
            items[row, k] = candidates[row, listed[drawn[k]]]
    return items, cascade


@kernel
def _log_propensity(log_weight: Floats, candidates: Int32s, items: Int32s, pool: int) -> Floats:
    n, length = items.shape
    out = np.empty((n, length))
    listed = np.empty(pool, np.int64)
    drawn = np.empty(length, np.int64)
    mass = np.empty(pool)
    for row in range(n):
        top_columns(log_weight[row], listed)
        for k in range(length):
            drawn[k] = -1
            for j in range(pool):
                if candidates[row, listed[j]] == items[row, k]:
                    drawn[k] = j
        _conditionals(log_weight[row], listed, drawn, mass, out[row])
    return out


@kernel
def _conditionals(log_weight: Floats, listed: Int64s, drawn: Int64s, mass: Floats, out: Floats) -> None:
    """Log-probability of each draw given the earlier ones; sums only what is left, so nothing cancels.

    log_weight [C]. listed: columns that may be drawn, the highest first. drawn [L]: places in `listed`; one that is
    below 0 or was drawn before cannot come: -inf. mass: scratch, as long as `listed`.
    """
    top = log_weight[listed[0]]
    for j in range(listed.size):
        mass[j] = exp(log_weight[listed[j]] - top)
    for k in range(drawn.size):
        if drawn[k] < 0 or mass[drawn[k]] < 0.0:
            out[k] = -np.inf
            continue
        total = 0.0
        for j in range(listed.size):
            total += max(mass[j], 0.0)
        if total < 1e-150:  # what is left lies far below what was drawn: measure it from its own top
            top = -np.inf
            for j in range(listed.size):
                if mass[j] >= 0.0:
                    top = max(top, log_weight[listed[j]])
            total = 0.0
            for j in range(listed.size):
                if mass[j] >= 0.0:
                    mass[j] = exp(log_weight[listed[j]] - top)
                    total += mass[j]
        out[k] = log_weight[listed[drawn[k]]] - top - log(total)
        mass[drawn[k]] = -1.0  # taken
