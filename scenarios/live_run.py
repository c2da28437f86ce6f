"""A run as a command starts it: options as text, live progress, and a word of farewell on Ctrl-C."""

from collections.abc import Sequence
from pathlib import Path

import typer

from driftline.scenarios import api
from driftline.scenarios.agent_names import split_ids
from driftline.scenarios.live_progress import live_progress
from driftline.scenarios.run_folder import default_folder, finished
from driftline.scenarios.run_result import Run
from driftline.scenarios.seed_range import seed_range
from driftline.sim.config.resolve import from_texts


def live_run(scenario: str, agents: str, seeds: str, settings: Sequence[str], out: Path | None, jobs: int) -> Run:
    """`driftline.run` with a progress display on a terminal.

    Raises:
        InputError: as `driftline.run`.
        KeyboardInterrupt: after one line that says what is kept, and where.
    """
    numbers, overrides = seed_range(seeds), from_texts(settings)
    whole, _ = api.prepared(scenario, split_ids(agents), numbers, overrides)
    folder = out or default_folder(whole, numbers)
    try:
        with live_progress(whole.agents, len(numbers)) as progress:
            return api.run(scenario, split_ids(agents), numbers, overrides, folder, jobs, progress)
    except KeyboardInterrupt:
        kept = sum(finished(folder, agent, seed) for agent in whole.agents for seed in numbers)
        total = len(whole.agents) * len(numbers)
        typer.echo(
            f"driftline: interrupted; {kept} of {total} runs are finished and kept in '{folder}'; "
            "the same command goes on from there",
            err=True,
        )
        raise
