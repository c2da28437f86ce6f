"""From a law's name in a scenario file to the law: a built-in file of this folder, or `package.module:Class`."""

import difflib
from importlib import import_module
from pathlib import Path
from typing import Any

from driftline.sim.errors import InputError
from driftline.sim.laws.law import Law

NOT_LAWS = {"__init__", "law", "loops", "named"}


def law_names() -> list[str]:
    """The built-in laws: the names of this folder's files."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_LAWS)


def law_class(name: str) -> type[Law]:
    """The class of a law. Errors name the nearest legal name."""
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            found = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as problem:
            raise InputError(f"law {name!r} cannot be imported: {problem}") from problem
    else:
        if name not in law_names():
            near = difflib.get_close_matches(name, law_names(), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known laws: {', '.join(law_names())}"
            raise InputError(f"law {name!r} is unknown; {hint}")
        found = getattr(import_module(f"driftline.sim.laws.{name}"), name.title().replace("_", ""))
    if not (isinstance(found, type) and issubclass(found, Law)):
        raise InputError(f"law {name!r} is {found!r}; it must be a subclass of driftline.sim.laws.Law")
    return found


def laws_from_file(stated: dict[str, Any]) -> dict[str, Law]:
    """Laws by name, each built from the numbers that the scenario states for it."""
    return {
        name: numbers if isinstance(numbers, Law) else law_class(name).model_validate(numbers or {})
        for name, numbers in stated.items()
    }
