"""Content hashes: whether two scenarios mean the same, whatever their files look like."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from driftline.scenarios.schema import AgentSpec, Scenario
from driftline.sim.config.params import WorldParams

WORDS = {"title", "purpose", "grade"}
"""Keys that no run depends on."""
"""Keys that say what a scenario is for; changing them changes no result."""


def digest(content: Any) -> str:
    """SHA-256 of canonical JSON. Order is kept: the place of a law or a group is part of its meaning."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def world_hash(scenario: Scenario) -> str:
    """The version and the world, defaults included; where real data lies on this machine is left out."""
    world = scenario.model_dump(mode="json", include=set(WorldParams.model_fields))
    world["catalogue"].pop("path")
    return digest([scenario.version, world])


def scenario_hash(scenario: Scenario) -> str:
    """Everything that a result depends on, except for the agents, which are compared one by one."""
    return digest(
        scenario.model_dump(mode="json", exclude={**dict.fromkeys(WORDS | {"agents"}, True), "run": {"batch", "cache"}})
    )


def agent_hash(spec: AgentSpec) -> str:
    """How an agent is composed; the order of its parameters does not matter."""
    return digest(_sorted(spec.model_dump(mode="json")))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return value
