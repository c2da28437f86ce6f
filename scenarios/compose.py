"""From an agent's composition in the scenario to the agent: encoder, evolution model, policy, numbers."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from math import isfinite
from typing import Any

from pydantic import BaseModel, ValidationError

from driftline.agents.composed.full import Full, TrackerFactory
from driftline.agents.composed.rival import Rival, RivalNumbers
from driftline.agents.composed.valuation import FullNumbers
from driftline.agents.evolution._base import Tracker
from driftline.agents.models.item_space import TextEncoder
from driftline.agents.policy import Policy
from driftline.agents.predictor import CachedEncoder, open_encoder
from driftline.agents.predictor.encoders import ENCODERS, refuse_missing
from driftline.agents.protocol import AgentProtocol
from driftline.scenarios.agent_names import PARTS, of_tracker, parse_id
from driftline.scenarios.built_in import BASELINES, POLICIES, TRACKERS
from driftline.scenarios.oracle_agent import Oracle
from driftline.scenarios.schema import AgentSpec, Scenario
from driftline.sim.config.validation import complaints
from driftline.sim.errors import InputError, hint
from driftline.sim.world import World

SWITCHES = ("reads", "foresees", "factorises")


def build_agent(scenario: Scenario, agent_id: str, world: World) -> AgentProtocol:
    """The agent that `scenario.agents[agent_id]` describes.

    Raises:
        InputError: an unknown part or parameter (with the nearest one), an encoder that cannot be opened.
    """
    base = parse_id(agent_id).base
    spec = scenario.agents.get(agent_id, AgentSpec())
    _refuse_parts(agent_id, base, spec)
    if base == "oracle":
        return Oracle(world)
    if base in BASELINES.names() or ":" in base:
        agent: AgentProtocol = _construct(agent_id, BASELINES.find(base), spec.params)
        return agent
    rival = base in TRACKERS.names()
    name = spec.evolution or (base if rival else "filter_bank")
    tracker = _part(agent_id, TRACKERS.find, name)
    taken = of_tracker(name, spec.params)
    rest = {key: value for key, value in spec.params.items() if key not in taken}
    policy, rest = _policy(agent_id, spec.policy, rest)
    factory = _factory(tracker, taken)
    try:
        factory(0, world.catalogue.topics, 0.0)
    except (TypeError, ValueError) as problem:
        raise InputError(f"agent {agent_id!r} cannot be built: {problem}") from problem
    encoder = _encoder(scenario, agent_id, spec.predictor or scenario.run.encoder, world)
    if rival:
        return Rival(encoder, factory, policy, _numbers(agent_id, RivalNumbers, rest))
    switches = {name: bool(rest.pop(name)) for name in SWITCHES if name in rest}
    if spec.ranker == "none":
        switches["factorises"] = False
    elif spec.ranker not in (None, "mf"):
        raise InputError(
            f"agent {agent_id!r}: ranker {spec.ranker!r} is unknown; {hint(str(spec.ranker), ['mf', 'none'])}"
        )
    return Full(encoder, factory, policy, _numbers(agent_id, FullNumbers, rest), **switches)


def _refuse_parts(agent_id: str, base: str, spec: AgentSpec) -> None:
    """A part that an agent does not have must not be passed over in silence."""
    without: tuple[str, ...] = ()
    if base in BASELINES.names() or base == "oracle" or ":" in base:
        without = PARTS
    elif base in TRACKERS.names():
        without = ("ranker",)
    for part in without:
        # A run's precheck makes every agent deaf, which is no statement about this one.
        if getattr(spec, part) not in (None, "none"):
            raise InputError(f"agent {agent_id!r}: has no {part}; {getattr(spec, part)!r} cannot be put in")
    if base == "oracle" and spec.params:
        raise InputError(f"agent {agent_id!r}: parameter {next(iter(spec.params))!r} is unknown; there are none")


def _part(agent_id: str, find: Callable[[str], Any], name: str) -> Any:
    """A part by name; what is wrong with it is said of the agent."""
    try:
        return find(name)
    except InputError as problem:
        raise InputError(f"agent {agent_id!r}: {problem}") from problem


def _factory(tracker: Any, params: Mapping[str, Any]) -> TrackerFactory:
    has_outside = "outside" in inspect.signature(tracker).parameters

    def make(users: int, dim: int, outside: float) -> Tracker:
        stated = {"outside": outside} if has_outside else {}
        made: Tracker = tracker(users, dim, **(stated | dict(params)))
        return made

    return make


def _policy(agent_id: str, name: str | None, params: dict[str, Any]) -> tuple[Policy, dict[str, Any]]:
    """The policy, greedy unless one is named, and the parameters that its constructor does not take."""
    kind = _part(agent_id, POLICIES.find, name or "greedy")
    legal = inspect.signature(kind).parameters
    own = {key: value for key, value in params.items() if key in legal}
    rest = {key: value for key, value in params.items() if key not in own}
    return _construct(agent_id, kind, own), rest


def _numbers(agent_id: str, kind: Any, params: Mapping[str, Any]) -> Any:
    legal = [field.name for field in fields(kind)]
    for name, value in params.items():
        if name not in legal:
            near = hint(name, {*legal, *PARTS, *SWITCHES})
            raise InputError(f"agent {agent_id!r}: parameter {name!r} is unknown; {near}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise InputError(f"agent {agent_id!r}: {name} = {value!r}: must be a finite number")
    return kind(**params)


def _construct(agent_id: str, kind: Any, params: Mapping[str, Any]) -> Any:
    legal = inspect.signature(kind).parameters
    for name in params:
        if name not in legal and not any(each.kind is each.VAR_KEYWORD for each in legal.values()):
            unknown = f"parameter {name!r} is unknown; {hint(name, legal)}"
            raise InputError(f"agent {agent_id!r} cannot be built: {unknown}")
    try:
        return kind(**params)
    except (TypeError, ValueError) as problem:
        if isinstance(problem, ValidationError) and issubclass(kind, BaseModel):
            raise InputError(f"agent {agent_id!r}: {complaints(problem, params, kind)[0]}") from problem
        raise InputError(f"agent {agent_id!r} cannot be built: {problem}") from problem
    except (Exception, SystemExit) as problem:  # a class of the user's own may raise anything
        raise InputError(f"agent {agent_id!r} cannot be built: {type(problem).__name__}: {problem}") from problem


def refuse_missing_encoder(scenario: Scenario, agent_id: str) -> None:
    """Raises `InputError` where an agent's encoder cannot be had; nothing of it is opened."""
    base = parse_id(agent_id).base
    if base == "oracle" or base in BASELINES.names() or ":" in base:
        return
    name = scenario.agents.get(agent_id, AgentSpec()).predictor or scenario.run.encoder
    if name == "none":
        return
    if ":" in name and "/" not in name:
        _part(agent_id, ENCODERS.find, name)
        return
    try:
        refuse_missing(name)
    except (ValueError, OSError, ImportError) as problem:
        raise InputError(f"agent {agent_id!r}: {problem}") from problem


def _encoder(scenario: Scenario, agent_id: str, name: str, world: World) -> TextEncoder | None:
    """The text encoder with its cache, by name, folder, hub id or `package.module:Class`; `none` for no text."""
    if name == "none":
        return None
    if ":" in name and "/" not in name:
        return _construct(agent_id, _part(agent_id, ENCODERS.find, name), {})  # type: ignore[no-any-return]
    try:
        segments = world.model.corpus.segments
        corpus = [segments.text(code) for code in range(len(segments))] if name == "scratch" else []
        opened = open_encoder(name, scenario.run.device, corpus=corpus)
    except (ValueError, OSError, ImportError) as problem:
        raise InputError(f"agent {agent_id!r}: {problem}") from problem
    return CachedEncoder(opened, scenario.run.cache)
