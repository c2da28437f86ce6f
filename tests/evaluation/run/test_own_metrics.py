"""A metric of the user's own, in one file outside the package, stands beside ours everywhere."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from fabricated_run import fabricate
from write_metrics_table import PAGE, written

from driftline.evaluation.metrics import METRICS
from driftline.evaluation.metrics._base import SECTIONS, VISIT_METRICS
from driftline.evaluation.metrics._table import BUILT_IN, measures_of, own_metrics
from driftline.evaluation.report.page import write_report
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.metrics import metrics, windows
from driftline.evaluation.run.paired import compare
from driftline.sim.errors import InputError

OWN = '''
"""How high up the item stood that was taken."""

from driftline.evaluation.metrics import Metric


class FirstPlace(Metric):
    title = "taken first"
    meaning = "share of what was taken that stood in the first place"
    better, bounds, digits = "high", (0.0, 1.0), 2
    case = {"items": [[0, 1], [0, 1], [0, 1]], "taken": [0, 1, -1]}, [1.0, 0.0, None]

    def values(self, judged):
        first = (judged.items[:, 0] == judged.taken).astype(float)
        first[judged.taken < 0] = float("nan")
        return first


class Regret(Metric):
    title, meaning = "mine", "another regret"

    def values(self, judged):
        return judged.visits["regret"]


class Breaks(Metric):
    title, meaning = "breaks", "raises"

    def values(self, judged):
        return judged.visits["nothing"]


class NeedsDays(Metric):
    title, meaning = "days", "cannot be built"

    def __init__(self, days):
        self.days = days
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"own_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def _run(folder: Path, *paths: str) -> RunFolder:
    """A run whose scenario names metrics of the user's own."""
    fabricate(folder, agents=("full", "moving_average", "popularity"), seeds=(5, 6), users=20, visits=20)
    file = folder / "resolved.yaml"
    facts = yaml.safe_load(file.read_text(encoding="utf-8"))
    facts["scenario"]["judge"] = {"metrics": list(paths)}
    file.write_text(yaml.safe_dump(facts), encoding="utf-8")
    return RunFolder(folder)


def test_it_is_computed_as_the_built_in_ones_are(tmp_path: Path, module: str) -> None:
    run = _run(tmp_path / "run", f"{module}:FirstPlace")
    frame = metrics(run)
    own = frame.filter(pl.col("metric") == "first_place")
    assert set(own["window"]) == {part.name for part in windows(run)}
    assert own["agent"].unique().sort().to_list() == sorted(run.agents)
    log = run.log("full", 5).collect()
    taken = log.filter(pl.col("choice") < 4)
    value = own.filter((pl.col("agent") == "full") & (pl.col("seed") == 5) & (pl.col("window") == "all"))
    assert value["value"][0] == pytest.approx(float((taken["choice"] == 0).mean()))  # type: ignore[arg-type]
    assert value["low"][0] < value["value"][0] < value["high"][0]
    # the others are what they were
    fabricate(tmp_path / "plain", agents=run.agents, seeds=run.seeds, users=20, visits=20)
    assert frame.filter(pl.col("metric") != "first_place").equals(metrics(RunFolder(tmp_path / "plain")))


def test_it_stands_in_the_reports_headline_with_its_meaning(tmp_path: Path, module: str) -> None:
    run = _run(tmp_path / "run", f"{module}:FirstPlace")
    text = write_report(run.path).read_text(encoding="utf-8")
    head = text[text.index('id="headline"') : text.index('<details id="more">')]
    assert "taken first<br>" in head
    assert "<dd>share of what was taken that stood in the first place</dd>" in head
    assert head.index("rank correlation") < head.index("taken first")


@pytest.mark.parametrize("named", [True, False])
def test_twins_are_compared_in_it(tmp_path: Path, module: str, named: bool) -> None:
    path = f"{module}:FirstPlace"
    run = _run(tmp_path / "run", *([path] if named else []))
    found = compare(run, "popularity", "full", "first_place" if named else path)
    assert found.metric == "first_place"
    user = found.effects.filter(pl.col("seed") == 5)["user"][0]
    log = run.log("full", 5).filter((pl.col("user") == user) & (pl.col("choice") < 4)).collect()
    assert found.effects["b"][0] == pytest.approx(float((log["choice"] == 0).mean()))  # type: ignore[arg-type]


def test_every_built_in_metric_of_visits_can_be_compared_in(tmp_path: Path) -> None:
    run = _run(tmp_path / "run")
    summed = compare(run, "full", "moving_average", "dynamic_regret")
    mean = compare(run, "full", "moving_average", "regret")
    assert np.allclose(summed.effects["a"], 20 * mean.effects["a"])
    probed = compare(run, "full", "moving_average", "tracking_error")
    assert probed.difference.value > 0.0
    assert probed.effects.filter(pl.col("seed") == 5).height == 12  # so many are probed
    by_path = compare(run, "full", "moving_average", "driftline.evaluation.metrics.regret:Regret")
    assert by_path.effects.equals(mean.effects)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Regret", "there is a metric 'regret' already; give the class another name"),
        ("NeedsDays", "must be built without arguments"),
        ("FirstPlac", "has no 'FirstPlac'; did you mean 'FirstPlace'?"),
    ],
)
def test_what_cannot_stand_beside_ours_is_refused_by_name(module: str, name: str, line: str) -> None:
    with pytest.raises(InputError) as problem:
        own_metrics([f"{module}:{name}"])
    assert f"'{module}:{name}'" in str(problem.value)
    assert line in str(problem.value)


def test_a_metric_that_raises_is_named(tmp_path: Path, module: str) -> None:
    with pytest.raises(InputError, match="metric 'breaks' raised ColumnNotFoundError"):
        metrics(_run(tmp_path / "run", f"{module}:Breaks"))


def test_a_metric_named_twice_counts_once_and_a_built_in_one_changes_nothing(module: str) -> None:
    path = f"{module}:FirstPlace"
    assert [each.id for each in own_metrics([path, path, "regret"])] == ["first_place"]


def test_metrics_is_the_one_table_that_the_folder_fills_and_the_manual_prints() -> None:
    assert set(VISIT_METRICS.names()) == set(BUILT_IN) <= set(METRICS)
    for name, measure in METRICS.items():
        assert measure.id == name
        assert measure.title
        assert measure.meaning
        assert measure.better in ("low", "high", None)
        assert measure.bounds[0] < measure.bounds[1]
    sections = [SECTIONS.index(measure.section) for measure in METRICS.values()]
    assert sections == sorted(sections)
    assert {name for name, measure in METRICS.items() if measure.censored} == {
        "adaptation_delay",
        "recovery_time",
        "cold_start_learned",
    }
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "run tests/evaluation/write_metrics_table.py"
    assert list(measures_of())[: len(METRICS)] == list(METRICS)
