"""Which keys a schema allows at a place, for overrides and for naming the nearest legal key."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from driftline.sim.laws.law import Law
from driftline.sim.laws.named import law_class


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
    return law_class(key) if inner is not None and _models(inner) == [Law] else inner


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
