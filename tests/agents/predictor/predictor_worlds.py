"""Small worlds with a known answer, for the predictor's tests."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from driftline.agents.predictor import Choices, Sequences, Shares
from driftline.sim.types import Floats, Int64s

WINDOW = 5
DAYS = 60


@dataclass(frozen=True)
class Stream:
    """One event per user and day; `mix` is the true interest before it."""

    topic: Int64s
    """[n, days]."""
    mix: Floats
    """[n, days, topics]."""

    @property
    def sequences(self) -> Sequences:
        n, days = self.topic.shape
        rows, when = np.repeat(np.arange(n), days), np.tile(np.arange(float(days)), n)
        return Sequences.of(rows, when, self.topic.ravel(), users=n)

    @property
    def shares(self) -> Shares:
        """Topics of the next five events, asked every fourth day from day 5 on."""
        n, days = self.topic.shape
        at = np.arange(5, days - WINDOW, 4)
        ahead = at[:, None] + np.arange(WINDOW)
        share = np.eye(self.mix.shape[2])[self.topic[:, ahead]].mean(axis=2)
        flat = share.reshape(-1, self.mix.shape[2])
        return Shares(np.repeat(np.arange(n), at.size), np.tile(at.astype(float), n), flat)


def stream(users: int, topics: int, rate: float, seed: int, *, private: bool = False) -> Stream:
    """Interest that flows along a ring, a share `rate` a day; each user's own ring if `private`."""
    rng = np.random.default_rng(seed)
    mix = np.exp(rng.normal(size=(users, topics)) * 2.0)
    mix /= mix.sum(axis=1, keepdims=True)
    ring = np.tile(np.arange(topics), (users, 1))
    if private:
        ring = rng.permuted(ring, axis=1)
    before = np.empty_like(ring)
    np.put_along_axis(before, ring, np.roll(ring, 1, axis=1), axis=1)
    found, mixes = [], []
    for _ in range(DAYS):
        mixes.append(mix)
        found.append((mix.cumsum(axis=1) > rng.random((users, 1))).argmax(axis=1))
        mix = (1.0 - rate) * mix + rate * np.take_along_axis(mix, before, axis=1)
    return Stream(np.array(found).T, np.array(mixes).transpose(1, 0, 2))


def slates(world: Stream, seed: int, length: int = 6) -> Choices:
    """Random slates of topics (items are topics), chosen from by a logit over log interest; -1 is nothing's."""
    rng = np.random.default_rng(seed)
    n, days, topics = world.mix.shape
    at = np.arange(5, days)
    row, when = np.repeat(np.arange(n), at.size), np.tile(at, n)
    slate = rng.permuted(np.tile(np.arange(topics), (row.size, 1)), axis=1)[:, :length]
    utility = np.log(world.mix[row[:, None], when[:, None], slate] * topics)
    utility -= 0.5 * np.log(np.arange(1, length + 1))
    utility = np.concatenate([utility, np.full((row.size, 1), -1.0)], axis=1)
    choice = (utility + rng.gumbel(size=utility.shape)).argmax(axis=1)
    return Choices(row, when.astype(float), slate.astype(np.int32), choice)


WORDS = {
    "space": "rocket planet orbit comet galaxy lander".split(),
    "cooking": "skillet pasta oven recipe butter spice".split(),
    "music": "guitar chorus album drummer melody concert".split(),
    "travel": "beach airport hostel island train luggage".split(),
}


def frame(users: int, rate: float, seed: int, *, events: int = 30, labelled: float = 0.5) -> pl.DataFrame:
    """Behaviours in words, four topics; comments praise what the user likes and scold what it does not."""
    rng = np.random.default_rng(seed)
    topics = list(WORDS)
    world = stream(users, len(topics), rate, seed)
    rows = []
    for user in range(users):
        for day in range(events):
            liked = rng.random() < 0.6
            topic = topics[world.topic[user, day] if liked else rng.integers(len(topics))]
            title = " ".join(rng.choice(WORDS[topic], 3))
            comment = str(rng.choice(["lovely and moving", "superb"] if liked else ["dull and slow", "awful"]))
            label = topic if rng.random() < labelled else None
            rows.append((user, float(day), title, comment, "consume", label))
    names = ["user", "time", "about", "expressed", "kind", "label"]
    return pl.DataFrame(rows, schema=names, orient="row")
