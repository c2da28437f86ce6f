"""A shop with three kinds of items and users who each like one kind: small enough to know the answers.

The shop of the conformance suites (`driftline.agents.checks._shop`) is the other one: all that agents stumble over.
"""

from dataclasses import replace

import numpy as np

from driftline.agents.checks._shop import Texts, joined
from driftline.sim.types import (
    NONE,
    BehaviorKind,
    Behaviors,
    Feedback,
    Floats,
    Int32s,
    Int64s,
    Items,
    Observation,
    Setting,
    empty_behaviors,
    empty_interactions,
)

KINDS, ITEMS, LATER, USERS, VISITS, SLATE = 3, 45, 6, 30, 8, 4
GOOD, BAD = 6, 6
"""Comments of each sort."""
FIRST_COMMENT = ITEMS + LATER


def kind_of(item: int) -> int:
    return item % KINDS


def written() -> Texts:
    """Titles by item id, then pleased comments, then displeased ones."""
    rng = np.random.default_rng(3)
    words = [[f"{name}{letter}" for letter in "abcdefgh"] for name in ("jazz", "goal", "cake")]
    titles = [" ".join(rng.choice(words[kind_of(i)], 4)) for i in range(ITEMS + LATER)]
    good = [f"wonderful lovely {letter * 3}" for letter in "abcdef"]
    bad = [f"dreadful boring {letter * 3}" for letter in "abcdef"]
    return Texts([*(f"{title} {i}" for i, title in enumerate(titles)), *good, *bad])


TEXTS = written()


def items(first: int = 0, last: int = ITEMS) -> Items:
    ids = np.arange(first, last, dtype=np.int32)
    new = ids >= ITEMS
    kinds = np.where(new, NONE, ids % KINDS).astype(np.int32)
    zeros = np.zeros(len(ids))
    return Items(ids, ids.copy(), zeros.astype(np.int8), zeros.astype(np.float32), np.where(new, 14.5, 0.0), kinds)


def users() -> Int64s:
    """Pseudonyms; user u likes kind u % 3."""
    return 1000 + 7 * np.arange(USERS)


def liked(user: Int64s) -> Int64s:
    return (user - 1000) // 7 % KINDS


def respond(user: Int64s, visit: int, time: Floats, slates: Int32s, rng: np.random.Generator) -> Feedback:
    """Mostly the first item of the liked kind; ratings of most of what is taken: 5 for the liked kind, else 1."""
    length = slates.shape[1]
    fits = slates % KINDS == liked(user)[:, None]
    choice = np.where(fits.any(axis=1), fits.argmax(axis=1), length)
    odd = rng.random(len(user)) < 0.15
    choice = np.where(odd, rng.integers(0, length + 1, len(user)), choice).astype(np.int8)
    taken = choice < length
    pleased = fits[np.arange(len(user)), np.minimum(choice, length - 1)]
    rated = taken & (rng.random(len(user)) < 0.8)
    rating = np.where(rated, np.where(pleased, 5.0, 1.0), np.nan).astype(np.float32)
    dwell = np.where(taken, 30.0, 0.0).astype(np.float32)
    return Feedback(user, np.full(len(user), visit, np.int32), time, slates, choice, dwell, rating)


def reported(feedback: Feedback, rng: np.random.Generator) -> Behaviors:
    """What was taken, and a comment on it: pleased where the kind is liked."""
    taken = feedback.choice < feedback.items.shape[1]
    item = feedback.items[taken, feedback.choice[taken]]
    n = len(item)
    pleased = item % KINDS == liked(feedback.user[taken])
    comment = FIRST_COMMENT + np.where(pleased, rng.integers(0, GOOD, n), GOOD + rng.integers(0, BAD, n))
    kind = np.full(n, BehaviorKind.CONSUME, np.int8)
    return Behaviors(
        feedback.user[taken], feedback.time[taken] + 1e-4, kind, item, item.copy(), comment.astype(np.int32)
    )


def random_slates(rng: np.random.Generator, n: int) -> Int32s:
    found: Int32s = np.argsort(rng.random((n, ITEMS)), axis=1)[:, :SLATE].astype(np.int32)
    return found


def setting(**changes: object) -> Setting:
    """The shop after a warm-up of 14 days in which everybody came eight times."""
    rng = np.random.default_rng(8)
    visits, told = [], []
    for visit in range(VISITS):
        time = 0.5 + 1.7 * visit + 1e-3 * rng.permutation(USERS).astype(np.float64)
        order = np.argsort(time)
        feedback = respond(users()[order], visit, time[order], random_slates(rng, USERS), rng)
        visits.append(feedback)
        told.append(reported(feedback, rng))
    whole = Setting(
        seed=5, slate=SLATE, reward="satisfaction", domains=("news",), categories=KINDS, start=14.0, horizon=30.0,
        tick=0.25, segments=TEXTS, items=items(), feedback=joined(visits), behaviors=joined(told),
        past=empty_interactions(),
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


def observation(
    user: Int64s, visit: int, time: float, behaviors: Behaviors | None = None, arrived: Items | None = None
) -> Observation:
    """Everybody may be shown everything."""
    n = len(user)
    candidates = np.arange(ITEMS, dtype=np.int32)
    when = time + 1e-3 * np.arange(n, dtype=np.float64)
    visits = np.full(n, visit, np.int32)
    nothing = items(0, 0)
    return Observation(
        user, visits, when, behaviors or empty_behaviors(), candidates, arrived or nothing, int(time / 0.25)
    )


SHOP = setting()
