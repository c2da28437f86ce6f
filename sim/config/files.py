"""Scenario files: where they lie, how a name finds one, and how one is read."""

import os
import re
from collections.abc import Hashable
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from driftline.sim.errors import InputError, hint

FOLDERS_VARIABLE = "DRIFTLINE_SCENARIOS"
"""Environment variable with further folders of scenario files, separated like PATH."""


class _Loader(yaml.SafeLoader):
    """YAML with unique keys and the numbers and booleans of YAML 1.2: `1e3` is a number, `off` is a word."""


_OLD_WORDS = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:float"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OLD_WORDS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|false|False)$"), list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|nan))$"),
    list("-+0123456789."),
)


def _unique_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    loader.flatten_mapping(node)
    mapping: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in mapping:
            raise InputError(f"line {key_node.start_mark.line + 1}: key {key!r} appears twice")
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_Loader.add_constructor("tag:yaml.org,2002:map", _unique_mapping)


def parse(text: str) -> Any:
    """One YAML value.

    Raises:
        InputError: naming the line, for what is not YAML or states a key twice.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = getattr(problem, "problem", None) or str(problem).splitlines()[0]
        if "\\t" in what:
            what = "a tab stands where YAML wants spaces"
        raise InputError(f"{where}not valid YAML: {what}") from problem
    except (ValueError, TypeError) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(f"not valid YAML: {problem}") from problem


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file states; a byte-order mark is allowed.

    Raises:
        InputError: missing or unreadable file, not UTF-8, empty, not a mapping, a key twice; names the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InputError(f"{path}: not UTF-8 text (byte {problem.start})") from problem
    except OSError as problem:
        raise InputError(f"{path}: cannot be read: {problem.strerror}") from problem
    try:
        stated = parse(text)
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from problem
    if stated is None:
        raise InputError(f"{path}: the file is empty")
    if not isinstance(stated, dict):
        raise InputError(f"{path}: must be a mapping of keys to values, not a {type(stated).__name__}")
    odd = [key for key in stated if not isinstance(key, str)]
    if odd:
        raise InputError(f"{path}: key {odd[0]!r} must be text")
    return stated


def scenario_folders() -> list[Path]:
    """The packaged catalogue, then the folders named by `DRIFTLINE_SCENARIOS`.

    Raises:
        InputError: a folder of the variable does not exist.
    """
    named = [Path(text) for text in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if text]
    for folder in named:
        if not folder.is_dir():
            raise InputError(f"{FOLDERS_VARIABLE}: folder '{folder}' does not exist")
    return [Path(str(files("driftline"))) / "scenarios" / "catalog", *named]


def scenario_files() -> dict[str, Path]:
    """Every scenario that a directory listing finds, by file name without suffix.

    Raises:
        InputError: two files bear the same name.
    """
    found: dict[str, Path] = {}
    for folder in scenario_folders():
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            if path.stem in found:
                raise InputError(f"scenario {path.stem!r} exists twice: '{found[path.stem]}' and '{path}'")
            found[path.stem] = path
    return found


def find_scenario(name_or_path: str | Path) -> Path:
    """The file of a scenario, by name, by path, or by the folder of a run that is to be repeated.

    Raises:
        InputError: unknown name (with the nearest one) or missing file.
    """
    text = str(name_or_path)
    path = Path(text)
    if path.is_dir() and (path / "resolved.yaml").is_file():
        return path / "resolved.yaml"
    if isinstance(name_or_path, Path) or path.suffix in (".yaml", ".yml") or os.sep in text:
        if path.is_dir():
            raise InputError(f"'{path}' is a folder, not a scenario file")
        if not path.is_file():
            raise InputError(f"scenario file '{path}' does not exist")
        return path
    known = scenario_files()
    if text not in known:
        raise InputError(f"scenario {text!r} is unknown; {hint(text, known)}")
    return known[text]


def read_scenario(name_or_path: str | Path) -> dict[str, Any]:
    """What a scenario file states, unchecked. The `resolved.yaml` of a run holds one under `scenario`."""
    path = find_scenario(name_or_path)
    stated = read_mapping(path)
    inner = stated.get("scenario")
    return inner if path.name == "resolved.yaml" and isinstance(inner, dict) else stated
