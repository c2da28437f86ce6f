"""What an agent's id means: a built-in name, `package.module:Class`, or a rival, `full[evolution=...]`.

From an id to a composition: tuned values (written by `driftline tune`) lie beneath what a scenario states, and that
beneath what stands in the brackets.
"""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from driftline.evaluation.run.folder import slug
from driftline.scenarios.built_in import BASELINES, TRACKERS, agent_ids
from driftline.scenarios.schema import AgentSpec, Scenario
from driftline.sim.config.files import parse, read_mapping
from driftline.sim.config.validation import complaints
from driftline.sim.errors import InputError, hint

PARTS = ("predictor", "evolution", "ranker", "policy")


@dataclass(frozen=True, slots=True)
class AgentName:
    """An agent id, taken apart."""

    id: str
    base: str
    """A built-in name, a name of the scenario's `agents:`, or `package.module:Class`."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What the brackets override: a part of `PARTS`, or a parameter."""


def split_ids(text: str) -> tuple[str, ...]:
    """`a,b[x=1,y=2]` as two ids: commas within brackets do not separate."""
    ids, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            ids.append("")
        else:
            ids[-1] += letter
    return tuple(each.strip() for each in ids if each.strip())


def parse_id(agent: str) -> AgentName:
    """An agent id taken apart, not looked up.

    Raises:
        InputError: empty, unbalanced brackets, or something in them that is not key=value.
    """
    base, bracket, inside = agent.strip().partition("[")
    if not base or (bracket and not inside.endswith("]")) or (not bracket and "]" in base):
        raise InputError(f"agent {agent!r}: must be a name, package.module:Class or name[key=value,...]")
    changes: dict[str, Any] = {}
    for pair in inside.removesuffix("]").split(",") if bracket else []:
        key, equals, value = (piece.strip() for piece in pair.partition("="))
        if not (key and equals and value):
            raise InputError(f"agent {agent!r}: {pair!r} must be key=value")
        if key in changes:
            raise InputError(f"agent {agent!r}: {key!r} is stated twice")
        changes[key] = parse(value)
    return AgentName(agent.strip(), base, changes)


def checked_agents(scenario: Scenario, agents: Iterable[str]) -> tuple[str, ...]:
    """Agent ids as given to `run`, in their order.

    Raises:
        InputError: none, one twice (or two that a path cannot tell apart), unknown, or not importable.
    """
    if isinstance(agents, str):
        agents = split_ids(agents)
    seen: dict[str, str] = {}
    for agent in agents:
        name = parse_id(agent)
        known = {*agent_ids(), *scenario.agents}
        if ":" in name.base and name.base not in known:
            BASELINES.find(name.base)
        elif name.base not in known:
            raise InputError(f"agent {name.base!r} is unknown; {hint(name.base, known)}")
        if slug(name.id) in seen:
            other = seen[slug(name.id)]
            raise InputError(
                f"agent {name.id!r} is given twice"
                if other == name.id
                else f"agents {other!r} and {name.id!r} would share the folder {slug(name.id)!r}"
            )
        seen[slug(name.id)] = name.id
    if not seen:
        raise InputError("agents: at least one is needed")
    return tuple(seen.values())


def with_agents(scenario: Scenario, agents: Iterable[str]) -> Scenario:
    """The scenario with `agents` holding exactly these ids, each composed in full.

    Later wins: tuned values of the agent without brackets, tuned values of the very id, what the scenario
    states, the brackets.
    """
    tuned = tuned_params(scenario)
    return scenario.model_copy(
        update={"agents": {agent: _composed(scenario, parse_id(agent), tuned) for agent in agents}}
    )


def _composed(scenario: Scenario, name: AgentName, tuned: Mapping[str, Mapping[str, Any]]) -> AgentSpec:
    stated = scenario.agents.get(name.id, scenario.agents.get(name.base, AgentSpec()))
    if name.id in scenario.agents and name.changes:  # a resolved scenario, run again: composed already
        return stated
    parts = {part: value for part, value in name.changes.items() if part in PARTS}
    params = {
        **_tuned_parts(name, parts, tuned),
        **tuned.get(name.id, {}),
        **stated.params,
        **{key: value for key, value in name.changes.items() if key not in PARTS},
    }
    whole = {**stated.model_dump(), **parts, "params": params}
    try:
        return AgentSpec.model_validate(whole)
    except ValidationError as problem:
        raise InputError(f"agent {name.id!r}: {complaints(problem, whole, AgentSpec)[0]}") from problem


def _tuned_parts(name: AgentName, parts: Mapping[str, Any], tuned: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Tuned values of the agent without brackets; another evolution model brings those tuned for it."""
    own = dict(tuned.get(name.base, {}))
    other = parts.get("evolution")
    if other is None:
        return own
    kept = {key: value for key, value in own.items() if key not in of_tracker("filter_bank", own)}
    return kept | (of_tracker(other, tuned.get(other, {})) if other in TRACKERS.names() else {})


def of_tracker(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some parameters that this evolution model's constructor takes."""
    own = set(inspect.signature(TRACKERS.find(name)).parameters) - {"n_users", "dim"}
    return {key: value for key, value in params.items() if key in own}


def tuned_folder() -> Path:
    """Where the packaged scenarios' tuned values lie."""
    return Path(str(files("driftline"))) / "scenarios" / "tuned"


def tuned_params(scenario: Scenario, folder: Path | None = None) -> dict[str, Mapping[str, Any]]:
    """Best parameters by agent id; empty where this version of the scenario was not tuned.

    Raises:
        InputError: the file is not what `driftline tune` writes.
    """
    path = (folder or tuned_folder()) / f"{scenario.name}.yaml"
    if not path.is_file():
        return {}
    stated = read_mapping(path)
    agents = stated.get("agents", {})
    if not isinstance(agents, dict) or not all(isinstance(params, dict) for params in agents.values()):
        raise InputError(f"{path}: agents: must be a mapping of agent ids to parameters")
    return agents if stated.get("version") == scenario.version else {}


def write_tuned(
    scenario: Scenario, agents: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any], folder: Path
) -> Path:
    """Write best parameters; those of other agents, tuned on the same version, are kept."""
    path = folder / f"{scenario.name}.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    kept = tuned_params(scenario, folder)
    content = {
        "version": scenario.version,
        **facts,
        "agents": {**kept, **{k: dict(v) for k, v in agents.items()}},
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path
