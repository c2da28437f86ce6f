"""A whole run through the real runner, small: files, metrics, repetition and one user's timeline."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from driftline.evaluation.run.timeline import timeline
from driftline.scenarios import runner
from driftline.scenarios.api import Run, open_run, run
from driftline.scenarios.cli.main import main
from driftline.scenarios.cli.tables import comparison_rows
from driftline.sim.errors import InputError
from driftline.sim.types import BehaviorKind

TAKEN_HIGH = """
from driftline.evaluation.metrics import Metric

class TakenHigh(Metric):
    title, meaning, better, bounds = "taken high", "how high up, from 0 to 1", "high", (0.0, 1.0)

    def values(self, judged):
        return 1.0 - judged.visits["choice"] / judged.items.shape[1]
"""
SMALL = {
    "population.users": 30,
    "catalogue.items": 100,
    "horizon": 18,
    "warmup": 3,
    "judge.tracked_users": 10,
}


def _run(folder: Path, jobs: int) -> Run:
    return run("abrupt_shift", ("random", "popularity"), range(2), SMALL, folder, jobs)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _run(tmp_path_factory.mktemp("small") / "run", 1)


def test_a_run_has_metrics_logs_truth_and_a_report(small: Run) -> None:
    assert (small.agents, small.seeds) == (("random", "popularity"), (0, 1))
    pooled = small.metrics.filter(pl.col("seed").is_null() & (pl.col("window") == "all"))
    regret = dict(pooled.filter(pl.col("metric") == "regret").select("agent", "value").iter_rows())
    assert set(regret) == {"random", "popularity"}
    assert all(0 < value < 2 for value in regret.values())
    visits = small.log("random", 0).collect()
    assert len(visits) == len(small.truth("random", 0).collect()) == len(small.values("random", 0).collect()) > 0
    assert visits["time"].min() >= 3  # type: ignore[operator]
    assert (small.folder / "report.html").is_file()
    assert open_run(small.folder).metrics.equals(small.metrics)


@pytest.mark.slow
def test_two_processes_leave_the_same_columns_as_one(small: Run, tmp_path: Path) -> None:
    other = _run(tmp_path / "run", 2)
    for path in small.folder.glob("*/**/*.parquet"):
        twin = other.folder / path.relative_to(small.folder)
        assert pl.read_parquet(path).equals(pl.read_parquet(twin)), path.name
    means = ~pl.col("metric").is_in(["act_p50", "act_p99", "peak_memory"])
    assert small.metrics.filter(means).equals(other.metrics.filter(means))


def test_a_comparison_has_one_row_per_outcome(small: Run) -> None:
    regret, reward = comparison_rows(small, "random", "popularity")
    assert (regret["metric"], reward["metric"]) == ("regret", "reward")
    assert regret["difference"] == small.compare("random", "popularity", "regret").difference.value
    assert reward["difference"] == small.compare("random", "popularity").difference.value
    assert regret["seeds"] == 2
    assert regret["users"] == len(small.compare("random", "popularity", "regret").effects)


def test_the_seeds_asked_for_are_the_seeds_reported(
    small: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder may hold others; they are left out, and named."""
    folder = tmp_path / "run"
    shutil.copytree(small.folder, folder)
    monkeypatch.setattr(runner, "run_one", None)
    options = [f"--set={key}={value}" for key, value in SMALL.items()]
    wanted = small.compare("random", "popularity", "regret", [1])
    for what in (["abrupt_shift", f"--out={folder}", *options], [str(folder)]):
        command = ["compare", *what, "--agents=random,popularity", "--seeds=1:2"]
        with pytest.raises(SystemExit):
            main([*command, "--json"])
        regret, *_ = json.loads(capsys.readouterr().out)
        assert (regret["difference"], regret["seeds"], regret["users"]) == (
            wanted.difference.value,
            1,
            len(wanted.effects),
        )
        with pytest.raises(SystemExit):
            main(command)
        lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        assert lines[0] == "popularity - random; seed 1"
        assert f"left out: seed 0 of {folder}, not asked for" in lines
        assert any(line.startswith("note: one seed only") for line in lines)
    with pytest.raises(SystemExit):
        main(["compare", str(folder), "--agents=random,popularity"])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "popularity - random; seeds 0, 1"
    assert "over users" in lines[1]
    assert any(line.startswith("note: 2 seeds only") for line in lines)
    with pytest.raises(SystemExit):
        main(["run", "abrupt_shift", "--agents=random,popularity", "--seeds=1", f"--out={folder}", *options])
    assert "note: the folder holds seed 1 too; they are part of these numbers" in capsys.readouterr().out


