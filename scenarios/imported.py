"""Importing what a file or an argument names as `package.module:Name`."""

from importlib import import_module
from typing import Any

from driftline.sim.errors import InputError, hint


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
