"""Live progress on a terminal, one bar per agent; nothing where there is no terminal."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

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


@contextmanager
def live_progress(agents: Iterable[str], seeds: int) -> Iterator[executors.Progress | None]:
    """What takes (agent, seed, share); None without a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as display:
        bars = {agent: display.add_task(agent, total=float(seeds)) for agent in agents}
        shares: dict[tuple[str, int], float] = {}

        def tell(agent: str, seed: int, share: float) -> None:
            shares[agent, seed] = share
            if agent not in bars:
                bars[agent] = display.add_task(agent, total=float(seeds))
            display.update(bars[agent], completed=sum(done for (who, _), done in shares.items() if who == agent))

        yield tell
