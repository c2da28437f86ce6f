"""A comparison in varied worlds, end to end: the numbers of ordinary runs, resumed, counted and printed."""

import json
from pathlib import Path
from typing import Any

import pytest

import driftline
from driftline.scenarios import api, runner
from driftline.scenarios.api import Run, open_run
from driftline.scenarios.cli import live, main
from driftline.scenarios.executors import Report
from driftline.scenarios.schema import Scenario
from driftline.scenarios.vary import api as vary_api
from driftline.sim.errors import InputError

SMALL: dict[str, Any] = {
    "population.users": 60,
    "catalogue.items": 80,
    "catalogue.probes": 8,
    "candidates.private": 30,
    "horizon": 12,
    "warmup": 6,
    "judge.tracked_users": 5,
    "run.encoder": "hashing",
}
SET = [each for key, value in SMALL.items() for each in ("--set", f"{key}={value}")]
PAIR = ("random", "popularity")
SOME = ("double_drift", "other_text")


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics and reports are the runs' own business: here they only cost time."""
    monkeypatch.setattr(Run, "judge", lambda self: None)
    monkeypatch.setattr(Run, "report", lambda self: None)


def _driftline(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main.main(list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


def test_every_world_is_an_ordinary_run_which_is_resumed_and_compared(quiet: None, tmp_path: Path) -> None:
    told: dict[tuple[str, int], float] = {}

    def tell(world: str, seed: int, share: float) -> None:
        assert told.get((world, seed), 0.0) <= share <= 1.0
        told[world, seed] = share

    found = driftline.vary("abrupt_shift", *PAIR, SOME, range(2), SMALL, tmp_path, progress=tell)
    assert tuple(found.worlds) == ("base", *SOME)
    assert told == {(world, seed): 1.0 for world in found.worlds for seed in (0, 1)}
    for name, world in found.worlds.items():
        own = {change.key: change.after for change in world.changes}
        run = driftline.run("abrupt_shift", PAIR, range(2), SMALL | own, tmp_path / "alone" / name)
        for metric in ("reward", "regret"):
            assert run.compare(*PAIR, metric).effects.equals(world.found[metric].effects)
        assert open_run(tmp_path / name).seeds == (0, 1)
    assert not found.worlds["double_drift"].found["regret"].effects.equals(found.worlds["base"].found["regret"].effects)

    stamps = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*/log/*/*/timing.json")}
    assert len(stamps) == 3 * 2 * 2
    again = driftline.vary("abrupt_shift", *PAIR, None, range(2), SMALL, tmp_path)
    assert {file: file.stat().st_mtime_ns for file in stamps} == stamps
    assert len(again.worlds) == 9
    assert list(again.skipped) == ["logit_choice"]
    assert again.record()["worlds"][0] == found.record()["worlds"][0]  # type: ignore[index]

    count = again.signs("regret")
    assert count.verdict("other_text") == "same"  # neither of the two reads
    assert count.counted == 7
    assert count.base.direction == -1  # popularity has less regret than chance
    assert len(count.those("holds")) >= 5


def test_the_command_prints_the_table_what_changed_and_the_count_last(
    quiet: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["abrupt_shift", "--agents", ",".join(PAIR), "--seeds", "1", "--out", "v", *SET]
    assert _driftline("compare", *arguments, "--variations", "drift,other_text,logit_choice") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("popularity - random, mean over users")
    assert [line.split()[0] for line in lines[2:6]] == ["base", "half_drift", "double_drift", "other_text"]
    assert lines[6] == "runs: v"
    tail = "groups.drifting.laws.gradual.tau 25 -> 50; groups.jumping.laws.abrupt.hazard 0.03 -> 0.015"
    assert f"half_drift: {tail}" in lines
    assert "skipped logit_choice: choice.model is multinomial_logit already" in lines
    notes = [line for line in lines if line.startswith("note: ")]
    assert notes == ["note: one seed only: the interval is over its users and says nothing about other worlds"]
    assert lines[-1].startswith("regret: popularity is better than random in the base world, ")
    assert "of 2 varied worlds; " in lines[-1]

    assert _driftline("compare", *arguments, "--vary", "--variations", "drift", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert [row["world"] for row in record["worlds"]] == ["base", "half_drift", "double_drift"]
    base, half, _ = record["worlds"]
    assert base["regret"] < 0.0
    assert base["regret"] == pytest.approx(base["regret_b"] - base["regret_a"])
    assert half["overrides"]["groups.jumping.laws.abrupt.hazard"] == 0.015
    assert half["folder"] == str(Path("v") / "half_drift")
    holds = [row["world"] for row in record["worlds"][1:] if row["regret_sign"] == base["regret_sign"]]
    assert record["signs"]["regret"]["holds"] == holds


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("plain --agents a,b --variations topcs", "variation 'topcs' is unknown; did you mean 'topics'?"),
        ("plain --agents popularity --vary", "--agents popularity: must be two agents, a,b"),
        ("plain --agents popularity,random --variations ,", "variations: at least one is needed"),
        ("plain --agents popularity,random --vary --jobs 0", "jobs = 0: must be >= 1"),
        ("some --agents popularity,random --vary", "--vary 'some': needs a scenario; that of this run is 'some/"),
    ],
)
def test_bad_input_is_one_line_before_any_work(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "resolved.yaml").write_text("name: some\n")
    assert _driftline("compare", *arguments.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"driftline: {line}")
    assert [each.name for each in tmp_path.iterdir()] == ["some"]


def _done(folder: Path, agent: str, seed: int) -> Path:
    return folder / "log" / agent / str(seed) / "timing.json"


def _touch(scenario: Scenario, agent: str, seed: int, out: Path, progress: Report) -> None:
    """A run that leaves its last file behind, and fails in a world of eight topics."""
    if scenario.catalogue.topics == 8:
        raise RuntimeError("no eight")
    _done(out, agent, seed).parent.mkdir(parents=True)
    _done(out, agent, seed).write_text("{}")


@pytest.fixture
def touched(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that take no time."""
    monkeypatch.setattr(runner, "run_one", _touch)
    monkeypatch.setattr(api, "checked_topics", lambda scenario, seed: ("a", "b"))


@pytest.mark.usefixtures("touched")
def test_a_world_that_fails_is_named_and_stops_no_other(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        driftline.vary("plain", *PAIR, ["topics", "text"], range(1), {}, tmp_path)
    assert str(caught.value).startswith("half_topics: agent 'random', seed 0: RuntimeError: no eight (2 of 2 runs ")
    assert str(caught.value).endswith(f"(1 of 4 worlds failed, the others are kept in '{tmp_path}')")
    finished = {world.name for world in tmp_path.iterdir() if all(_done(world, agent, 0).exists() for agent in PAIR)}
    assert finished == {"base", "more_topics", "other_text"}


@pytest.mark.usefixtures("touched")
def test_where_the_base_world_cannot_be_run_nothing_else_is(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "mine.txt").write_text("keep out")
    with pytest.raises(InputError, match="is not empty"):
        driftline.vary("plain", *PAIR, ["text"], range(1), {}, tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["base"]


@pytest.mark.usefixtures("touched")
def test_ctrl_c_says_what_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(scenario: Scenario, agent: str, seed: int, out: Path, progress: Report) -> None:
        if scenario.text.seed is not None:
            raise KeyboardInterrupt
        _touch(scenario, agent, seed, out, progress)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "run_one", interrupted)
    assert _driftline("compare", "plain", "--agents", ",".join(PAIR), "--variations", "text", "--out", "v") == 130
    assert capsys.readouterr().err == (
        "driftline: interrupted; 6 of 12 runs are finished and kept in 'v'; the same command goes on from there\n"
    )


def test_there_is_a_bar_for_every_world(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[list[str]] = []
    live_progress = live.live_progress

    def bars(names: list[str], seeds: int) -> Any:
        shown.append(names)
        return live_progress(names, seeds)

    def stop(*stated: object) -> None:
        raise InputError("far enough")

    monkeypatch.setattr(live, "live_progress", bars)
    monkeypatch.setattr(vary_api, "vary", stop)
    assert _driftline("compare", "plain", "--agents", ",".join(PAIR), "--variations", "text,drift", "--seeds", "2") == 2
    assert capsys.readouterr().err == "driftline: far enough\n"
    assert shown == [["base", "half_drift", "double_drift", "other_text"]]
