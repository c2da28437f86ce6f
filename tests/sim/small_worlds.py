"""A small world that has everything, and a way to run it under a policy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from driftline.sim.types import Behaviors, Feedback, Float32s, Int32s, Observation, Slates
from driftline.sim.warmup import in_order, join
from driftline.sim.world import World

SMALL: dict[str, Any] = {
    "population": {"users": 60, "sessions_per_day": 1.5},
    "groups": {
        "still": {"laws": {"static": {}}},
        "moving": {"laws": {"gradual": {"tau": 10, "sigma": 1.5}, "abrupt": {"hazard": 0.2, "sigma": 1.0}}},
    },
    "catalogue": {"items": 60, "topics": 6, "probes": 8, "domains": {"news": {"lifetime": [3, 6]}}},
    "candidates": {"private": 20},
    "horizon": 10,
    "warmup": 2,
    "slate": 4,
}
LOOP = {"groups.moving.laws.reinforcement": {"rate": 0.5, "tau": 5}}
"""Overrides that let interest react to what is taken."""

Policy = Callable[[Observation], Int32s]


def small(overrides: Mapping[str, Any] | None = None, seed: int = 0) -> World:
    """The small world, changed where `overrides` say so."""
    return World(SMALL, seed, overrides or {})


def pool(observation: Observation) -> Int32s:
    """Candidates [n, C], whether shared or private."""
    rows = np.broadcast_to(observation.candidates, (len(observation), observation.candidates.shape[-1]))
    return np.ascontiguousarray(rows)


def first_four(observation: Observation) -> Int32s:
    """The first four candidates of each user."""
    return np.ascontiguousarray(pool(observation)[:, :4])


def last_four(observation: Observation) -> Int32s:
    """The last four candidates of each user."""
    return np.ascontiguousarray(pool(observation)[:, -4:])


@dataclass(frozen=True)
class Life:
    """What happened in a world, sorted by (time, user, visit), and the interests [n, K] at each visit."""

    feedback: Feedback
    behaviors: Behaviors
    ticks: Int32s
    interest: Float32s
    components: Float32s
    """By law [n, laws, K]."""


def live_on(world: World, policy: Policy, limit: int | None = None, until: float | None = None) -> Life:
    """Run a world to its end (or day `until`) under a policy."""
    feedback, behaviors, ticks, interest, components = [], [], [], [], []
    while (observation := world.observe(limit, until)) is not None:
        users = world.round.users
        interest.append(world.theta[users])
        components.append(world.components[users])
        ticks.append(np.full(users.size, observation.tick, np.int32))
        behaviors.append(observation.behaviors)
        feedback.append(world.respond(Slates.certain(policy(observation))))
    times = np.concatenate([part.time for part in feedback])
    users_, visits = (np.concatenate([getattr(part, name) for part in feedback]) for name in ("user", "visit"))
    order = np.lexsort((visits, users_, times))
    return Life(
        in_order(feedback, world.params.slate),
        join(behaviors),
        np.concatenate(ticks)[order],
        np.concatenate(interest)[order],
        np.concatenate(components)[order],
    )


def assert_same(one: object, other: object) -> None:
    """Two records hold equal arrays."""
    for name in one.__dataclass_fields__:  # type: ignore[attr-defined]
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def rows_of(records: object, keep: np.ndarray) -> dict[str, np.ndarray]:
    """Some rows of a record, by column."""
    return {name: getattr(records, name)[keep] for name in records.__dataclass_fields__}  # type: ignore[attr-defined]
