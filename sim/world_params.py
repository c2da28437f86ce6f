"""The numbers of a world from whatever names it: a scenario's name, a file, a mapping, or the numbers themselves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from driftline.sim.complaints import complaints
from driftline.sim.errors import InputError
from driftline.sim.overrides import apply
from driftline.sim.params import WorldParams
from driftline.sim.scenario_file import read_scenario


def world_params(scenario: str | Path | Mapping[str, Any] | WorldParams, overrides: Mapping[str, Any]) -> WorldParams:
    """Checked numbers. A scenario file's further keys (agents, run, judge) are not the world's business.

    Raises:
        InputError: unknown scenario or key (with the nearest one), wrong type or bound; one line.
    """
    if isinstance(scenario, WorldParams):
        if not overrides:
            return scenario
        stated: Mapping[str, Any] = scenario.model_dump(include=set(WorldParams.model_fields))
    else:
        stated = scenario if isinstance(scenario, Mapping) else read_scenario(scenario)
    own = {key: value for key, value in stated.items() if key in WorldParams.model_fields}
    applied = apply(own, overrides, WorldParams)
    try:
        return WorldParams.model_validate(applied)
    except ValidationError as problem:
        raise InputError(complaints(problem, applied, WorldParams)[0]) from problem
