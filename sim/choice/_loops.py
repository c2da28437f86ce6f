"""Compiled loops and searches made around the kernels of any choice model; the compiler inlines the kernels."""

from functools import lru_cache
from math import log
from typing import Any

import numpy as np

from driftline.sim.affinity import ItemNumbers, affinity
from driftline.sim.choice._base import (
    NOTHING,
    Best,
    ChoiceModel,
    Draw,
    Probabilities,
    Take,
    Taken,
    Value,
    largest,
    nothing_taken,
)
from driftline.sim.kernel import NEAR, bring_near, kernel
from driftline.sim.keyed import open_unit, philox
from driftline.sim.types import Float32s, Floats, Int32s, Int64s

FEW = 720
"""Most ordered slates that are tried one by one: all of 6 items."""
SHORTLIST = 3
"""A search by exchange looks at this many times L candidates, those of the highest value alone."""
SWEEPS = 10
"""Most sweeps of a search by exchange."""
SHORTEST_WAIT: Floats = -np.log(np.arange(1, 257) / 256.0) - 1e-9
"""A lower bound of -log(u) for the uniform u that a word gives, by the word's first eight bits."""


@lru_cache
def take_of(kind: type[ChoiceModel]) -> Take:
    """What visits take: the model's own loop, or one around its `draw` or its `probabilities`."""
    if kind.take is not None:
        return kind.take  # type: ignore[no-any-return]
    if kind.draw is not None:
        return _drawing(kind.draw, kind.probabilities)
    return _racing(kind.probabilities)


def _racing(probabilities: Probabilities) -> Take:
    """Gumbel-max over log-probabilities, as the race that it is.

    With G = -log(-log u) the largest log p + G belongs to the shortest wait -log(u) / p.
    """

    def loop(
        users: Int64s,
        visits: Int32s,
        slates: Int32s,
        theta: Float32s,
        items: ItemNumbers,
        params: Any,
        seed: int,
        stream: int,
        chances: Float32s,
    ) -> Taken:
        n, length = slates.shape
        taken = nothing_taken(n, length)
        liking, utilities, shares = np.empty(length), np.empty(length), np.empty(length + 1)
        near = np.empty((NEAR, theta.shape[1]), np.float32)
        for i in range(n):
            user, visit = users[i], visits[i]
            if i % NEAR == 0:
                bring_near(theta, users, i, near)
            for k in range(length):
                liking[k] = affinity(near[i % NEAR], items, slates[i, k])
                utilities[k] = liking[k] + float(items.appeal[slates[i, k]])
            probabilities(utilities, params, shares)
            shortest = -log(open_unit(philox(user, visit, NOTHING, 0, seed, stream)[0])) / shares[length]
            for k in range(length):
                w0, w1, w2, _ = philox(user, visit, slates[i, k], 0, seed, stream)
                # A logarithm is worth avoiding for an item that cannot win.
                if SHORTEST_WAIT[w0 >> np.uint64(24)] >= shortest * shares[k]:
                    continue
                wait = -log(open_unit(w0)) / shares[k]
                if wait < shortest:
                    shortest = wait
                    taken.position[i], taken.match[i], taken.words[i, 0], taken.words[i, 1] = k, liking[k], w1, w2
            if chances.shape[0] > 0:
                chances[i] = shares
        return taken

    return kernel(loop)


def _drawing(draw: Draw, probabilities: Probabilities) -> Take:
    """A loop around a model's own way to draw."""

    def loop(
        users: Int64s,
        visits: Int32s,
        slates: Int32s,
        theta: Float32s,
        items: ItemNumbers,
        params: Any,
        seed: int,
        stream: int,
        chances: Float32s,
    ) -> Taken:
        n, length = slates.shape
        taken = nothing_taken(n, length)
        liking, utilities, shares = np.empty(length), np.empty(length), np.empty(length + 1)
        noise, words = np.empty(length), np.empty((length, 2), np.uint64)
        near = np.empty((NEAR, theta.shape[1]), np.float32)
        for i in range(n):
            user, visit = users[i], visits[i]
            if i % NEAR == 0:
                bring_near(theta, users, i, near)
            luck = open_unit(philox(user, visit, NOTHING, 0, seed, stream)[0])
            for k in range(length):
                liking[k] = affinity(near[i % NEAR], items, slates[i, k])
                utilities[k] = liking[k] + float(items.appeal[slates[i, k]])
                w0, words[k, 0], words[k, 1], _ = philox(user, visit, slates[i, k], 0, seed, stream)
                noise[k] = open_unit(w0)
            k = draw(utilities, noise, luck, params)
            if 0 <= k < length:
                taken.position[i], taken.match[i], taken.words[i] = k, liking[k], words[k]
            if chances.shape[0] > 0:
                probabilities(utilities, params, shares)
                chances[i] = shares
        return taken

    return kernel(loop)


