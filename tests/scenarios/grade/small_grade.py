"""Worlds small enough for grading to be tested in."""

from functools import lru_cache
from typing import Any

from driftline.scenarios.grade.api import small_world
from driftline.scenarios.schema import Scenario
from driftline.sim.warmup import Start, warm_up
from driftline.sim.world import World

TINY: dict[str, Any] = {
    "population.users": 150,
    "catalogue.items": 60,
    "catalogue.probes": 8,
    "horizon": 44,
    "grade.twins": 1,
}
TOY: dict[str, Any] = {"population.users": 1500, "catalogue.items": 6, "catalogue.probes": 4, "candidates.private": 6}


def tiny() -> Scenario:
    return small_world("abrupt_shift", TINY)


@lru_cache
def started(toy: bool = False) -> Start:
    extra: dict[str, Any] = {"catalogue.domains.news.lifetime": None, "catalogue.domains.video.lifetime": None}
    return warm_up(World(small_world("abrupt_shift", {**TOY, **extra} if toy else TINY), 3))
