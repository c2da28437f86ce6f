"""A small world's warm-up and the rounds after it, recorded under random slates."""

from dataclasses import dataclass

from driftline.agents.baselines.random import Random
from driftline.agents.checks._script import Rounds
from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.schema import Scenario, load
from driftline.sim.types import Setting
from driftline.sim.warmup import warm_up
from driftline.sim.world import World

SMALL = {
    "population.users": 30,
    "population.sessions_per_day": 1.0,
    "catalogue.items": 80,
    "catalogue.probes": 10,
    "catalogue.topics": 4,
    "candidates.private": 30,
    "response.rating": 0.5,
    "text.queries_per_day": 0.5,
    "slate": 5,
    "warmup": 4,
    "horizon": 7,
    "judge.tracked_users": 10,
}


@dataclass(frozen=True, slots=True)
class Recorded:
    scenario: Scenario
    world: World
    """At the end of its warm-up; fork it."""
    setting: Setting
    rounds: Rounds


def recorded(*agents: str, seed: int = 0, **overrides: object) -> Recorded:
    scenario = with_agents(load("abrupt_shift", SMALL | overrides), agents)
    start = warm_up(World(scenario, seed))
    world, agent, rounds = start.world.fork(), Random(), []
    agent.reset(start.setting)
    while (observation := world.observe()) is not None:
        rounds.append((observation, world.respond(agent.act(observation))))
    return Recorded(scenario, start.world, start.setting, rounds)
