"""Doing tasks: here, or on N worker processes. The results are the same for any N."""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from driftline.scenarios.compiler_cache import of_worker
from driftline.scenarios.one_thread import one_thread
from driftline.scenarios.task import Outcome, Task, Work, attempt

Progress = Callable[[str, int, float], None]
"""Takes agent, seed and the share of that task that is done."""
STEP = 0.01
"""Least progress that a worker reports."""


def execute(tasks: Sequence[Task], work: Work, jobs: int, progress: Progress) -> Iterator[Outcome]:
    """Outcomes as they come. On an interrupt the workers are stopped and the interrupt goes on."""
    if jobs == 1 or len(tasks) < 2:
        return in_process(tasks, work, progress)
    return in_workers(tasks, work, jobs, progress)


def in_process(tasks: Sequence[Task], work: Work, progress: Progress) -> Iterator[Outcome]:
    """One task after the other, in this process."""
    for task in tasks:
        with one_thread():
            outcome = attempt(task, work, lambda share, task=task: progress(task.agent, task.seed, share))  # type: ignore[misc]
        yield outcome


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    task: Task
    place: int
    """0 .. jobs - 1; no two workers at a time have the same."""


def in_workers(tasks: Sequence[Task], work: Work, jobs: int, progress: Progress) -> Iterator[Outcome]:
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
) -> Iterator[Outcome]:
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
        yield Outcome(task, _died(task, worker.process.exitcode))
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
    yield Outcome(task, *message)


def _hire(crew: dict[Connection, _Worker], task: Task, work: Work) -> None:
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, work), daemon=True)
    taken = {worker.place for worker in crew.values()}
    place = next(free for free in range(len(crew) + 1) if free not in taken)
    with one_thread(), of_worker(place):
        process.start()
    there.close()
    crew[here] = _Worker(process, task, place)
    here.send(task)


def _serve(pipe: Connection, work: Work) -> None:
    """A worker's life: tasks in, progress and outcomes out, until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; Ctrl-C reaches the whole process group
    told = 0.0

    def report(share: float) -> None:
        nonlocal told
        if share >= told + STEP:
            told = share
            pipe.send(float(share))

    try:
        while (task := pipe.recv()) is not None:
            told = 0.0
            outcome = attempt(task, work, report)
            pipe.send((outcome.error, outcome.trace))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is gone


def _died(task: Task, code: int | None) -> str:
    why = "out of memory?" if code == -9 else "a script that runs jobs needs `if __name__ == '__main__':`"
    return f"agent {task.agent!r}, seed {task.seed}: its worker process died with exit code {code} ({why})"
