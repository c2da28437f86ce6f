"""What is wrong with a scenario, in one line each, and which keys are legal at a place."""

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from driftline.sim.errors import hint
from driftline.sim.laws._base import LAWS, Law

BOUNDS = {"greater_than_equal": (">=", "ge"), "greater_than": (">", "gt")} | {
    "less_than_equal": ("<=", "le"),
    "less_than": ("<", "lt"),
}


KINDS = {
    "int": "must be a whole number",
    "float": "must be a number",
    "finite": "must be a finite number",
    "bool": "must be true or false",
    "string": "must be text",
    "model": "must be a mapping of keys to values",
    "dict": "must be a mapping of keys to values",
    "list": "must be a list",
    "tuple": "must be a list",
    "path": "must be a path",
}


def complaints(problem: ValidationError, stated: Mapping[str, Any], schema: type[BaseModel]) -> list[str]:
    """Every finding as one line, in the order of the schema. `stated` is what was validated."""
    return [_line(error, _real_path(error, stated), schema) for error in problem.errors()]


def legal_keys(kind: Any) -> list[str]:
    """The keys that a type fixes; empty for free mappings and plain values."""
    return [name for model in _models(kind) for name in model.model_fields]


def type_below(kind: Any, key: str) -> Any | None:
    """The type under a key, None where the key is not allowed.

    Raises:
        InputError: the key is where a law's name stands, and there is no such law.
    """
    for model in _models(kind):
        if key in model.model_fields:
            return model.model_fields[key].annotation
    inner = _mapping(kind)
    return LAWS.find(key) if inner is not None and _models(inner) == [Law] else inner


def default_mapping(kind: Any, key: str) -> dict[str, Any]:
    """What a file that does not state `key` has there: the default of a free mapping, else nothing yet."""
    for model in _models(kind):
        field = model.model_fields.get(key)
        default = field.get_default(call_default_factory=True) if field else None
        if isinstance(default, dict):
            return {
                name: value.model_dump() if isinstance(value, BaseModel) else value for name, value in default.items()
            }
    return {}


def _alternatives(kind: Any) -> list[Any]:
    """A type without annotations, unions taken apart."""
    if get_origin(kind) is Annotated:
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [each for part in get_args(kind) for each in _alternatives(part)]
    return [kind]


def _models(kind: Any) -> list[type[BaseModel]]:
    return [each for each in _alternatives(kind) if isinstance(each, type) and issubclass(each, BaseModel)]


def _mapping(kind: Any) -> Any | None:
    """The value type of a mapping with free keys, else None."""
    for each in _alternatives(kind):
        if get_origin(each) is dict:
            return get_args(each)[1]
        if each is Any or each is object:
            return Any
    return None


def _line(error: ErrorDetails, path: list[str], schema: type[BaseModel]) -> str:
    kind, at = error["type"], ".".join(path)
    if kind == "extra_forbidden":
        legal = legal_keys(_type_at(schema, path[:-1]))
        prefix = ".".join([*path[:-1], ""])
        return f"key {at!r} is unknown; {hint(at, [prefix + name for name in legal])}"
    if kind == "missing":
        return f"{at}: has too few values" if isinstance(error["loc"][-1], int) else f"key {at!r} is missing"
    message = _message(error)
    shown = error["input"]
    if not at or isinstance(shown, dict | BaseModel):
        return f"{at}: {message}" if at else message
    return f"{at} = null: {message}" if shown is None else f"{at} = {shown!r}: {message}"


def _message(error: ErrorDetails) -> str:
    kind, facts = error["type"], error.get("ctx", {})
    if kind in BOUNDS:
        sign, name = BOUNDS[kind]
        return f"must be {sign} {facts[name]:g}"
    if kind == "literal_error":
        legal = str(facts["expected"])
        near = hint(str(error["input"]), [part.strip(" '") for part in legal.replace(" or ", ",").split(",")])
        return f"must be {legal}" + (f"; {near}" if near.startswith("did") else "")
    if kind in ("value_error", "assertion_error"):
        return str(facts["error"])
    if kind == "string_pattern_mismatch":
        return f"must match {facts['pattern']}"
    stem = kind.split("_")[0]
    return KINDS[stem] if stem in KINDS and kind != "too_long" else str(error["msg"])


def _real_path(error: ErrorDetails, stated: Any) -> list[str]:
    """The keys of an error's place as a file spells them: pydantic adds names of alternatives."""
    path: list[str] = []
    node, place = stated, error["loc"]
    for index, key in enumerate(place):
        if isinstance(node, BaseModel):
            node = node.__dict__
        if isinstance(node, list | tuple) and isinstance(key, int) and key < len(node):
            node = node[key]
        elif (isinstance(node, Mapping) and key in node) or (index == len(place) - 1 and isinstance(key, str)):
            node = node.get(key) if isinstance(node, Mapping) else None
        else:
            continue
        path.append(str(key))
    return path


def _type_at(schema: Any, path: list[str]) -> Any:
    for key in path:
        below = type_below(schema, key)
        if below is None:
            return None
        schema = below
    return schema
