"""From a name, a file or a mapping to the numbers of a world, with single keys put over by dotted path."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from driftline.sim.config.files import parse, read_scenario
from driftline.sim.config.params import WorldParams
from driftline.sim.config.validation import complaints, default_mapping, legal_keys, type_below
from driftline.sim.errors import InputError, hint


def world_params(scenario: str | Path | Mapping[str, Any] | WorldParams, overrides: Mapping[str, Any]) -> WorldParams:
    """Checked numbers. A scenario file's further keys (agents, run, judge) are not the world's business.

    Raises:
        InputError: unknown scenario or key (with the nearest one), wrong type or bound; one line.
    """
    if isinstance(scenario, WorldParams):
        if not overrides:
            return scenario
        stated: Mapping[str, Any] = scenario.model_dump(include=set(WorldParams.model_fields))
    else:
        stated = scenario if isinstance(scenario, Mapping) else read_scenario(scenario)
    own = {key: value for key, value in stated.items() if key in WorldParams.model_fields}
    applied = apply(own, overrides, WorldParams)
    try:
        return WorldParams.model_validate(applied)
    except ValidationError as problem:
        raise InputError(complaints(problem, applied, WorldParams)[0]) from problem


def apply(stated: Mapping[str, Any], overrides: Mapping[str, Any], schema: type[BaseModel]) -> dict[str, Any]:
    """A copy of `stated` with the overrides put in; values are checked later, with everything else.

    Raises:
        InputError: a key that `schema` does not know, with the nearest one it does.
    """
    result = deepcopy(dict(stated))
    for path, value in overrides.items():
        _put(result, path.split("."), deepcopy(value), schema)
    return result


def from_texts(texts: Iterable[str]) -> dict[str, Any]:
    """`["population.users=500"]` as a mapping; values are YAML: `null`, `true`, `[1, 2]`.

    Raises:
        InputError: no `=`, no key, a key twice, or a value that is not YAML.
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise InputError(f"--set {text!r}: must be key=value, for instance population.users=500")
        if key in found:
            raise InputError(f"--set {key!r}: stated twice")
        try:
            found[key] = parse(value)
        except InputError as problem:
            raise InputError(f"--set {key}: {problem}") from problem
    return found


def _put(result: dict[str, Any], keys: list[str], value: Any, schema: type[BaseModel]) -> None:
    node, kind = result, schema
    for depth, key in enumerate(keys):
        below = type_below(kind, key)
        if below is None:
            raise InputError(_unknown(keys, depth, kind))
        if depth == len(keys) - 1:
            node[key] = value
            return
        if not isinstance(node.get(key), dict):
            node[key] = default_mapping(kind, key)
        node, kind = node[key], below


def _unknown(keys: list[str], depth: int, kind: Any) -> str:
    legal = legal_keys(kind)
    above = ".".join(keys[:depth])
    if not legal:
        return f"key {'.'.join(keys)!r} is unknown; {above!r} has no keys below it"
    prefix = f"{above}." if above else ""
    return f"key {'.'.join(keys)!r} is unknown; {hint(prefix + keys[depth], [prefix + name for name in legal])}"