@lru_cache
def value_of(kind: type[ChoiceModel]) -> Value:
    """`value(utilities, rewards, slate, params)`: sum_k p_k r_k of the ordered positions `slate` [L] among [m]."""
    if kind.value is not None:
        return kind.value  # type: ignore[no-any-return]
    probabilities: Probabilities = kind.probabilities

    def value(utilities: Floats, rewards: Floats, slate: Int32s, params: Any) -> float:
        shown, shares = np.empty(slate.size), np.empty(slate.size + 1)
        for k in range(slate.size):
            shown[k] = utilities[slate[k]]
        probabilities(shown, params, shares)
        worth = 0.0
        for k in range(slate.size):
            worth += shares[k] * rewards[slate[k]]
        return worth

    return kernel(value)


@kernel
def few_slates(candidates: int, length: int) -> bool:
    """Whether there are at most `FEW` ordered slates."""
    count = 1
    for k in range(length):
        count *= candidates - k
        if count > FEW:
            return False
    return True


@lru_cache
def best_of(kind: type[ChoiceModel]) -> Value:
    """`best(utilities, rewards, out, params)`: fills a slate [L] of positions among [m], and says its value.

    The model's own is the best one; else all are tried if they are few, and else it is a good one.
    """
    value = value_of(kind)
    every, exchange = _trying(value), _exchanging(value)
    own: Best = kind.best

    def stated(utilities: Floats, rewards: Floats, out: Int32s, params: Any) -> float:
        own(utilities, rewards, params, out)
        return value(utilities, rewards, out, params)

    def searched(utilities: Floats, rewards: Floats, out: Int32s, params: Any) -> float:
        if few_slates(utilities.size, out.size):
            every(utilities, rewards, params, out)
        else:
            exchange(utilities, rewards, params, out)
        return value(utilities, rewards, out, params)

    return kernel(searched if own is None else stated)


@lru_cache
def ceiling_of(kind: type[ChoiceModel]) -> Value:
    """`ceiling(utilities, rewards, out, params)`: no slate of `out.size` is worth more. Exact where `best_of` is.

    Elsewhere r (1 - p): r is the highest reward, at least 0, and p the chance that nothing is taken from a slate whose
    every position is as attractive as the most attractive candidate; p = 0 for a model that is not `monotone`.
    """
    best, monotone = best_of(kind), kind.monotone
    probabilities: Probabilities = kind.probabilities

    def ceiling(utilities: Floats, rewards: Floats, out: Int32s, params: Any) -> float:
        if few_slates(utilities.size, out.size):
            return best(utilities, rewards, out, params)
        nothing = 0.0
        if monotone:
            shares = np.empty(out.size + 1)
            probabilities(np.full(out.size, utilities.max()), params, shares)
            nothing = shares[out.size]
        highest: float = max(0.0, rewards.max())
        return highest * (1.0 - nothing)

    return best if kind.best is not None else kernel(ceiling)


def _trying(value: Value) -> Best:
    """Every ordered slate, depth first."""

    def every(utilities: Floats, rewards: Floats, params: Any, out: Int32s) -> None:
        m, length = utilities.size, out.size
        slate, used = np.full(length, -1, np.int32), np.zeros(m, np.bool_)
        highest = -np.inf
        depth = 0
        while depth >= 0:
            # The next unused candidate at this depth; where there is none, one step up.
            at = slate[depth]
            if at >= 0:
                used[at] = False
            at += 1
            while at < m and used[at]:
                at += 1
            if at == m:
                slate[depth] = -1
                depth -= 1
                continue
            slate[depth] = at
            used[at] = True
            if depth < length - 1:
                depth += 1
                continue
            worth = value(utilities, rewards, slate, params)
            if worth > highest:
                highest = worth
                out[:] = slate

    return kernel(every)


def _exchanging(value: Value) -> Best:
    """From the candidates of the highest value alone, replaced and swapped one at a time while that helps."""

    def exchange(utilities: Floats, rewards: Floats, params: Any, out: Int32s) -> None:
        m, length = utilities.size, out.size
        alone, one = np.empty(m), np.empty(1, np.int32)
        for i in range(m):
            one[0] = i
            alone[i] = value(utilities, rewards, one, params)
        listed = np.empty(min(m, SHORTLIST * length), np.int32)
        largest(alone, listed)
        # The slate is the head of the list; its tail waits.
        out[:] = listed[:length]
        highest = value(utilities, rewards, out, params)
        for _ in range(SWEEPS):
            before = highest
            for k in range(length):
                for j in range(k + 1, listed.size):
                    listed[k], listed[j] = listed[j], listed[k]
                    worth = value(utilities, rewards, listed[:length], params)
                    if worth > highest:
                        highest = worth
                        out[:] = listed[:length]
                    else:
                        listed[k], listed[j] = listed[j], listed[k]
            if highest == before:
                break

    return kernel(exchange)
