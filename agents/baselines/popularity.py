"""Popularity: what most people took, for everybody."""

from collections.abc import Sequence
from math import inf

import numpy as np

from driftline.agents.agent import Agent
from driftline.agents.policy import certain_log_propensity, draw, highest, plackett_luce_log_propensity
from driftline.agents.protocol import Job
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates


class Popularity(Agent):
    """Ranks by clicks so far, ties by a keyed draw per item. Counts change at tick boundaries only.

    temperature: 0 shows the most taken; above, slates are drawn by Plackett-Luce from log(1 + clicks) / temperature.
    """

    def __init__(self, *, temperature: float = 0.0) -> None:
        self._temperature = checked_temperature(temperature)

    def reset(self, setting: Setting) -> None:
        """Count the warm-up's clicks, and the interactions from before the run where there are any."""
        self._counts, self._pending = np.bincount(setting.past.item).astype(np.int64), np.zeros(0, np.int64)
        super().reset(setting)
        self.tick(setting.start)

    def act(self, observation: Observation) -> Slates:
        """The most taken candidates, or a draw among them."""
        counts = self._counts.astype(np.float64)
        return most_counted(observation, counts, self.setting.slate, self.setting.seed, self._temperature)

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) [n, L]."""
        counts = self._counts.astype(np.float64)
        return counted_log_propensity(observation, counts, self.setting.seed, self._temperature, items)

    def learn(self, feedback: Feedback) -> None:
        """Keep the clicks for the next tick boundary."""
        self._pending = add_counts(self._pending, np.bincount(clicked_items(feedback)))

    def tick(self, now: float) -> Sequence[Job]:
        """Count what was clicked since the last boundary."""
        self._counts = add_counts(self._counts, self._pending)
        self._pending = np.zeros(0, np.int64)
        return ()

    def scores(self, users: Int64s, items: Int32s) -> Floats:
        """log(1 + clicks), the same for every user [n, m]."""
        return counted_scores(self._counts.astype(np.float64), users, items)


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


def counted_scores(counts: Floats, users: Int64s, items: Int32s) -> Floats:
    """log(1 + count) of each item, the same for every user: [n, m]."""
    return np.broadcast_to(np.log1p(count_of(counts, items)), (len(users), np.shape(items)[-1])).copy()


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
    return highest(observation, count_of(counts, observation.candidates), length, seed)
