"""What the package offers by name; importing module:Class (the one).

Importing what a file or an argument names as `package.module:Name`.

What the package itself offers by name, found by listing its folders: nobody keeps a table.

A name is a file's name; the class in it bears the same name in camel case.
"""

import re
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from driftline.sim.errors import InputError, hint
from driftline.sim.types import Params


def imported(what: str, path: str, kind: type = type) -> Any:
    """What `package.module:Name` names; `what` it is meant to be is said in errors. kind: class or function.

    Raises:
        InputError: the module cannot be imported, or has no such name (with the nearest one of that kind).
    """
    module_name, _, attribute = path.partition(":")
    try:
        module = import_module(module_name)
    except Exception as problem:  # a module's own code may raise anything
        lines = str(problem).strip().splitlines() or ["no message"]
        reason = f"{type(problem).__name__}: {lines[0]}"
        raise InputError(f"{what} {path!r} cannot be imported: {reason}") from problem
    if not hasattr(module, attribute):
        near = hint(attribute, [name for name, value in vars(module).items() if isinstance(value, kind)])
        raise InputError(f"{what} {path!r}: module {module_name!r} has no {attribute!r}; {near}")
    return getattr(module, attribute)


BASELINES = "driftline.agents.baselines"
TRACKERS = "driftline.agents.evolution"


@lru_cache
def baselines() -> tuple[str, ...]:
    """Ids of the agents in `agents.baselines`."""
    return tuple(sorted(path.stem for path in _files(BASELINES)))


@lru_cache
def trackers() -> tuple[str, ...]:
    """Names of the evolution models in `agents.evolution`; each is also the id of a whole-agent rival."""
    return tuple(sorted(path.stem for path in _files(TRACKERS)))


def agent_ids() -> tuple[str, ...]:
    """Every agent that the package offers."""
    return ("full", "oracle", *baselines(), *trackers())


def baseline_path(name: str) -> str:
    """`package.module:Class` of a baseline; any other path is returned as it is."""
    return _path(BASELINES, name) if name in baselines() else name


@lru_cache
def policies() -> dict[str, type[Any]]:
    """The policies of `agents.policy`, by name."""
    from driftline.agents import policy

    found = (each for each in vars(policy).values() if isinstance(each, type) and issubclass(each, Params))
    return {_snake(each.__name__): each for each in found if hasattr(each, "slates")}


def tracker_class(name: str) -> Any:
    """The class of an evolution model, by name or `package.module:Class`.

    Raises:
        InputError: unknown, with the nearest name, or not importable.
    """
    if ":" in name:
        return imported("evolution", name)
    if name not in trackers():
        raise InputError(f"evolution {name!r} is unknown; {hint(name, trackers())}")
    return imported("evolution", _path(TRACKERS, name))


def _files(package: str) -> list[Path]:
    folder = Path(str(import_module(package).__file__)).parent
    return [path for path in folder.glob("*.py") if not path.stem.startswith("_")]


def _path(package: str, name: str) -> str:
    return f"{package}.{name}:{_camel(name)}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    return name.title().replace("_", "")
