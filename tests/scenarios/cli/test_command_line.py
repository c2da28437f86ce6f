"""The command line: one line and exit code 2 for bad input, 130 for Ctrl-C, one set of rows."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fake_runs
import polars as pl
import pytest
import yaml
from rich.console import Console

from driftline.scenarios import api, runner
from driftline.scenarios.api import Run, open_run
from driftline.scenarios.cli import live, main

HERE = Path(__file__).resolve().parent.parent
"""Where `fake_runs` lies."""


def _judge(run: Run) -> pl.DataFrame:
    """Regret 1 for the first agent, 2 for the second one, and so on."""
    rows = [
        (agent, seed, "regret", "all", len(run.agents) - k + 0.25, 0.5, 9.0)
        for k, agent in enumerate(run.agents)
        for seed in (*run.seeds, None)
    ]
    rows += [(run.agents[0], None, "adaptation_delay", "all", None, 12.0, None)]  # type: ignore[list-item]
    names = ["agent", "seed", "metric", "window", "value", "low", "high"]
    frame = pl.DataFrame(rows, names, orient="row", schema_overrides={"seed": pl.Int64})
    frame.write_parquet(run.folder / "metrics.parquet")
    return frame


def _report(run: Run) -> Path:
    (run.folder / "report.html").write_text("")
    return run.folder / "report.html"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with the runner and the judges replaced."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "run_one", fake_runs.run_one)
    monkeypatch.setattr(api, "checked_topics", lambda scenario, seed: ("a", "b"))
    monkeypatch.setattr(Run, "judge", _judge)
    monkeypatch.setattr(Run, "report", _report)
    return tmp_path


def _driftline(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main.main(list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


def _only_line(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("driftline: ")
    assert printed.err.count("\n") == 1
    return printed.err.removeprefix("driftline: ").rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("run abrupt_shft", "scenario 'abrupt_shft' is unknown; did you mean 'abrupt_shift'?"),
        ("run gone.yaml", "scenario file 'gone.yaml' does not exist"),
        ("run empty.yaml", "empty.yaml: the file is empty"),
        ("run plain --agents populrity", "agent 'populrity' is unknown; did you mean 'popularity'?"),
        ("run plain --agents random,random", "agent 'random' is given twice"),
        ("run plain --set population.users=-5", "population.users = -5: must be >= 1"),
        (
            "run plain --set population.userz=5",
            "key 'population.userz' is unknown; did you mean 'population.users'?",
        ),
        ("run plain --set users", "--set 'users': must be key=value, for instance population.users=500"),
        ("run plain --seeds 5:3", "--seeds 5:3: the end must be above the start; 5:6 is seed 5 alone"),
        ("run plain --jobs 0", "jobs = 0: must be >= 1"),
        ("run plain --out empty.yaml", "--out 'empty.yaml': is a file, not a folder"),
        ("report gone", "run folder 'gone' does not exist"),
        ("report .", "'.' is no run folder: it has no resolved.yaml"),
        ("show gone --user 3", "run folder 'gone' does not exist"),
        ("compare plain --agents full", "--agents full: must be two agents, a,b"),
        ("check gone.yaml", "scenario file 'gone.yaml' does not exist"),
        ("runn plain", "No such command 'runn'. Did you mean 'run'?"),
        ("run", "Missing argument 'SCENARIO'."),
        ("run plain --sed 3", "No such option: --sed Did you mean --seeds?"),
        ("run plain --jobs two", "--jobs two: must be a whole number"),
        ("run plain --jobs=1 --jobs=2.5", "--jobs 2.5: must be a whole number"),
        ("experiment plain --a random --b popularity --share half", "--share half: must be a number"),
        ("tune plain --trials 0", "--trials 0: must be >= 1"),
        ("run plain --agents :Agent", "agent ':Agent': must be package.module:Name"),
        ("run plain --metrics mine:", "metric 'mine:': must be package.module:Name"),
        ("report empty.yaml", "run folder 'empty.yaml' is a file"),
        ("compare plain --agents full,full", "--agents full,full: must be two different agents"),
        ("compare plain --agents full,random --vary --metrics m:M", "--metrics m:M: --vary compares regret and reward"),
        ("experiment plain --a random --b popularity --out empty.yaml", "--out 'empty.yaml': is a file, not a folder"),
        ("experiment plain --a random --b popularity --washout 99", "washout = 99 days: must be < the 46 judged days"),
        ("grade plain --out empty.yaml", "--out 'empty.yaml': is a file, not a folder"),
        ("tune plain --agents popularity --out empty.yaml", "--out 'empty.yaml': is a file, not a folder"),
        ("ab .", "log '.' is a folder; must be a .csv, .tsv (either with .gz) or .parquet file"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: str, line: str
) -> None:
    (here / "empty.yaml").write_text("")
    assert _driftline(*arguments.split()) == 2
    assert _only_line(capsys).startswith(line.removesuffix("?").split(" Did you mean")[0])
    assert sorted(each.name for each in here.iterdir()) == ["empty.yaml"]


def test_run_prints_agents_by_regret_and_where_the_report_lies(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _driftline("run", "plain", "--agents", "random,full[x=1]", "--seeds", "2", "--out", "a") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("plain: lowest regret first")
    assert lines[2].split() == ["full[x=1]", "1.25", "[0.5,", "9]", "-"]
    assert lines[3].split() == ["random", "2.25", "[0.5,", "9]", ">", "12"]
    assert lines[4] == f"report: {Path('a') / 'report.html'}"


def test_json_has_what_the_table_has(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _driftline("run", "plain", "--agents", "random,popularity", "--seeds", "1", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["agent"] for row in rows] == ["popularity", "random"]
    assert rows[0] == {"agent": "popularity", "regret": 1.25, "regret_low": 0.5, "regret_high": 9.0}
    assert rows[1]["adaptation_delay"] is None
    assert rows[1]["adaptation_delay_low"] == 12.0
    assert _driftline("list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert "abrupt_shift" in [row["name"] for row in listed]


def test_an_agent_that_raises_is_named_and_the_rest_is_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agents = "random[fail=true],popularity"
    assert _driftline("run", "plain", "--agents", agents, "--seeds", "2", "--out", "a") == 2
    line = _only_line(capsys)
    assert line.startswith("agent 'random[fail=true]', seed 0: RuntimeError: no slate today (2 of 4 runs failed, ")
    assert line.endswith(f"2 finished and kept; see '{Path('a') / 'error.log'}')")
    log = (here / "a" / "error.log").read_text()
    assert log.count("Traceback") == 2
    assert "agent 'random[fail=true]', seed 1" in log
    assert {path.parent.name for path in here.glob("a/log/popularity/*/timing.json")} == {"0", "1"}
    assert not (here / "a" / ".lock").exists()


def test_a_second_call_runs_only_what_is_missing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _driftline("run", "plain", "--agents", "random", "--seeds", "2", "--out", "a") == 0
    first = {path: path.stat().st_mtime_ns for path in here.glob("a/log/random/*/timing.json")}
    assert _driftline("run", "plain", "--agents", "random", "--seeds", "3", "--out", "a") == 0
    second = {path: path.stat().st_mtime_ns for path in here.glob("a/log/random/*/timing.json")}
    assert len(second) == 3
    assert first.items() <= second.items()
    assert open_run("a").seeds == (0, 1, 2)


def test_tune_writes_the_best_values_and_all_trials(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--agents",
        "moving_average,random",
        "--trials",
        "4",
        "--seeds",
        "0:2",
        "--out",
        "tuned",
        "--json",
    ]
    assert _driftline("tune", "plain", *arguments) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["agent"] for row in rows] == ["moving_average", "random"]
    assert rows[0]["trials"] >= 4
    written = yaml.safe_load((here / "tuned" / "plain.yaml").read_text())
    assert written["seeds"] == [0, 1]
    assert set(written["agents"]["moving_average"]) >= {"judgement"}
    assert written["agents"]["random"] == {}
    assert len((here / "tuned" / "plain-trials.csv").read_text().splitlines()) == 1 + sum(r["trials"] for r in rows)


def test_damaged_files_of_a_run_are_named_in_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _driftline("run", "plain", "--agents", "random", "--seeds", "1", "--out", "a") == 0
    capsys.readouterr()
    (here / "a" / "log" / "random" / "0" / "visits.parquet").write_bytes(b"not parquet at all")
    assert _driftline("show", "a", "--user", "3") == 2
    assert f"{Path('a') / 'log' / 'random' / '0' / 'visits.parquet'} cannot be read as Parquet" in _only_line(capsys)
    (here / "a" / "resolved.yaml").write_text("")
    assert _driftline("report", "a") == 2
    assert str(Path("a") / "resolved.yaml") in _only_line(capsys)


SCRIPT = """
import fake_runs
from driftline.scenarios import api, runner
runner.run_one = fake_runs.run_one
api.checked_topics = lambda scenario, seed: ("a", "b")
from driftline.scenarios.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("jobs", "sent", "code"),
    [("1", signal.SIGINT, 130), ("2", signal.SIGINT, 130), ("2", signal.SIGTERM, 143)],
)
def test_stopped_a_run_ends_without_a_traceback_and_keeps_what_had_finished(
    tmp_path: Path, jobs: str, sent: int, code: int
) -> None:
    arguments = ["run", "plain", "--agents", "random[sleep=3600]", "--seeds", "3", "--out", "a", "--jobs", jobs]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    done = tmp_path / "a" / "log" / "random-sleep-3600-" / "0" / "timing.json"
    while not done.exists() and process.poll() is None:
        time.sleep(0.05)
    assert done.exists()
    if sent == signal.SIGINT:
        os.killpg(process.pid, sent)  # as a terminal does: to the whole group
    else:
        process.send_signal(sent)
    out, err = process.communicate()
    assert process.returncode == code
    assert out == ""
    kept = "1 of 3 runs are finished and kept in 'a'; the same command goes on from there"
    assert err == f"driftline: interrupted; {kept}\n"
    assert not (tmp_path / "a" / ".lock").exists()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["check", "own.yaml"], ["run", "own.yaml", "--agents", "nobody"]]
)
def test_start_up_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "own.yaml").write_text(
        "name: own\nversion: 1\ntitle: t\nexpects: drifting\ngroups: {a: {laws: {static: {}}}}\n"
    )
    code = (
        "import sys\n"
        "from driftline.scenarios.cli.main import main\n"
        "try: main()\n"
        "finally: print([m for m in ('torch', 'transformers', 'sklearn', 'implicit', 'matplotlib.pyplot') "
        "if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert done.stdout + done.stderr != "[]\n"


def test_check_prints_one_line_a_promise_and_says_which_are_broken(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.yaml").write_text(
        "\ufeffname: bad\nversion: 0\ntitle: t\nexpects: flow\nslat: 3\ngroups: {a: {laws: {abrup: {}}}}\n",
        encoding="utf-8",
    )
    assert _driftline("check", "bad.yaml") == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split() for line in lines] == [
        ["scenario", "bad.yaml"],
        ["held", "expects"],
        ["BROKEN", "purpose"],
        ["held", "name"],
        ["BROKEN", "version"],
        ["BROKEN", "keys"],
    ]
    for words in (
        "law 'abrup' is unknown; did you mean 'abrupt'?",
        "version = 0: must be >= 1",
        "did you mean 'slate'?",
    ):
        assert words in lines[-1]
    (here / "good.yaml").write_text(
        "name: good\nversion: 2\ntitle: t\npurpose: p\nexpects: drifting\ngroups: {a: {laws: {static: {}}}}\n"
    )
    assert _driftline("check", "good.yaml") == 0
    assert capsys.readouterr().out.startswith("scenario good.yaml, version 2, expects drifting, world ")
    assert _driftline("check", "good.yaml", "--kind", "scenario", "--import", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["kept"], found["name"], found["version"]) == ("scenario", True, "good", 2)
    assert len(found["world"]) == 64
    assert {each["fault"] for each in found["promises"]} == {None}
    assert _driftline("check", "good.yaml", "--set", "expects=nothing", "--json") == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert [each["promise"] for each in found["promises"] if each["fault"]] == ["expects", "keys"]


def test_list_says_what_there_is_of_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert _driftline("list") == 0
    out = capsys.readouterr().out
    assert "abrupt_shift" in out
    assert out.splitlines()[-1].startswith("further kinds: driftline list agents|trackers|")
    assert _driftline("list", "laws", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"name": "static", "what": "No drift: the interest a user was born with."} in rows
    assert _driftline("list", "all") == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} >= {"scenarios", "agents", "laws"}
    assert _driftline("list", "lawz") == 2
    assert _only_line(capsys) == "kind 'lawz' is unknown; did you mean 'laws'?"


def test_a_terminal_shows_that_something_happens_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Console, "is_terminal", True)
    with live.live_progress(["mine"], 2) as tell:
        assert tell is not None
        assert "starting, compiling" in _drawn(tell, capsys)
        tell("mine", 0, 1.0)
        tell("yours", 0, 0.5)
        drawn = _drawn(tell, capsys)
    assert "starting" not in drawn
    assert "mine" in drawn
    assert "50%" in drawn
    assert "yours" in drawn


def _drawn(tell: Any, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    next(cell.cell_contents for cell in tell.__closure__ if hasattr(cell.cell_contents, "refresh")).refresh()
    return capsys.readouterr().err
