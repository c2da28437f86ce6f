"""Tuned parameters: written by `driftline tune`, read as defaults beneath what a scenario states."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from driftline.scenarios.schema import Scenario
from driftline.sim.config.files import read_mapping
from driftline.sim.errors import InputError


def tuned_folder() -> Path:
    """Where the packaged scenarios' tuned values lie."""
    return Path(str(files("driftline"))) / "scenarios" / "tuned"


def tuned_params(scenario: Scenario, folder: Path | None = None) -> dict[str, Mapping[str, Any]]:
    """Best parameters by agent id; empty where this version of the scenario was not tuned.

    Raises:
        InputError: the file is not what `driftline tune` writes.
    """
    path = (folder or tuned_folder()) / f"{scenario.name}.yaml"
    if not path.is_file():
        return {}
    stated = read_mapping(path)
    agents = stated.get("agents", {})
    if not isinstance(agents, dict) or not all(isinstance(params, dict) for params in agents.values()):
        raise InputError(f"{path}: agents: must be a mapping of agent ids to parameters")
    return agents if stated.get("version") == scenario.version else {}


def write_tuned(
    scenario: Scenario, agents: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any], folder: Path
) -> Path:
    """Write best parameters; those of other agents, tuned on the same version, are kept."""
    path = folder / f"{scenario.name}.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    kept = tuned_params(scenario, folder)
    content = {
        "version": scenario.version,
        **facts,
        "agents": {**kept, **{k: dict(v) for k, v in agents.items()}},
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path
