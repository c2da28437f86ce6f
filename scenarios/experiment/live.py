"""An experiment as a command starts it: options as text, and live progress."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from driftline.scenarios.experiment import api as experiment_api
from driftline.scenarios.experiment.design import Design
from driftline.scenarios.experiment.outcome import Experiment
from driftline.scenarios.experiment.training import Training
from driftline.scenarios.live_progress import live_progress
from driftline.scenarios.seed_range import seed_range
from driftline.sim.config.resolve import from_texts
from driftline.sim.config.validation import complaints
from driftline.sim.errors import InputError


def live_experiment(
    scenario: str,
    pair: tuple[str, str],
    kind: str,
    numbers: Mapping[str, float],
    training: str,
    seeds: str,
    settings: Sequence[str],
    metric: str,
    short: float,
    out: Path | None,
    jobs: int,
) -> Experiment:
    """`driftline.experiment` with a progress display on a terminal.

    Raises:
        InputError: as `driftline.experiment`, and for a design that cannot be.
    """
    design = stated_design({"kind": kind, **numbers})
    chosen = seed_range(seeds)
    overrides = from_texts(settings)
    with live_progress(experiment_api.plans(design, "pooled"), len(chosen)) as progress:
        return experiment_api.experiment(
            scenario, *pair, design, cast("Training", training), chosen, overrides, metric, short, out, jobs, progress
        )


def stated_design(stated: Mapping[str, Any]) -> Design:
    """A design from numbers as stated; InputError with the first complaint."""
    try:
        return Design.model_validate(dict(stated))
    except ValidationError as problem:
        raise InputError(f"design: {complaints(problem, dict(stated), Design)[0]}") from problem
