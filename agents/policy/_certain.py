"""Slates that leave no choice to chance but between equal scores, and propensities that need no scores."""

from math import inf

import numpy as np

from driftline.agents.ranking import top_slate
from driftline.sim.keyed import Stream, uniforms
from driftline.sim.types import Floats, Int32s, Observation, Slates


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


def certain_log_propensity(shown: Int32s, items: Int32s) -> Floats:
    """A deterministic policy that shows `shown` [n, L]: 0 where it agrees, -inf where it does not [n, L]."""
    return np.where(shown == items, 0.0, -inf)


def uniform_log_propensity(columns: int, items: Int32s) -> Floats:
    """Every order of `columns` candidates alike: -log(columns - k) at position k [n, L]."""
    return np.broadcast_to(-np.log(columns - np.arange(items.shape[1])), items.shape).copy()
