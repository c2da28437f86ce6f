"""A small grading, end to end: every method, every time, every design, kept and printed."""

import json
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from small_grade import TINY

import driftline
from driftline.scenarios.cli import main
from driftline.scenarios.grade.api import Grading, small_world
from driftline.scenarios.grade.off_policy import Spans
from driftline.sim.errors import InputError


@pytest.fixture(scope="module")
def grading(tmp_path_factory: pytest.TempPathFactory) -> Grading:
    return driftline.grade("abrupt_shift", range(4), TINY, tmp_path_factory.mktemp("grades"))


def one(grading: Grading, method: str, target: str, policy: str) -> dict[str, float]:
    rows = grading.grades.filter(
        (pl.col("method") == method) & (pl.col("target") == target) & (pl.col("policy") == policy)
    )
    assert len(rows) == 1
    return rows.row(0, named=True)


def test_every_method_speaks_of_every_time_and_every_design(grading: Grading) -> None:
    named = set(grading.grades.select("method", "target").rows())
    assert {("ips", time) for time in ("past", "present", "next_period")} <= named
    assert {
        ("windowed dr", "present"),
        ("prognosticator ols", "next_period"),
        ("opfv (weekday)", "next_period"),
    } <= named
    assert {
        ("welch", "global"),
        ("cuped", "null"),
        ("cluster (CR2)", "null"),
        ("switchback (paired t)", "global"),
        ("5 copies (CR2)", "null"),
    } <= named
    assert [each.name for each in grading.findings] == ["stale", "dose", "together", "memory", "apart"]
    mixed = grading.grades.filter(pl.col("method") == "interleaving")
    assert set(mixed.select("policy", "target").rows()) == {
        ("interleave, pooled", "null"),
        ("interleave, snapshot", "null"),
    }
    policies = set(grading.grades.filter(pl.col("method") == "welch")["policy"])
    assert policies == {f"user, {training}" for training in ("pooled", "diverted", "snapshot", "weighted")}
    assert (grading.grades["n"] == 4).mean() > 0.95  # type: ignore[operator]


def test_what_was_right_for_the_log_is_wrong_after_interests_have_moved(grading: Grading) -> None:
    past, later = (one(grading, "ips", time, "bold") for time in ("past", "next_period"))
    assert abs(past["bias"]) < 4 * past["bias_error"]
    assert later["bias"] > 4 * later["bias_error"]
    assert one(grading, "windowed snips", "next_period", "bold")["bias"] < later["bias"]


def test_the_page_shows_every_grade_and_the_tables_lie_beside_it(grading: Grading) -> None:
    page = (grading.folder / "grades.html").read_text(encoding="utf-8")
    for word in (
        "abrupt_shift",
        "prognosticator nis",
        "switchback: switchback (paired t)",
        "In plain words",
        "SharpeRatio@2",
        "4 worlds of 150 users",
        "What more worlds would tell",
        "Not told by 4 worlds: An A/B test over users",
        "--full: 0%",
        "bold, drift x 0.5",
        "learning, drift x 1",
    ):
        assert word in page
    assert page.count('class="bad"') + page.count('class="good"') + page.count('class="fair"') > 100
    assert pl.read_csv(grading.folder / "grades.csv").height == grading.grades.height
    assert set(grading.selection["method"]) >= {"ips", "snips", "dr"}


def test_replications_are_kept_and_the_same_for_any_number_of_jobs(grading: Grading, tmp_path: Path) -> None:
    rows = next(grading.folder.glob("rows-*"))
    stamps = {path: path.stat().st_mtime_ns for path in rows.glob("*.parquet")}
    assert len(stamps) == 4
    again = driftline.grade("abrupt_shift", range(4), TINY, grading.folder)
    assert_frame_equal(again.grades, grading.grades, check_exact=True)
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    apart = driftline.grade("abrupt_shift", range(2), TINY, tmp_path, jobs=2)
    for seed in range(2):
        folders = grading.folder, tmp_path
        one_job, two_jobs = (pl.read_parquet(next(each.glob("rows-*")) / f"{seed}.parquet") for each in folders)
        assert_frame_equal(one_job, two_jobs, check_exact=True)
    assert apart.grades["n"].max() == 2


def test_the_command_prints_the_same_grades(grading: Grading, capsys: pytest.CaptureFixture[str]) -> None:
    settings = [f"--set={key}={value}" for key, value in TINY.items()]
    with pytest.raises(SystemExit) as left:
        main.main(["grade", "abrupt_shift", "--seeds", "4", "--out", str(grading.folder), "--json", *settings])
    assert left.value.code == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == grading.grades.height
    assert rows[0]["method"] == grading.grades["method"][0]


def test_the_graded_world_is_the_scenarios_own_but_small() -> None:
    small = small_world("interest_flow", {"population.users": 77})
    assert (small.slate, small.population.users, small.candidates.private) == (1, 77, 10)
    assert small.groups == small_world("interest_flow", {}).groups
    assert set(small.agents) == {"popularity", "recency_popularity"}


def test_the_three_times_follow_each_other() -> None:
    spans = Spans.of(30.0, 7.0)
    assert (spans.past, spans.present, spans.next_period) == ((0.0, 23.0), (16.0, 23.0), (23.0, 30.0))
    with pytest.raises(InputError, match=r"grade\.period = 15: two periods must fit into the 30 judged days"):
        Spans.of(30.0, 15.0)


@pytest.mark.parametrize(
    ("seeds", "changes", "words"),
    [
        (range(1), {}, "1 replication: a grade needs at least 2"),
        (range(2), {"slate": 2}, "slate = 2: grading off-policy estimators needs slates of 1"),
        (range(2), {"grade.period": 40}, "grade.period = 40: two periods must fit into the 30 judged days"),
        (range(2), {"grade.perod": 4}, "key 'grade.perod' is unknown; did you mean 'grade.period'"),
        (range(2), {"grade.control": "popularty"}, "'popularty' is unknown; did you mean 'popularity'"),
    ],
)
def test_what_cannot_be_graded_is_refused(seeds: range, changes: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        driftline.grade("abrupt_shift", seeds, {**TINY, **changes}, tmp_path)


def test_a_procedure_of_the_users_own_is_graded_beside_ours(grading: Grading, tmp_path: Path) -> None:
    own = {**TINY, "grade.procedures": ["own_procedure:PlainNormal"]}
    found = driftline.grade("abrupt_shift", range(2), own, tmp_path)
    welch, plain = (one(found, method, "null", "user, pooled") for method in ("welch", "plain normal"))
    assert plain["bias"] == pytest.approx(welch["bias"])
    assert plain["width"] < welch["width"]
    assert set(found.grades["method"]) == {*grading.grades["method"], "plain normal"}
    with pytest.raises(InputError, match="procedure 'own_procedure:Plain': module 'own_procedure' has no 'Plain'"):
        driftline.grade("abrupt_shift", range(2), {**TINY, "grade.procedures": ["own_procedure:Plain"]}, tmp_path)
