"""How scores become slates, greedily or by Plackett-Luce draws, and how likely any slate was.

`HasPropensity` is what off-policy evaluation asks of a target policy: log P(item k | items above it) of any slate.
"""

from math import exp, inf, log
from typing import Annotated, Protocol, TypeGuard, runtime_checkable

import numpy as np
from pydantic import Field

from driftline.agents.ranking import top_columns, top_slate
from driftline.sim.kernel import kernel
from driftline.sim.keyed import Stream, gumbel, philox, uniforms
from driftline.sim.types import Floats, Int32s, Int64s, Observation, Params, Positive, Slates

MAX_SHORTLIST = 100


class Policy(Protocol):
    """Turns scores into slates."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        """Slates [n, L] for scores [n, C] of the candidates; `best` [n, L]: columns of the best slate."""


@runtime_checkable
class StatesPropensity(Policy, Protocol):
    """A policy that can say how likely any slate was, not only the one that it drew."""

    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        """log P(item k | items above it) of showing these slates [n, L] for the same scores; -inf where it never would.

        `slates` draws with noise that depends on `seed`; this is the probability over that noise.
        """


@runtime_checkable
class HasPropensity(Protocol):
    """An agent that can say how it would have answered.

    One that can only under some of its policies has an attribute `states_propensities`, false where it cannot.
    """

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) of showing these slates to the visits of the latest `act` [n, L].

        -inf where it never would. Changes nothing.
        """


def states_propensities(agent: object) -> TypeGuard[HasPropensity]:
    """Whether an agent can say how likely it was to show any slate."""
    return isinstance(agent, HasPropensity) and bool(getattr(agent, "states_propensities", True))


class Greedy(Params):
    """Shows the best slate, always."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        """The slates of columns `best` [n, L]; scores and seed are not needed."""
        return Slates.certain(_at(observation.candidates, best))

    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        """0 where a slate is the best one as far down as item k, -inf elsewhere [n, L]."""
        return certain_log_propensity(_at(observation.candidates, best), items)


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


def _at(candidates: Int32s, columns: Int64s) -> Int32s:
    """Candidates, shared or private, at columns [n, L]."""
    return candidates[columns] if candidates.ndim == 1 else np.take_along_axis(candidates, columns, axis=1)


# -- slates of scores ------------------------------------------------------------------------------------------


def highest(observation: Observation, scores: Floats, length: int, seed: int) -> Slates:
    """Slates of the highest scores, the best first; equal ones are ordered by a draw keyed by (seed, item).

    scores: of the candidates `[n, C]`, or `[C]` where they are alike for all users.

    Raises:
        ValueError: a score is NaN, the shape does not fit, or there are fewer than `length` candidates.
    """
    candidates = np.atleast_2d(observation.candidates)
    worth = np.atleast_2d(scores)
    rows = np.broadcast_shapes(candidates.shape, worth.shape) if worth.shape[-1] == candidates.shape[-1] else (-1,)
    if rows[0] not in (1, len(observation)):
        wanted = [len(observation), candidates.shape[-1]]
        raise ValueError(f"scores have shape {list(np.shape(scores))}; must be {wanted}, or {wanted[1:]}")
    if np.isnan(worth).any():
        row, column = np.argwhere(np.isnan(np.broadcast_to(worth, rows)))[0]
        item = np.broadcast_to(candidates, rows)[row, column]
        raise ValueError(f"the score of item {item} for user {observation.user[row]} is NaN")
    by_chance = np.argsort(uniforms(seed, Stream.AGENT, candidates), axis=1, kind="stable")
    by_chance = np.broadcast_to(by_chance, rows)
    shuffled = np.take_along_axis(np.broadcast_to(candidates, rows), by_chance, axis=1)
    best = top_slate(np.take_along_axis(np.broadcast_to(worth, rows), by_chance, axis=1), np.zeros(length))
    items = np.take_along_axis(shuffled, best, axis=1)
    return Slates.certain(np.broadcast_to(items, (len(observation), length)).copy())


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


# -- propensities of any slate -----------------------------------------------------------------------------------


def uniform_log_propensity(columns: int, items: Int32s) -> Floats:
    """Every order of `columns` candidates alike: -log(columns - k) at position k [n, L]."""
    return np.broadcast_to(-np.log(columns - np.arange(items.shape[1])), items.shape).copy()


def certain_log_propensity(shown: Int32s, items: Int32s) -> Floats:
    """A deterministic policy that shows `shown` [n, L]: 0 where it agrees, -inf where it does not [n, L]."""
    return np.where(shown == items, 0.0, -inf)


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
