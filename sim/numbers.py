"""Numbers as compiled code reads them: named tuples whose class every process knows by its name and fields."""

from collections import namedtuple
from functools import lru_cache
from typing import Any


@lru_cache
def numbers_type(name: str, fields: tuple[str, ...]) -> Any:
    """The named-tuple class for a set of numbers: the same object whenever name and fields are the same.

    Numba keeps compiled code on disk by the types of its arguments. It finds that code again in a later process only
    if a class is the same class there, so this one is looked up by name in this module: see `__getattr__`.
    """
    made = namedtuple(name, fields, module=__name__)  # type: ignore[misc]  # the fields come from a model
    made.__qualname__ = f"{name}({','.join(fields)})"
    return made


def __getattr__(name: str) -> Any:
    """The class whose name in full is `Name(field,field)`, made when something stored asks for it."""
    stem, bracket, fields = name.partition("(")
    if not bracket:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return numbers_type(stem, tuple(fields.removesuffix(")").split(",")) if fields != ")" else ())
