"""Recency popularity: what most people took lately, for everybody."""

from collections.abc import Sequence

import numpy as np

from driftline.agents.agent import Agent
from driftline.agents.baselines.popularity import (
    add_counts,
    checked_temperature,
    clicked_items,
    counted_log_propensity,
    counted_scores,
    most_counted,
)
from driftline.agents.protocol import Job
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates


class RecencyPopularity(Agent):
    """Ranks by clicks whose weight halves every `half_life` days, ties by a keyed draw per item.

    Clicks are counted in whole numbers per tick and fade at tick boundaries only: batches leave no trace.
    Interactions from before the run are ignored: only the warm-up counts.

    temperature: as in `Popularity`.
    """

    def __init__(self, *, half_life: float = 3.0, temperature: float = 0.0) -> None:
        if not half_life > 0.0:
            raise ValueError(f"half_life is {half_life} days; it must be above 0")
        self._half_life = half_life
        self._temperature = checked_temperature(temperature)

    def reset(self, setting: Setting) -> None:
        """Count the warm-up's clicks tick by tick, each faded to the start."""
        self.setting, self._now = setting, setting.start
        log = setting.feedback
        taken, age = clicked_items(log), setting.start - log.time[log.choice < log.items.shape[1]]
        ticks = np.floor(np.maximum(age, 0.0) / setting.tick).astype(np.int64)
        self._counts, self._pending = np.zeros(int(taken.max(initial=-1)) + 1), np.zeros(0, np.int64)
        for back in np.unique(ticks):
            counted = np.bincount(taken[ticks == back], minlength=len(self._counts))
            self._counts += counted * self._fading(float(back) * setting.tick)

    def act(self, observation: Observation) -> Slates:
        """The candidates most taken lately, or a draw among them."""
        return most_counted(observation, self._counts, self.setting.slate, self.setting.seed, self._temperature)

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        """log P(item k | items above it) [n, L]."""
        return counted_log_propensity(observation, self._counts, self.setting.seed, self._temperature, items)

    def learn(self, feedback: Feedback) -> None:
        """Keep the clicks for the next tick boundary."""
        self._pending = add_counts(self._pending, np.bincount(clicked_items(feedback)))

    def tick(self, now: float) -> Sequence[Job]:
        """Fade what was counted, then count what was clicked since the last boundary."""
        faded = np.zeros(max(len(self._counts), len(self._pending)))
        faded[: len(self._counts)] = self._counts * self._fading(now - self._now)
        faded[: len(self._pending)] += self._pending
        self._counts, self._pending, self._now = faded, np.zeros(0, np.int64), now
        return ()

    def scores(self, users: Int64s, items: Int32s) -> Floats:
        """log(1 + faded clicks), the same for every user [n, m]."""
        return counted_scores(self._counts, users, items)

    def _fading(self, days: float) -> float:
        return float(0.5 ** (days / self._half_life))
