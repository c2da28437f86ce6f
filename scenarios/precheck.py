"""What can be wrong with a run is found before any work starts."""

from driftline.scenarios.compose import build_agent
from driftline.scenarios.schema import Scenario
from driftline.sim.world import World


def checked_topics(scenario: Scenario, seed: int) -> tuple[str, ...]:
    """Lay the world's foundation, build each agent once without its encoder, and return the topics' names.

    Raises:
        InputError: unusable real data; an unknown part or parameter of an agent, with the nearest one.
    """
    world = World(scenario, seed)
    for agent, spec in scenario.agents.items():
        deaf = spec if ":" in agent else spec.model_copy(update={"predictor": "none"})
        build_agent(scenario.model_copy(update={"agents": {agent: deaf}}), agent, world)
    return world.base.topic_names
