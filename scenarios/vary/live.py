"""A varied comparison as a command starts it: options as text, live progress, a farewell on Ctrl-C, a page of words."""

import json
from collections.abc import Sequence
from pathlib import Path

import typer

from driftline.scenarios.live_progress import live_progress
from driftline.scenarios.run_folder import finished
from driftline.scenarios.seed_range import seed_range
from driftline.scenarios.table import print_table
from driftline.scenarios.vary import api as vary_api
from driftline.scenarios.vary.outcome import Varied
from driftline.sim.config.resolve import from_texts
from driftline.sim.errors import InputError


def live_vary(
    scenario: str,
    pair: tuple[str, str],
    variations: str | None,
    seeds: str,
    settings: Sequence[str],
    out: Path | None,
    jobs: int,
) -> tuple[Varied, Path]:
    """`driftline.vary` with a progress display on a terminal, and the folder of its runs.

    Raises:
        InputError: as `driftline.vary`, and for a run folder where a scenario is needed.
        KeyboardInterrupt: after one line that says what is kept, and where.
    """
    if (Path(scenario) / "resolved.yaml").is_file():
        raise InputError(f"--vary '{scenario}': needs a scenario; that of this run is '{scenario}/resolved.yaml'")
    names = None if variations is None else [name.strip() for name in variations.split(",") if name.strip()]
    numbers, overrides = seed_range(seeds), from_texts(settings)
    plan = vary_api.planned(scenario, pair, names, numbers, overrides, out)
    try:
        with live_progress([world.name for world in plan.worlds], len(numbers)) as progress:
            return vary_api.vary(scenario, *pair, names, numbers, overrides, plan.folder, jobs, progress), plan.folder
    except KeyboardInterrupt:
        runs = [(plan.folder / world.name, agent, seed) for world in plan.worlds for agent in pair for seed in numbers]
        kept = sum(finished(*each) for each in runs)
        typer.echo(
            f"driftline: interrupted; {kept} of {len(runs)} runs are finished and kept in '{plan.folder}'; "
            "the same command goes on from there",
            err=True,
        )
        raise


def print_varied(found: Varied, folder: Path, as_json: bool) -> None:
    """The table, what was changed and skipped, and the count of signs last; or one JSON object."""
    if as_json:
        print(json.dumps(found.record(), indent=2, allow_nan=False))
        return
    print_table(found.table(), as_json=False, title=f"{found.b} - {found.a}, mean over users; 95 % intervals")
    typer.echo(f"runs: {folder}")
    for line in found.lines():
        typer.echo(line)
