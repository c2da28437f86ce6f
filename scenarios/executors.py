"""Doing tasks, each a whole run of one agent on one seed: here, or on N processes, with the same results for any N.

Every process is held to one thread: parallel sums would make bits depend on the machine. What one compiles, all find on
disk: see `driftline.sim.kernel`.
"""

import os
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Thread

from driftline.scenarios.schema import Scenario
from driftline.sim.errors import InputError

Report = Callable[[float], None]
"""Takes the share of a task that is done."""
Work = Callable[[Scenario, str, int, Path, Report], None]
"""`driftline.scenarios.runner.run_one`: runs one agent on one seed and writes its files under the folder."""
Progress = Callable[[str, int, float], None]
"""Takes agent, seed and the share of that task that is done."""
STEP = 0.01
"""Least progress that a worker reports."""
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Variables of the environment that hold libraries to one thread."""


@dataclass(frozen=True, slots=True)
class Task:
    """One agent on one seed."""

    scenario: Scenario
    agent: str
    seed: int
    out: Path


@dataclass(frozen=True, slots=True)
class Finished:
    """How a task ended."""

    task: Task
    error: str | None = None
    """One line that names the agent and the seed; None when all went well."""
    trace: str = ""


def execute(tasks: Sequence[Task], work: Work, jobs: int, progress: Progress) -> Iterator[Finished]:
    """Finished tasks as they come. On an interrupt the workers are stopped and the interrupt goes on."""
    if jobs == 1 or len(tasks) < 2:
        return in_process(tasks, work, progress)
    return in_workers(tasks, work, jobs, progress)


def in_process(tasks: Sequence[Task], work: Work, progress: Progress) -> Iterator[Finished]:
    """One task after the other, in this process."""
    for task in tasks:
        with one_thread():
            finished = attempt(task, work, lambda share, task=task: progress(task.agent, task.seed, share))  # type: ignore[misc]
        yield finished


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    task: Task


def in_workers(tasks: Sequence[Task], work: Work, jobs: int, progress: Progress) -> Iterator[Finished]:
    """On spawned processes of one thread each; a worker that dies takes only its own task with it."""
    waiting = deque(tasks)
    crew: dict[Connection, _Worker] = {}
    try:
        while len(crew) < jobs and waiting:
            _hire(crew, waiting.popleft(), work)
        while crew:
            for pipe in wait(list(crew)):
                assert isinstance(pipe, Connection)
                yield from _hear(crew, pipe, waiting, work, progress)
    finally:
        for worker in crew.values():
            worker.process.terminate()
        for worker in crew.values():
            worker.process.join()


def _hear(
    crew: dict[Connection, _Worker], pipe: Connection, waiting: deque[Task], work: Work, progress: Progress
) -> Iterator[Finished]:
    """One message of one worker; when its task has ended it gets the next one or goes home."""
    worker = crew[pipe]
    task = worker.task
    try:
        message: float | tuple[str | None, str] = pipe.recv()
    except (EOFError, OSError):
        del crew[pipe]
        worker.process.join()
        if waiting:
            _hire(crew, waiting.popleft(), work)
        yield Finished(task, _died(task, worker.process.exitcode))
        return
    if isinstance(message, float):
        progress(task.agent, task.seed, message)
        return
    if waiting:
        worker.task = waiting.popleft()
        pipe.send(worker.task)
    else:
        del crew[pipe]
        pipe.send(None)
        worker.process.join()
    yield Finished(task, *message)


def _hire(crew: dict[Connection, _Worker], task: Task, work: Work) -> None:
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, work), daemon=True)
    with one_thread():
        process.start()
    there.close()
    crew[here] = _Worker(process, task)
    here.send(task)


def _serve(pipe: Connection, work: Work) -> None:
    """A worker's life: tasks in, progress and errors out, until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; Ctrl-C reaches the whole process group
    Thread(target=_end_with_parent, daemon=True).start()
    told = 0.0

    def report(share: float) -> None:
        nonlocal told
        if share >= told + STEP:
            told = share
            pipe.send(float(share))

    try:
        while (task := pipe.recv()) is not None:
            told = 0.0
            finished = attempt(task, work, report)
            pipe.send((finished.error, finished.trace))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is gone


def _end_with_parent() -> None:
    """A worker whose parent was killed ends at once: the folder's lock counts as free from then on."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _died(task: Task, code: int | None) -> str:
    why = "out of memory?" if code == -9 else "a script that runs jobs needs `if __name__ == '__main__':`"
    return f"agent {task.agent!r}, seed {task.seed}: its worker process died with exit code {code} ({why})"


def attempt(task: Task, work: Work, report: Report) -> Finished:
    """Do a task; whatever it raises becomes its error, except for an interrupt."""
    try:
        work(task.scenario, task.agent, task.seed, task.out, report)
    except (Exception, SystemExit) as problem:  # an agent may raise anything
        if interrupted(problem):
            raise KeyboardInterrupt from problem
        return Finished(task, blame(task, problem), traceback.format_exc())
    return Finished(task)


def interrupted(problem: BaseException) -> bool:
    """Whether an interrupt lies beneath: one that comes inside compiled code surfaces as a SystemError."""
    seen: BaseException | None = problem
    while seen is not None:
        if isinstance(seen, KeyboardInterrupt):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def blame(task: Task, problem: BaseException) -> str:
    """One line on what went wrong, and where."""
    lines = str(problem).strip().splitlines()
    text = lines[0] if lines else "no message"
    if not isinstance(problem, InputError):
        text = f"{type(problem).__name__}: {text}"
    who = f"agent {task.agent!r}"
    text = text.removeprefix(f"{who}: ").removeprefix(f"{who}, ")  # an agent's own fault names it already
    return f"{who}, seed {task.seed}, {text}" if text.startswith("user ") else f"{who}, seed {task.seed}: {text}"


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold this process, and those it spawns within, to one thread each.

    Libraries that are loaded already are limited directly; those loaded within, torch for one, read the
    environment when they start, and stay at one thread.
    """
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else 0
    try:
        if torch:
            torch.set_num_threads(1)
        with threadpool_limits(1):
            yield
    finally:
        if torch:
            torch.set_num_threads(threads)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
