"""The tuner: the same budget for all, keyed, and honest about edges."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import fake_runs
import pytest
import yaml

from driftline.agents.tuning_range import Range
from driftline.scenarios import runner
from driftline.scenarios.agent_names import tuned_params, with_agents, write_tuned
from driftline.scenarios.schema import Scenario, load
from driftline.scenarios.tune import Tuned, sobol_trials, tune, write_trials
from driftline.sim.errors import InputError


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "run_one", fake_runs.run_one)


def _scenario(*agents: str) -> Scenario:
    return with_agents(load("plain"), agents)


def _tune(
    agents: Mapping[str, Mapping[str, Range]], trials: int = 16, jobs: int = 1, seeds: Sequence[int] = (0,)
) -> list[Tuned]:
    return tune(_scenario(*agents), agents, trials, seeds, jobs, lambda *_: None)


def test_sobol_trials_fill_the_range_and_repeat() -> None:
    space = {"x": Range(0.0, 2.0), "y": Range(0.01, 1.0, log=True)}
    trials = sobol_trials("a", space, 40)
    assert trials == sobol_trials("a", space, 40)
    assert trials != sobol_trials("a", space, 40, first=7)
    assert [trial.number for trial in trials] == list(range(40))
    xs = sorted(trial.params["x"] for trial in trials[:32])
    assert all(k / 16 <= x < (k + 1) / 16 for k, x in enumerate(xs))  # one point in each of 32 slices
    assert sum(trial.params["y"] < 0.1 for trial in trials[:32]) == 16


def test_the_best_trial_has_the_lowest_mean_regret() -> None:
    (found,) = _tune({"random": {"x": Range(0.0, 2.0)}})
    assert found.best.params["x"] == pytest.approx(0.7, abs=0.1)
    assert found.best.mean == pytest.approx((found.best.params["x"] - 0.7) ** 2)
    assert found.best.mean == min(trial.mean for trial in found.trials)
    assert len(found.trials) == 16
    assert found.warnings == ()


def test_workers_find_what_one_process_finds() -> None:
    agents = {"random": {"x": Range(0.0, 2.0)}, "popularity": {"x": Range(0.0, 1.0)}}
    assert _tune(agents, 4, 2, (0, 1)) == _tune(agents, 4, 1, (0, 1))


def test_a_range_whose_edge_is_best_is_widened_and_then_warned_about() -> None:
    (found,) = _tune({"random": {"x": Range(0.0, 0.68)}}, 32)
    assert len(found.trials) == 32 + 8
    assert 0.68 < found.best.params["x"] < 0.75
    assert found.warnings == ()
    (far,) = _tune({"random": {"x": Range(-200.0, -199.0)}}, 64)
    assert len(far.trials) == 64 + 2 * 16
    assert far.warnings[0].startswith("agent 'random': best x = -19")
    assert "lies at the high edge of [" in far.warnings[0]


def test_a_natural_edge_is_no_edge() -> None:
    (found,) = _tune({"random": {"x": Range(0.0, 0.68, natural_high=True)}}, 32)
    assert len(found.trials) == 32
    assert found.warnings == ()


def test_an_agent_without_parameters_gets_one_trial() -> None:
    (found,) = _tune({"random": {}})
    assert [trial.params for trial in found.trials] == [{}]
    assert found.best.mean == pytest.approx(0.49)


def test_a_failing_trial_is_named() -> None:
    scenario = _scenario("random[fail=true]")
    with pytest.raises(InputError, match=r"^trial 0 with \{\}: agent 'random\[fail=true\]', seed 0: RuntimeError"):
        tune(scenario, {"random[fail=true]": {}}, 2, (0,), 1, lambda *_: None)


def test_what_is_tuned_is_found_by_the_next_run_and_others_are_kept(tmp_path: Path) -> None:
    scenario = _scenario("random")
    write_tuned(scenario, {"full": {"x": 1.5}}, {"trials": 40}, tmp_path)
    path = write_tuned(scenario, {"random": {"x": 0.5}}, {"trials": 40}, tmp_path)
    assert tuned_params(scenario, tmp_path) == {"full": {"x": 1.5}, "random": {"x": 0.5}}
    assert yaml.safe_load(path.read_text())["trials"] == 40
    newer = scenario.model_copy(update={"version": 2})
    assert tuned_params(newer, tmp_path) == {}
    path.write_text("agents: [full]\n")
    with pytest.raises(InputError, match="must be a mapping of agent ids to parameters"):
        tuned_params(scenario, tmp_path)


def test_all_trials_are_written_and_other_agents_rows_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "plain-trials.csv"
    write_trials(_tune({"random": {"x": Range(0.0, 2.0)}}, 4, 1, (0, 1)), (0, 1), path)
    write_trials(_tune({"popularity": {"x": Range(0.0, 2.0)}}, 2, 1, (0, 1)), (0, 1), path)
    write_trials(_tune({"random": {"x": Range(0.0, 2.0)}}, 3, 1, (0, 1)), (0, 1), path)
    lines = path.read_text().splitlines()
    assert lines[0] == "agent,trial,regret,regret_0,regret_1,params"
    assert [line.split(",")[0] for line in lines[1:]] == ["popularity"] * 2 + ["random"] * 3
