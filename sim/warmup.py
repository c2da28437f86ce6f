"""The warm-up: the first days under one keyed random policy, the same log for every agent."""

from dataclasses import dataclass

import numpy as np

from driftline.sim.items import random_slates
from driftline.sim.keyed import Stream, derived_seed
from driftline.sim.types import Behaviors, Feedback, Setting, Slates, empty_behaviors
from driftline.sim.world import World


@dataclass(frozen=True, slots=True)
class Start:
    """A world at the end of its warm-up and what its operator knows by then."""

    world: World
    """Fork it; do not move it."""
    setting: Setting


def warm_up(world: World) -> Start:
    """Run a fresh world's warm-up under uniformly random slates, keyed by (user, visit)."""
    feedback, behaviors = [], []
    while (observation := world.observe(until=world.params.warmup)) is not None:
        now = world.round
        pool = np.ascontiguousarray(np.atleast_2d(now.candidates))
        slates = random_slates(
            now.users,
            now.visits,
            pool,
            now.candidates.ndim == 1,
            world.params.slate,
            world.seed,
            int(Stream.WARMUP_POLICY),
        )
        behaviors.append(observation.behaviors)
        feedback.append(world.respond(Slates.certain(slates)))
    world.announced()
    return Start(world, _setting(world, in_order(feedback, world.params.slate), join(behaviors)))


def _setting(world: World, feedback: Feedback, behaviors: Behaviors) -> Setting:
    model, params = world.model, world.params
    known = np.flatnonzero(model.catalogue.born <= params.warmup).astype(np.int32)
    return Setting(
        seed=derived_seed(world.seed, Stream.AGENT),
        slate=params.slate,
        reward=params.reward,
        domains=model.catalogue.domains,
        categories=model.catalogue.topics,
        start=params.warmup,
        horizon=params.horizon,
        tick=params.tick,
        segments=model.corpus.segments,
        items=model.items(known),
        feedback=feedback,
        behaviors=behaviors,
        past=model.past,
    )


def in_order(parts: list[Feedback], length: int) -> Feedback:
    """Feedback of many rounds as one, sorted by (time, user, visit)."""
    if not parts:
        ints, reals = np.empty(0, np.int32), np.empty(0, np.float32)
        none = np.empty(0, np.int64)
        return Feedback(none, ints, np.empty(0), np.empty((0, length), np.int32), np.empty(0, np.int8), reals, reals)
    user = np.concatenate([part.user for part in parts])
    visit = np.concatenate([part.visit for part in parts])
    time = np.concatenate([part.time for part in parts])
    order = np.lexsort((visit, user, time))
    return Feedback(
        user[order],
        visit[order],
        time[order],
        np.concatenate([part.items for part in parts])[order],
        np.concatenate([part.choice for part in parts])[order],
        np.concatenate([part.dwell for part in parts])[order],
        np.concatenate([part.rating for part in parts])[order],
    )


def join(parts: list[Behaviors]) -> Behaviors:
    """Behaviours of many rounds as one, sorted by (time, user)."""
    if not parts:
        return empty_behaviors()
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("user", "time", "kind", "item", "about", "expressed")
    ]
    order = np.lexsort((columns[2], columns[0], columns[1]))
    return Behaviors(*(column[order] for column in columns))