def test_the_same_run_is_judged_anew_by_a_metric_of_the_users_own(
    small: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is played again: the folder is found by what its logs depend on, and metrics are no part of that."""
    (tmp_path / "taken_high.py").write_text(TAKEN_HIGH, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    shutil.copytree(small.folder, tmp_path / "run")
    options = [f"--set={key}={value}" for key, value in SMALL.items()]
    command = ["run", "abrupt_shift", "--agents=random,popularity", "--seeds=2", f"--out={tmp_path / 'run'}", *options]
    monkeypatch.setattr(runner, "run_one", None)
    with pytest.raises(SystemExit) as done:
        main([*command, "--metrics=taken_high:TakenHigh", "--json"])
    assert done.value.code == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(row["taken_high_low"] < row["taken_high"] < row["taken_high_high"] for row in rows)
    again = open_run(tmp_path / "run")
    assert again.metrics.filter(pl.col("metric") != "taken_high").equals(small.metrics)
    assert "taken high<br>" in (again.folder / "report.html").read_text(encoding="utf-8")
    row = comparison_rows(again, "random", "popularity")[2]
    assert row["metric"] == "taken_high"
    assert row["difference"] == small.compare("random", "popularity", "taken_high:TakenHigh").difference.value


def test_a_metric_that_is_not_there_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="metric 'regrets' is unknown; did you mean 'regret'"):
        run("abrupt_shift", ("random",), (0,), {**SMALL, "judge.metrics": ["regrets"]}, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_agent_that_is_not_there_is_named(small: Run) -> None:
    with pytest.raises(InputError, match="did you mean 'popularity'"):
        small.log("populrity", 0)
    with pytest.raises(InputError, match="no seed 7"):
        small.truth("random", 7)


def test_a_timeline_says_what_the_logs_say(small: Run) -> None:
    visits = small.log("random", 1).collect()
    user = int(visits["user"].mode().sort()[0])
    own = visits.filter(pl.col("user") == user).sort("visit")
    life = timeline(small.files, "random", 1, user, most=len(own))
    assert [moment.visit for moment in life.moments] == own["visit"].to_list()
    truth = small.truth("random", 1).filter(pl.col("user") == user).sort("visit").collect()
    logits = truth["interest_before"].to_numpy()
    for k, moment in enumerate(life.moments):
        assert len(moment.shown) == 10
        assert all(moment.shown)
        assert (moment.taken is None) == (own["choice"][k] == 10)
        best = int(np.argmax(logits[k]))
        assert moment.before[0][0] == small.files.topics[best]
        assert moment.before[0][1] >= moment.before[1][1] >= moment.before[2][1] > 0
        if k + 1 < len(own):
            assert moment.after == life.moments[k + 1].before
    assert life.moments[-1].after == ()
    did = small.files.behaviors("random", 1).filter(pl.col("user") == user)
    inside = did.filter(pl.col("time") >= own["time"].min()).collect()
    deeds = Counter(deed.kind for moment in life.moments for deed in moment.deeds)
    assert deeds["wrote"] == (inside["expressed"] >= 0).sum() > 0
    assert deeds["searched"] == (inside["kind"] == BehaviorKind.SEARCH).sum()
    assert deeds["bought"] == (inside["kind"] == BehaviorKind.PURCHASE).sum()
    assert timeline(small.files, "random", 1, user, most=2).moments == life.moments[:2]


def test_an_unknown_user_gets_the_names_of_some(small: Run) -> None:
    said = r"^user 500 has no visits under agent 'random', seed 0: say 1 to \d+, by first visit, or a pseudonym, for"
    with pytest.raises(InputError, match=said + r" instance \d+, \d+"):
        timeline(small.files, "random", 0, 500)


def test_users_may_be_named_by_who_came_first(small: Run) -> None:
    visits = small.log("random", 1).sort("time", "user").collect()
    in_order = visits["user"].unique(maintain_order=True)
    assert timeline(small.files, "random", 1).user == in_order[0]
    assert timeline(small.files, "random", 1, len(in_order)).user == in_order[-1]
    assert timeline(small.files, "random", 1, int(in_order[2])) == timeline(small.files, "random", 1, 3)
    with pytest.raises(InputError, match="user 0 has no visits"):
        timeline(small.files, "random", 1, 0)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "full[evolution=moving_averag]",
            "evolution 'moving_averag' is unknown; did you mean 'moving_average'?",
        ),
        ("moving_average[judgment=2]", "parameter 'judgment' is unknown; did you mean 'judgement'?"),
        ("random[depth=3]", "cannot be built"),
    ],
)
def test_an_agent_that_cannot_be_built_is_refused_before_any_work(tmp_path: Path, agent: str, words: str) -> None:
    with pytest.raises(InputError) as problem:
        run("abrupt_shift", ("popularity", agent), range(2), SMALL, tmp_path / "a")
    assert str(problem.value).startswith(f"agent {agent!r}")
    assert words in str(problem.value)
    assert not (tmp_path / "a").exists()
