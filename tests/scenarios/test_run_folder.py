"""Run folders are made, resumed, locked and refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.executors import execute
from driftline.scenarios.run_folder import (
    UNOPENED,
    OpenFolder,
    _take_away,
    default_folder,
    finished,
    locked,
    open_folder,
    truth_of,
)
from driftline.scenarios.schema import Scenario, load
from driftline.sim.errors import InputError


def _scenario(*agents: str, **overrides: Any) -> Scenario:
    return with_agents(load("plain", {key.replace("__", "."): value for key, value in overrides.items()}), agents)


def _finish(folder: OpenFolder) -> None:
    from fake_runs import run_one

    assert all(finished.error is None for finished in execute(folder.missing(), run_one, 1, lambda *_: None))


def _refused(path: Path, scenario: Scenario, seeds: tuple[int, ...] = (0,)) -> str:
    with pytest.raises(InputError) as problem, open_folder(path, scenario, seeds, ["a"]):
        pass
    return str(problem.value)


def test_a_new_folder_says_what_is_run_and_on_what(tmp_path: Path) -> None:
    scenario = _scenario("random", "full[evolution=moving_average]", horizon=20)
    with open_folder(tmp_path / "a" / "b", scenario, (3, 4), ["art", "law"]) as folder:
        assert folder.agents == ("random", "full[evolution=moving_average]")
        assert len(folder.missing()) == 4
    resolved = yaml.safe_load((tmp_path / "a" / "b" / "resolved.yaml").read_text())
    assert resolved["agents"] == ["random", "full[evolution=moving_average]"]
    assert resolved["seeds"] == [3, 4]
    assert resolved["topics"] == ["art", "law"]
    assert resolved["groups"] == list(scenario.groups)
    assert resolved["scenario"]["horizon"] == 20
    assert resolved["scenario"]["agents"]["full[evolution=moving_average]"]["evolution"] == "moving_average"
    versions = json.loads((tmp_path / "a" / "b" / "versions.json").read_text())
    assert {"python", "driftline", "numpy", "torch", "platform", "device"} <= set(versions)
    assert not (tmp_path / "a" / "b" / ".lock").exists()


def test_the_resolved_scenario_of_a_folder_runs_again_as_it_was(tmp_path: Path) -> None:
    scenario = _scenario("full[evolution=moving_average,half_life=3]", horizon=20)
    with open_folder(tmp_path / "a", scenario, (0,), []):
        pass
    again = with_agents(load(tmp_path / "a"), scenario.agents)
    assert again == scenario


def test_finished_tasks_are_not_missing_any_more(tmp_path: Path) -> None:
    scenario = _scenario("random", "popularity")
    with open_folder(tmp_path, scenario, (0, 1), []) as folder:
        _finish(folder)
    (tmp_path / "log" / "popularity" / "1" / "timing.json").unlink()
    with open_folder(tmp_path, scenario, (0, 1), []) as folder:
        assert [(task.agent, task.seed) for task in folder.missing()] == [("popularity", 1)]
    assert finished(tmp_path, "random", 1)


def test_a_folder_is_judged_while_nothing_is_newer_than_its_report(tmp_path: Path) -> None:
    def judged(title: str = "") -> bool:
        with open_folder(tmp_path / "a", _scenario("random", title=title), (0,), []) as folder:
            _finish(folder)
            return folder.judged()

    assert not judged()
    made = [tmp_path / "a" / name for name in ("metrics.parquet", "report.html")]
    for path in made:
        path.write_text("")
    assert judged()
    assert judged()
    assert not judged("another")
    for path in made:
        path.touch()
    assert judged("another")
    os.utime(made[0], ns=(1, 1))
    assert not judged("another")


def test_another_agent_joins_what_is_finished(tmp_path: Path) -> None:
    with open_folder(tmp_path, _scenario("random"), (0, 1), []) as folder:
        _finish(folder)
    with open_folder(tmp_path, _scenario("popularity"), (0,), []) as folder:
        assert folder.agents == ("popularity", "random")
        assert folder.seeds == (0,)
        assert [(task.agent, task.seed) for task in folder.missing()] == [("popularity", 0)]


def test_later_seeds_join_what_is_finished(tmp_path: Path) -> None:
    with open_folder(tmp_path, _scenario("random"), (0, 1), []) as folder:
        _finish(folder)
    with open_folder(tmp_path, _scenario("random"), (2,), []) as folder:
        assert folder.seeds == (0, 1, 2)


def test_a_folder_of_another_scenario_is_refused(tmp_path: Path) -> None:
    with open_folder(tmp_path, _scenario("random"), (0,), []):
        pass
    usual = load("plain").horizon
    assert _refused(tmp_path, _scenario("random", horizon=20)) == (
        f"folder '{tmp_path}' holds a run of 'plain' with horizon = {usual}, not 20.0; choose another --out"
    )
    other = with_agents(load("abrupt_shift"), ["random"])
    assert _refused(tmp_path, other) == (
        f"folder '{tmp_path}' holds a run of 'plain', not of 'abrupt_shift'; choose another --out"
    )


def test_a_folder_with_the_same_agent_set_up_otherwise_is_refused(tmp_path: Path) -> None:
    with open_folder(tmp_path, _scenario("random"), (0,), []):
        pass
    line = _refused(tmp_path, _scenario("random", agents__random__params={"x": 1}))
    assert line == f"folder '{tmp_path}' holds agent 'random' with other parts or parameters; choose another --out"


def test_a_damaged_resolved_file_is_named(tmp_path: Path) -> None:
    with open_folder(tmp_path, _scenario("random"), (0,), []):
        pass
    resolved = yaml.safe_load((tmp_path / "resolved.yaml").read_text())
    (tmp_path / "resolved.yaml").write_text(yaml.safe_dump(resolved | {"scenario": 3}))
    assert _refused(tmp_path, _scenario("random")) == (
        f"'{tmp_path / 'resolved.yaml'}' is damaged; choose another --out"
    )


def test_a_folder_of_something_else_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    assert _refused(tmp_path, _scenario("random")) == (
        f"folder '{tmp_path}' is not empty ('thesis.tex') and holds no run; choose another --out"
    )
    assert _refused(tmp_path / "thesis.tex", _scenario("random")) == (
        f"--out '{tmp_path / 'thesis.tex'}': is a file, not a folder"
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["thesis.tex"]


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with open_folder(tmp_path, _scenario("random"), (0,), []):
        line = _refused(tmp_path, _scenario("random"))
    assert line.startswith(f"folder '{tmp_path}' is in use by process {os.getpid()};")
    with open_folder(tmp_path, _scenario("random"), (0,), []):
        pass


def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    code = (
        f"from pathlib import Path; from driftline.scenarios.run_folder import locked; import os\n"
        f"with locked(Path({str(tmp_path)!r})): os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / ".lock").exists()
    with locked(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_says_nothing_or_names_a_reused_number_is_taken_over(tmp_path: Path) -> None:
    for content in ("", json.dumps({"pid": os.getpid(), "host": os.uname().nodename, "started": "long ago"})):
        (tmp_path / ".lock").write_text(content)
        with locked(tmp_path):
            assert json.loads((tmp_path / ".lock").read_text())["started"] not in ("", "long ago")
        assert not (tmp_path / ".lock").exists()


def test_a_lock_of_another_machine_is_respected(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text(json.dumps({"pid": 1, "host": "elsewhere", "started": ""}))
    with pytest.raises(InputError, match="is in use by process 1 on elsewhere"), locked(tmp_path):
        pass


def test_the_default_folder_is_the_same_for_the_same_call_only(tmp_path: Path) -> None:
    first = default_folder(_scenario("random"), (0, 1))
    assert first == default_folder(_scenario("random"), (0, 1))
    others = [
        default_folder(_scenario("random"), (0,)),
        default_folder(_scenario("popularity"), (0, 1)),
        default_folder(_scenario("random", horizon=20), (0, 1)),
    ]
    assert len({first, *others}) == 4
    assert first.parent == Path("runs")


def test_a_folder_never_mixes_versions(tmp_path: Path) -> None:
    scenario = _scenario("random", "popularity")
    with open_folder(tmp_path, scenario, (0,), []) as folder:
        _finish(folder)
    file = tmp_path / "versions.json"
    old = json.loads(file.read_text()) | {"numpy": "1.0.0", "cores": 99}
    file.write_text(json.dumps(old))
    with open_folder(tmp_path, scenario, (0,), []) as folder:
        assert not folder.missing()
    assert json.loads(file.read_text()) == old, "nothing is run, nothing is said anew"
    line = f"folder '{tmp_path}' was made with numpy 1.0.0, and this is numpy {np.__version__}; choose another --out"
    assert _refused(tmp_path, scenario, (0, 1)) == line
    file.write_text("{")
    assert _refused(tmp_path, scenario, (0, 1)) == f"'{file}' is missing or damaged; choose another --out"
    file.write_text(json.dumps(old | {"numpy": np.__version__}))
    with open_folder(tmp_path, scenario, (0, 1), []) as folder:
        assert len(folder.missing()) == 2


def test_a_lock_that_somebody_else_has_put_there_meanwhile_stays(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    lock.write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    _take_away(lock, {"pid": 2, "host": "here"})
    assert json.loads(lock.read_text())["pid"] == 1
    _take_away(lock, {"pid": 1, "host": "elsewhere"})
    assert list(tmp_path.iterdir()) == []


def test_no_agent_finds_truth_in_the_run_folder_before_all_are_done(tmp_path: Path) -> None:
    """Neither of an agent before it nor of an earlier call; what a kill leaves apart, the next call puts there."""
    with open_folder(tmp_path / "run", _scenario("random"), [0], ["art"]) as folder:
        with folder.truth_apart():
            truth_of(folder.path).mkdir(exist_ok=True)
            (truth_of(folder.path) / "one").write_text("first")
            assert not (folder.path / "truth").exists()
        assert (folder.path / "truth/one").read_text() == "first"
        (folder.path / "truth").rename(folder.path / UNOPENED)  # as a killed call leaves it
        with folder.truth_apart():
            (truth_of(folder.path) / "two").write_text("second")
        assert {path.name for path in (folder.path / "truth").iterdir()} == {"one", "two"}
        assert not (folder.path / UNOPENED).exists()
