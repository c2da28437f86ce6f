"""A finished run: its folder, and what is in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from driftline.evaluation.run.folder import RunFolder, RunFolderError
from driftline.sim.errors import InputError

if TYPE_CHECKING:
    from driftline.evaluation.run.paired import Comparison, Outcome


@contextmanager
def readable() -> Iterator[None]:
    """What is wrong with a run folder, as the one-line error of unusable input."""
    try:
        yield
    except (RunFolderError, pl.exceptions.PolarsError) as problem:
        raise InputError(str(problem).strip().splitlines()[0]) from problem


@dataclass(frozen=True)
class Run:
    """A run on disk. Every error of reading it is one line that names the file."""

    folder: Path

    @cached_property
    def files(self) -> RunFolder:
        """The folder, as the judges read it."""
        with readable():
            return RunFolder(self.folder)

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents of this run."""
        return self.files.agents

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of this run."""
        return self.files.seeds

    @cached_property
    def metrics(self) -> pl.DataFrame:
        """agent, seed, metric, window, value, low, high; seed is null for all seeds together."""
        path = self.folder / "metrics.parquet"
        with readable():
            return pl.read_parquet(path) if path.is_file() else self.judge()

    def judge(self) -> pl.DataFrame:
        """Compute the metrics from the logs and write them to `metrics.parquet`."""
        from driftline.evaluation.run.metrics import metrics

        with readable():
            frame = metrics(self.files)
        draft = self.folder / ".metrics.draft"
        frame.write_parquet(draft)
        draft.replace(self.folder / "metrics.parquet")
        return frame

    def log(self, agent: str, seed: int) -> pl.LazyFrame:
        """Visits as an operator saw them."""
        with readable():
            return self.files.log(agent, seed)

    def truth(self, agent: str, seed: int) -> pl.LazyFrame:
        """What was true at each visit."""
        with readable():
            return self.files.truth(agent, seed)

    def values(self, agent: str, seed: int) -> pl.LazyFrame:
        """Expected rewards of the best slate and of the slate shown, at each visit."""
        with readable():
            return self.files.values(agent, seed)

    def report(self) -> Path:
        """Write `report.html` and the figures; the path of the page."""
        from driftline.evaluation.report.page import report

        with readable():
            return report(self.files)

    def compare(self, a: str, b: str, metric: "Outcome" = "reward") -> "Comparison":
        """Agent `b` against agent `a`, paired by user and seed; positive means that `b` has more of it."""
        from driftline.evaluation.run.paired import compare

        with readable():
            try:
                return compare(self.files, a, b, metric)
            except ValueError as problem:
                raise InputError(str(problem)) from problem


def open_run(folder: str | Path) -> Run:
    """The run in a folder.

    Raises:
        InputError: there is no such folder, or it holds no run.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"run folder '{path}' does not exist")
    if not (path / "resolved.yaml").is_file():
        raise InputError(f"'{path}' is no run folder: it has no resolved.yaml")
    run = Run(path)
    run.files  # noqa: B018  (reads resolved.yaml, so that a broken one is found here)
    return run
