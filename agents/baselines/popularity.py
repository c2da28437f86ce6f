"""Popularity: what most people took, for everybody."""

from collections.abc import Sequence
from math import inf

import numpy as np

from driftline.agents.models.ranking import top_slate
from driftline.agents.policy import certain_log_propensity, draw, plackett_luce_log_propensity
from driftline.agents.protocol import Job
from driftline.sim.keyed import Stream, uniforms
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates


class Popularity:
    """Ranks by clicks so far, ties by a keyed draw per item. Counts change at tick boundaries only.

    temperature: 0 shows the most taken; above, slates are drawn by Plackett-Luce from log(1 + clicks) / temperature.
    """

    def __init__(self, *, temperature: float = 0.0) -> None:
        self._temperature = checked_temperature(temperature)
        self._seed = 0
        self._length = 0
        self._counts = np.zeros(0, np.int64)
        self._pending = np.zeros(0, np.int64)

    def reset(self, setting: Setting) -> None:
        """Count the warm-up's clicks, and the interactions from before the run where there are any."""
        self._seed, self._length = setting.seed, setting.slate
        taken = np.concatenate([clicked_items(setting.feedback), setting.past.item])
        self._counts = np.bincount(taken).astype(np.int64)
        self._pending = np.zeros(0, np.int64)

    def act(self, observation: Observation) -> Slates:
        """The most taken candidates, or a draw among them."""
        return most_counted(observation, self._counts.astype(np.float64), self._length, self._seed, self._temperature)

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) [n, L]."""
        counts = self._counts.astype(np.float64)
        return counted_log_propensity(observation, counts, self._seed, self._temperature, items)

    def learn(self, feedback: Feedback) -> None:
        """Keep the clicks for the next tick boundary."""
        self._pending = add_counts(self._pending, np.bincount(clicked_items(feedback)))

    def tick(self, now: float) -> Sequence[Job]:
        """Count what was clicked since the last boundary."""
        self._counts = add_counts(self._counts, self._pending)
        self._pending = np.zeros(0, np.int64)
        return ()

    def finish(self, job: str) -> None:
        """No job of this agent ever ends."""

    def score(self, users: Int64s, items: Int32s) -> Floats:
        """log(1 + clicks), the same for every user [n, m]."""
        scores = np.log1p(count_of(self._counts.astype(np.float64), items))
        return np.broadcast_to(scores, (len(users), np.shape(items)[-1])).copy()

    def snapshot(self) -> object:
        """Counts, settled and pending."""
        return self._seed, self._length, self._counts, self._pending

    def restore(self, state: object) -> None:
        """Go back to a snapshot."""
        assert isinstance(state, tuple)
        self._seed, self._length, self._counts, self._pending = state


def clicked_items(feedback: Feedback) -> Int32s:
    """Ids of the items that were taken, one per click."""
    taken = feedback.choice < feedback.items.shape[1]
    items: Int32s = feedback.items[taken, feedback.choice[taken]]
    return items


def add_counts(counts: Int64s, more: Int64s) -> Int64s:
    """Sum of two tables of counts per item, of any two lengths; a new table."""
    total = np.zeros(max(len(counts), len(more)), np.int64)
    total[: len(counts)] += counts
    total[: len(more)] += more
    return total


def count_of(counts: Floats, items: Int32s) -> Floats:
    """Counts shaped like `items`; 0 for items that the table does not reach."""
    return np.append(counts, 0.0)[np.minimum(items, len(counts))]


def checked_temperature(temperature: float) -> float:
    """0 or more; ValueError otherwise."""
    if not 0.0 <= temperature < inf:
        raise ValueError(f"temperature is {temperature}; it must be finite and >= 0")
    return temperature


def counted_log_propensity(
    observation: Observation, counts: Floats, seed: int, temperature: float, items: Int32s
) -> Floats:
    """How likely `most_counted` is to show these slates: log P(item k | items above it) [n, L]."""
    if temperature == 0.0:
        return certain_log_propensity(most_counted(observation, counts, items.shape[1], seed, 0.0).items, items)
    weight = np.log1p(count_of(counts, np.atleast_2d(observation.candidates))) / temperature
    spread = np.broadcast_to(weight, (len(observation), weight.shape[1]))
    return plackett_luce_log_propensity(spread, observation.candidates, items)


def most_counted(observation: Observation, counts: Floats, length: int, seed: int, temperature: float) -> Slates:
    """Slates of the candidates with the highest counts; equal counts are ordered by a keyed draw per item.

    With a temperature above 0 they are drawn from log(1 + count) / temperature instead.
    """
    if temperature > 0.0:
        weight = np.log1p(count_of(counts, np.atleast_2d(observation.candidates))) / temperature
        spread = np.broadcast_to(weight, (len(observation), weight.shape[1]))
        return draw(observation, spread, length, weight.shape[1], seed)
    candidates = np.atleast_2d(observation.candidates)
    by_chance = np.argsort(uniforms(seed, Stream.AGENT, candidates), axis=1, kind="stable")
    shuffled = np.take_along_axis(candidates, by_chance, axis=1)
    best = top_slate(count_of(counts, shuffled), np.zeros(length))
    items = np.take_along_axis(shuffled, best, axis=1)
    return Slates.certain(np.broadcast_to(items, (len(observation), length)).copy())
