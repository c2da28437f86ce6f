"""Tasks give the same results here and on any number of workers, and fail alone."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest
from fake_runs import run_one

from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.executors import Finished, Report, Task, attempt, execute
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


def _tasks(out: Path, agents: Sequence[str], seeds: int) -> list[Task]:
    scenario = with_agents(load("plain"), agents)
    return [Task(scenario, agent, seed, out) for agent in agents for seed in range(seeds)]


def _lucks(out: Path) -> dict[str, list[float]]:
    return {
        str(path.relative_to(out)): pl.read_parquet(path)["luck"].to_list()
        for path in sorted(out.glob("log/*/*/visits.parquet"))
    }


def test_one_and_two_workers_leave_the_same_results_and_progress(tmp_path: Path) -> None:
    heard: dict[int, list[tuple[str, int, float]]] = {1: [], 2: []}
    for jobs in (1, 2):
        tasks = _tasks(tmp_path / str(jobs), ["random", "popularity"], 2)
        finished = list(execute(tasks, run_one, jobs, lambda *told, jobs=jobs: heard[jobs].append(told)))
        assert [each.error for each in finished] == [None] * 4
        assert {(each.task.agent, each.task.seed) for each in finished} == {(t.agent, t.seed) for t in tasks}
    assert _lucks(tmp_path / "1") == _lucks(tmp_path / "2")
    assert len(_lucks(tmp_path / "1")) == 4
    assert sorted(heard[1]) == sorted(heard[2]) != []


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failing_task_is_named_and_stops_no_other(tmp_path: Path, jobs: int) -> None:
    tasks = _tasks(tmp_path, ["random[fail=true]", "popularity"], 1)
    finished = {each.task.agent: each for each in execute(tasks, run_one, jobs, lambda *_: None)}
    bad = finished["random[fail=true]"]
    assert bad.error == "agent 'random[fail=true]', seed 0: RuntimeError: no slate today"
    assert "in run_one" in bad.trace
    assert "second line" in bad.trace
    assert finished["popularity"].error is None


def test_a_worker_that_dies_takes_only_its_own_task_with_it(tmp_path: Path) -> None:
    tasks = [*_tasks(tmp_path, ["random[die=true]"], 2), *_tasks(tmp_path, ["popularity"], 1)]
    finished = list(execute(tasks, run_one, 2, lambda *_: None))
    lost = [each.error for each in finished if each.error]
    assert len(lost) == 2
    assert "agent 'random[die=true]', seed 0: its worker process died with exit code 7" in " ".join(lost)
    assert len(_lucks(tmp_path)) == 1


def test_workers_run_on_one_thread_each(tmp_path: Path) -> None:
    finished = list(execute(_tasks(tmp_path, ["random", "popularity"], 1), _threads, 2, lambda *_: None))
    assert [each.error for each in finished] == [None, None]
    finished = list(execute(_tasks(tmp_path, ["random"], 1), _threads, 1, lambda *_: None))
    assert [each.error for each in finished] == [None]


def _threads(scenario: Scenario, agent: str, seed: int, out: Path, report: Callable[[float], None]) -> None:

    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert {pool["num_threads"] for pool in threadpool_info()} == {1}


def test_an_agents_own_fault_is_not_named_twice(tmp_path: Path) -> None:
    task = _tasks(tmp_path, ["random[refuse=true]"], 1)[0]
    found = attempt(task, run_one, lambda share: None)
    assert isinstance(found, Finished)
    assert found.error == "agent 'random[refuse=true]', seed 0, user 7, visit 3: log_p = nan"


def test_an_interrupt_is_nobodys_fault(tmp_path: Path) -> None:
    def interrupted(scenario: Scenario, agent: str, seed: int, out: Path, report: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(execute(_tasks(tmp_path, ["random"], 1), interrupted, 1, lambda *_: None))


PARENT = """
import sys
from pathlib import Path
from fake_runs import run_one
from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.executors import Task, execute
from driftline.scenarios.schema import load

if __name__ == "__main__":
    agents = ["random[sleep=600]"]
    scenario = with_agents(load("plain"), agents)
    tasks = [Task(scenario, agents[0], seed, Path(sys.argv[1])) for seed in (1, 2)]
    list(execute(tasks, run_one, 2, lambda *_: print("at work", flush=True)))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(tmp_path / "parent.py"), str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(2)] == [b"at work\n"] * 2
        workers = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        assert len(workers) >= 2
        parent.kill()
    for _ in range(600):  # they would sleep for ten minutes
        if not any(_runs(pid) for pid in workers):
            return
        time.sleep(0.1)
    raise AssertionError("a worker outlives its parent")


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
