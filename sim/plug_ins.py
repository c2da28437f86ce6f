"""Plug-ins by name: every file of a folder without an underscore, and anybody's own as `package.module:Name`."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from driftline.sim.errors import InputError, hint, shown

Found = TypeVar("Found")
Wrong = Callable[[object], str | None]
"""What keeps a thing from being a plug-in of some kind, as `must be ...`; None when nothing does."""


@dataclass(frozen=True, slots=True)
class PlugIns(Generic[Found]):
    """The plug-ins of one kind. A folder is listed anew at each call; nothing is imported before it is asked for.

    what: the kind, as errors name it, for instance "law". package: the folder of the built-in ones, dotted; the file
    `filter_bank.py` holds the class `FilterBank`, or else the function `filter_bank`. wrong: what every one must be.
    """

    what: str
    package: str
    wrong: Wrong

    def names(self) -> tuple[str, ...]:
        """The built-in ones, in alphabetical order."""
        return tuple(sorted(path.stem for path in self._folder().glob("*.py") if path.stem[0] != "_"))

    def find(self, name: str) -> Found:
        """The plug-in of this name or of this `package.module:Name`.

        Raises:
            InputError: unknown (with the nearest name), not importable, or not of this kind.
        """
        if not isinstance(name, str):
            raise InputError(f"{self.what} {shown(name)}: must be a name or package.module:Name")
        if ":" in name:
            return imported(self.what, name, self.wrong)  # type: ignore[no-any-return]
        if name not in self.names():
            raise InputError(f"{self.what} {name!r} is unknown; {hint(name, self.names())}")
        path = f"{self.package}.{name}"
        module = _module(self.what, path, path)
        attribute = name.title().replace("_", "")
        return imported(self.what, f"{path}:{attribute if hasattr(module, attribute) else name}", self.wrong)  # type: ignore[no-any-return]

    def summary(self, name: str) -> str:
        """What a built-in one is: the first line of its file's docstring."""
        return summary_of(f"{self.package}.{name}")

    def _folder(self) -> Path:
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(f"{self.package} is no package")
        return Path(spec.submodule_search_locations[0])


def summary_of(module: str) -> str:
    """The first line of a module's docstring, read from its file: nothing of it is run."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{module} is no module")
    text = Path(spec.origin).read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def imported(what: str, path: str, wrong: Wrong) -> Any:
    """What `package.module:Name` names. what: what it is meant to be, for errors. wrong: what keeps it from being so.

    Raises:
        InputError: another form of name; no such module, or none of this name in it (with the nearest one); a thing of
            another kind.
    """
    module_name, _, attribute = path.partition(":")
    if not (module_name and attribute):
        raise InputError(f"{what} {path!r}: must be package.module:Name")
    module = _module(what, path, module_name)
    if not hasattr(module, attribute):
        raise InputError(
            f"{what} {path!r}: module {module_name!r} has no {attribute!r}; {_near(module, attribute, wrong)}"
        )
    found = getattr(module, attribute)
    fault = wrong(found)
    if fault is not None:
        raise InputError(f"{what} {path!r}: {fault}")
    return found


def _near(module: ModuleType, name: str, wrong: Wrong) -> str:
    """The nearest name of a module; where none is near, those of the kind."""
    public = {each: value for each, value in vars(module).items() if each[0] != "_" and callable(value)}
    near = hint(name, public)
    fitting = [each for each, value in public.items() if wrong(value) is None]
    return hint(name, fitting) if fitting and not near.startswith("did you mean") else near


def _module(what: str, path: str, name: str) -> ModuleType:
    try:
        return import_module(name)
    except (Exception, SystemExit) as problem:  # a module's own code may raise anything, and may try to end the process
        lines = str(problem).strip().splitlines() or ["no message"]
        reason = f"{type(problem).__name__}: {lines[0]}"
        raise InputError(f"{what} {path!r} cannot be imported: {reason}") from problem


def subclass_of(base: type, spelled: str) -> Wrong:
    """Wrong is what is no subclass of `base`; `spelled`: how users import it."""

    def wrong(found: object) -> str | None:
        if isinstance(found, type) and issubclass(found, base) and found is not base:
            return None
        return f"must be a subclass of {spelled}, not {shown(found)}"

    return wrong


def class_like(protocol: type, spelled: str) -> Wrong:
    """Wrong is what is no class, and a class that lacks a method of `protocol`; `spelled`: how users import it."""
    methods = [name for name, value in vars(protocol).items() if name[0] != "_" and callable(value)]

    def wrong(found: object) -> str | None:
        if not isinstance(found, type):
            return f"must be a class, not {shown(found)}"
        missing = [name for name in methods if not callable(getattr(found, name, None))]
        return f"lacks {', '.join(missing)} of {spelled}" if missing else None

    return wrong
