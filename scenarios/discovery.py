"""From a name or a path to a checked scenario."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from driftline.scenarios.schema import Scenario
from driftline.sim.config.files import find_scenario, read_scenario, scenario_files
from driftline.sim.config.resolve import apply
from driftline.sim.config.validation import complaints
from driftline.sim.errors import InputError


def check(stated: Mapping[str, Any]) -> Scenario:
    """A scenario from what its file states.

    Raises:
        InputError: naming the first finding, and how many more there are.
    """
    try:
        return Scenario.model_validate(stated)
    except ValidationError as problem:
        first, *more = complaints(problem, stated, Scenario)
        tail = f" (and {len(more)} more; `driftline validate` names them all)" if more else ""
        raise InputError(first + tail) from problem


def findings(stated: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with what a file states, one line each; empty when nothing is."""
    try:
        Scenario.model_validate(stated)
    except ValidationError as problem:
        return complaints(problem, stated, Scenario)
    return []


def load(scenario: str | Path | Scenario, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario of this name or file, with overrides by dotted path such as `{"population.users": 500}`.

    Raises:
        InputError: unknown name or key, wrong type or bound; a file's own fault names the file.
    """
    if isinstance(scenario, Scenario):
        return check(apply(scenario.model_dump(mode="json"), overrides, Scenario)) if overrides else scenario
    stated = apply(read_scenario(scenario), overrides or {}, Scenario)
    try:
        return check(stated)
    except InputError as problem:
        raise (problem if overrides else InputError(f"{find_scenario(scenario)}: {problem}")) from problem.__cause__


def all_scenarios() -> list[Scenario]:
    """Every scenario that a directory listing finds, by name."""
    return [load(path) for _, path in sorted(scenario_files().items())]
