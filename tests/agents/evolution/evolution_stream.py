"""A small stream of choices whose users drift in five ways; the model class of the trackers themselves.

Items are unit vectors; interest starts at N(0, 4 I); each event shows ten random items and offers nothing at
utility 1.5. Users stay, wander (Ornstein-Uhlenbeck, 60 units), jump (one in 80 units, redrawn), cycle
between two interests, or come to like what they take.
"""

from dataclasses import dataclass

import numpy as np

from driftline.sim.types import Bools, Float32s, Floats, Int64s

OUTSIDE = 1.5
KINDS = ("stationary", "gradual", "abrupt", "cyclic", "induced")


@dataclass(frozen=True)
class Stream:
    """Events by round: every user has one event in each round."""

    slates: Float32s
    """[events, users, 10, dim]."""
    choice: Int64s
    """[events, users]."""
    elapsed: Float32s
    """[events, users]."""
    interest: Floats
    """Before each event [events, users, dim]."""
    kind: Int64s
    """Row in KINDS [users]."""
    jumped: Bools
    """Redrawn since the previous event [events, users]."""


def choice_probabilities(theta: Floats, slate: Float32s, outside: float = OUTSIDE) -> Floats:
    """Multinomial logit [n, m + 1] in float64."""
    utility = np.einsum("nd,nmd->nm", theta, slate.astype(np.float64))
    score = np.concatenate([utility, np.full((len(utility), 1), outside)], axis=1)
    p = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def log_loss(p: Floats, choice: Int64s) -> Floats:
    """Nats of each choice [n]."""
    return -np.log(p[np.arange(len(choice)), choice])


def unit_items(rng: np.random.Generator, dim: int) -> Float32s:
    """A thousand random directions [1000, dim]."""
    items = rng.normal(size=(1000, dim))
    unit: Floats = items / np.linalg.norm(items, axis=1, keepdims=True)
    return unit.astype(np.float32)


def drawn(rng: np.random.Generator, p: Floats) -> Int64s:
    """One choice per row of probabilities."""
    return np.asarray((p.cumsum(axis=1) < rng.uniform(size=(len(p), 1))).sum(axis=1).clip(max=p.shape[1] - 1))


def planted_change(seed: int, users: int = 300, events: int = 130, at: int = 100, dim: int = 16) -> Stream:
    """Interest stays, but every other user's is redrawn before event `at`; all gaps are 1."""
    rng = np.random.default_rng(seed)
    items = unit_items(rng, dim)
    before, after = rng.normal(0, 2, (2, users, dim))
    slates = items[rng.integers(0, 1000, (events, users, 10))]
    jumped = np.zeros((events, users), bool)
    jumped[at, 1::2] = True
    interest = np.where(jumped.cumsum(axis=0)[:, :, None] > 0, after, before)
    choice = np.stack([drawn(rng, choice_probabilities(interest[t], slates[t])) for t in range(events)])
    elapsed = np.ones((events, users), np.float32)
    return Stream(slates, choice, elapsed, interest, np.where(jumped.any(axis=0), 2, 0), jumped)


def stream(
    seed: int, users: int = 300, events: int = 120, dim: int = 16, kinds: tuple[int, ...] = (0, 1, 2, 3, 4)
) -> Stream:
    """Users take the kinds in turn; gaps are 1, 2 or 3 units."""
    rng = np.random.default_rng(seed)
    items = unit_items(rng, dim)
    kind = np.array(kinds)[np.arange(users) % len(kinds)]
    home, other = rng.normal(0, 2, (2, users, dim))
    theta = home.copy()
    period, phase = rng.uniform(30, 90, users), rng.uniform(0, 1, users)
    slates = np.empty((events, users, 10, dim), np.float32)
    choice = np.empty((events, users), np.int64)
    elapsed = rng.integers(1, 4, (events, users)).astype(np.float32)
    interest = np.empty((events, users, dim))
    jumped = np.zeros((events, users), bool)
    pull = np.zeros((users, dim))
    now = np.zeros(users)
    for t in range(events):
        gap = elapsed[t].astype(np.float64)
        now += gap
        keep = np.exp(-gap / 60.0)[:, None]
        noise = rng.normal(0, 2, (users, dim))
        wander = (kind == 1)[:, None]
        theta = np.where(wander, keep * theta + np.sqrt(1 - keep**2) * noise, theta)
        jumped[t] = (kind == 2) & (rng.uniform(size=users) > np.exp(-gap / 80.0))
        theta = np.where(jumped[t][:, None], rng.normal(0, 2, (users, dim)), theta)
        back = ((now / period + phase) % 1.0 < 0.5)[:, None]
        theta = np.where((kind == 3)[:, None], np.where(back, home, other), theta)
        pull *= 0.94 ** gap[:, None]
        theta = np.where((kind == 4)[:, None], home + pull, theta)
        interest[t] = theta
        slates[t] = items[rng.integers(0, 1000, (users, 10))]
        choice[t] = drawn(rng, choice_probabilities(theta, slates[t]))
        taken = choice[t] < 10
        liked = slates[t][np.arange(users), choice[t].clip(max=9)]
        pull += np.where(taken[:, None], 0.6 * liked, 0.0)
    return Stream(slates, choice, elapsed, interest, kind, jumped)
