from pathlib import Path

import pytest

from driftline.scenarios.executors import Report, Task, attempt
from driftline.scenarios.schema import Scenario, load


def compiled_code_is_interrupted(scenario: Scenario, agent: str, seed: int, out: Path, report: Report) -> None:
    try:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as problem:
            raise SystemError("returned a result with an exception set") from problem
    except SystemError as problem:
        raise ValueError("agent 'random', act raised SystemError") from problem


def fails(scenario: Scenario, agent: str, seed: int, out: Path, report: Report) -> None:
    raise ValueError("no idea")


def test_an_interrupt_inside_compiled_code_is_an_interrupt(tmp_path: Path) -> None:
    task = Task(load("abrupt_shift"), "random", 3, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        attempt(task, compiled_code_is_interrupted, lambda share: None)


def test_any_other_fault_is_the_outcome_of_its_task(tmp_path: Path) -> None:
    task = Task(load("abrupt_shift"), "random", 3, tmp_path)
    assert attempt(task, fails, lambda share: None).error == "agent 'random', seed 3: ValueError: no idea"
