"""Popularity: what most people took, for everybody."""

from collections.abc import Sequence

import numpy as np

from driftline.agents.agent import Job
from driftline.agents.ranking import top_slate
from driftline.sim.keyed import Stream, uniforms
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates


class Popularity:
    """Ranks by clicks so far, ties by a keyed draw per item. Counts change at tick boundaries only."""

    def __init__(self) -> None:
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
        """The most taken candidates."""
        return most_counted(observation, self._counts.astype(np.float64), self._length, self._seed)

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


def most_counted(observation: Observation, counts: Floats, length: int, seed: int) -> Slates:
    """Slates of the candidates with the highest counts; equal counts are ordered by a keyed draw per item."""
    candidates = np.atleast_2d(observation.candidates)
    by_chance = np.argsort(uniforms(seed, Stream.AGENT, candidates), axis=1, kind="stable")
    shuffled = np.take_along_axis(candidates, by_chance, axis=1)
    best = top_slate(count_of(counts, shuffled), np.zeros(length))
    items = np.take_along_axis(shuffled, best, axis=1)
    return Slates.certain(np.broadcast_to(items, (len(observation), length)).copy())
