"""What a terminal shows while a command works: one bar for each name, and a farewell on Ctrl-C."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from driftline.scenarios import executors
from driftline.scenarios.run_folder import finished


@contextmanager
def live_progress(names: Iterable[str], seeds: int) -> Iterator[executors.Progress | None]:
    """One bar for each name, `seeds` long. Yields what takes (name, seed, share); None without a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as display:
        bars = {name: display.add_task(name, total=float(seeds)) for name in names}
        shares: dict[tuple[str, int], float] = {}
        starting = [display.add_task("starting, compiling", total=None)]

        def tell(name: str, seed: int, share: float) -> None:
            while starting:
                display.remove_task(starting.pop())
            shares[name, seed] = share
            if name not in bars:
                bars[name] = display.add_task(name, total=float(seeds))
            display.update(bars[name], completed=sum(done for (who, _), done in shares.items() if who == name))

        yield tell


@contextmanager
def farewell(folder: Path, runs: Sequence[tuple[Path, str, int]]) -> Iterator[None]:
    """On Ctrl-C, say how many of the runs (run folder, agent, seed) are kept under `folder`."""
    try:
        yield
    except KeyboardInterrupt:
        kept = sum(finished(*each) for each in runs)
        typer.echo(
            f"driftline: interrupted; {kept} of {len(runs)} runs are finished and kept in '{folder}'; "
            "the same command goes on from there",
            err=True,
        )
        raise
