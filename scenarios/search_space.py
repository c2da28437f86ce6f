"""Which parameters of an agent are searched, and between which bounds."""

from typing import Any

from driftline.agents.composed.full import Full
from driftline.agents.composed.rival import Rival
from driftline.agents.protocol import Range
from driftline.scenarios.agent_names import agent_class, parse_id
from driftline.scenarios.built_in import baseline_path, baselines, tracker_class, trackers
from driftline.scenarios.schema import AgentSpec, Scenario


def search_space(scenario: Scenario, agent: str) -> dict[str, Range]:
    """The ranges that the agent's class and its evolution model's class state as `space`.

    A parameter that the id's brackets fix is not searched.
    """
    name = parse_id(agent)
    spec = scenario.agents.get(agent, AgentSpec())
    space = {key: each for holder in _holders(name.base, spec) for key, each in getattr(holder, "space", {}).items()}
    return {key: each for key, each in space.items() if key not in name.changes}


def _holders(base: str, spec: AgentSpec) -> list[Any]:
    """The classes whose constructors take the agent's parameters."""
    if base == "oracle":
        return []
    if base in baselines() or ":" in base:
        return [agent_class(baseline_path(base))]
    rival = base in trackers()
    tracker = spec.evolution or (base if rival else "filter_bank")
    return [Rival if rival else Full, tracker_class(tracker)]
