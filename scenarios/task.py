"""One task = one whole run of one agent on one seed; and how it ended."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from driftline.scenarios.schema import Scenario
from driftline.sim.errors import InputError

Report = Callable[[float], None]
"""Takes the share of a task that is done."""
Work = Callable[[Scenario, str, int, Path, Report], None]
"""`driftline.scenarios.runner.run_one`: runs one agent on one seed and writes its files under the folder."""


@dataclass(frozen=True, slots=True)
class Task:
    """One agent on one seed."""

    scenario: Scenario
    agent: str
    seed: int
    out: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended."""

    task: Task
    error: str | None = None
    """One line that names the agent and the seed; None when all went well."""
    trace: str = ""


def attempt(task: Task, work: Work, report: Report) -> Outcome:
    """Do a task; whatever it raises becomes its outcome, except for an interrupt."""
    try:
        work(task.scenario, task.agent, task.seed, task.out, report)
    except (Exception, SystemExit) as problem:  # an agent may raise anything
        if interrupted(problem):
            raise KeyboardInterrupt from problem
        return Outcome(task, blame(task, problem), traceback.format_exc())
    return Outcome(task)


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
