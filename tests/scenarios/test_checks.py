"""Every packaged scenario keeps what scenarios promise; a broken one is refused by the promise that it breaks."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import yaml

from driftline.scenarios.checks import check_scenario
from driftline.sim.config.files import scenario_files
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.laws import Law, Today
from driftline.sim.types import Floats

NAMES = ["expects", "purpose", "name", "version", "keys", "hash", "grade", "world", "seeds", "agents"]
GOOD: dict[str, Any] = {
    "name": "mine",
    "version": 1,
    "title": "Mine",
    "purpose": "Does it hold?",
    "expects": "drifting",
    "groups": {"all": {"laws": {"static": {}}}},
}


class Broken(Law):
    """Divides by nothing."""

    size: float = 0.0

    @staticmethod
    @kernel
    def start(component: Floats, today: Today, params: "Broken") -> None:
        component[0] = np.inf - np.inf


class Dice(Law):
    """Another one each time that it is asked."""

    rolls: ClassVar[int] = 0

    def shared(self, topics: int, seed: int) -> Floats:
        type(self).rolls += 1
        return np.full((1, 1), float(self.rolls))

    @staticmethod
    @kernel
    def start(component: Floats, today: Today, params: "Dice") -> None:
        component[0] = today.shared[0, 0]


def written(folder: Path, **changes: Any) -> Path:
    """A scenario file; None leaves a key out."""
    path = folder / "mine.yaml"
    stated = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    path.write_text(yaml.safe_dump(stated))
    return path


def faults(path: Path, **options: Any) -> dict[str, str]:
    return {
        each.name: each.fault for each in check_scenario(path, **{"run_code": True} | options) if each.fault is not None
    }


@pytest.mark.parametrize("name", scenario_files())
def test_every_packaged_scenario_keeps_its_promises(name: str) -> None:
    checks = check_scenario(name)
    assert [each.name for each in checks] == NAMES
    assert {each.name: each.fault for each in checks if each.fault} == {}
    unasked = {each.name for each in checks if each.unasked}
    assert unasked == ({"agents", "world", "seeds"} if name in ("movielens", "own_data") else set())


def test_a_scenario_of_ones_own_keeps_them_too(tmp_path: Path) -> None:
    checks = check_scenario(written(tmp_path))
    assert [each.name for each in checks] == NAMES
    assert all(each.fault is None and each.unasked is None for each in checks)


@pytest.mark.parametrize(
    ("changes", "promise", "words"),
    [
        ({"expects": None}, "expects", "it states none"),
        ({"expects": "jumpin"}, "expects", "expects = 'jumpin'; did you mean 'jumping'?"),
        ({"purpose": None}, "purpose", "it states none"),
        ({"purpose": "  "}, "purpose", "purpose = '  '"),
        ({"name": "yours"}, "name", "name = 'yours' in 'mine.yaml'"),
        ({"version": None}, "version", "it states none"),
        ({"version": True}, "version", "version = True"),
        ({"slat": 3, "horizon": -1}, "keys", "horizon = -1: must be > 0; key 'slat' is unknown; did you mean 'slate'?"),
        ({"groups": {"all": {"laws": {"gradul": {}}}}}, "keys", "law 'gradul' is unknown; did you mean 'gradual'?"),
        ({"groups": {"all": {"laws": {None: {}}}}}, "keys", "law None: must be a name or package.module:Name"),
        ({"groups": {"all": {"laws": {"sys:exit": {}}}}}, "keys", "law 'sys:exit': must be a subclass of"),
        ({"horizon": float("inf")}, "keys", "horizon = inf: must be a finite number"),
        ({"choice": {"outside": float("nan")}}, "keys", "choice.outside = nan: must be a finite number"),
        ({"grade": {"world": {"population.user": 3}}}, "grade", "did you mean 'population.users'?"),
        ({"agents": {"slow": {"evolution": "moving_averge"}}}, "agents", "did you mean 'moving_average'?"),
        ({"grade": {"control": "popularty"}}, "agents", "agent 'popularty' is unknown; did you mean 'popularity'?"),
        ({"groups": {"all": {"laws": {f"{__name__}:Broken": {}}}}}, "world", "of 40 is not finite"),
        ({"groups": {"all": {"laws": {f"{__name__}:Dice": {}}}}}, "seeds", "seed 0 gave two different worlds"),
    ],
)
def test_a_broken_scenario_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], promise: str, words: str
) -> None:
    found = faults(written(tmp_path, **changes))
    assert words in found[promise]
    assert "\n" not in found[promise]


def test_worlds_of_all_seeds_alike_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from driftline.scenarios import checks

    path = written(tmp_path)
    start = checks.Exam(path, GOOD).start(0)
    monkeypatch.setattr(checks.Exam, "start", lambda exam, seed: start)
    assert faults(path) == {"seeds": "seeds 0 and 1 gave the same world"}


def test_a_hash_that_depends_on_how_a_file_is_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from driftline.scenarios import checks

    hashes = iter(("one", "two"))
    monkeypatch.setattr(checks, "world_hash", lambda scenario: next(hashes))
    assert faults(written(tmp_path))["hash"] == "written out and read again it is another world"


def test_code_that_a_file_names_is_not_run_where_that_is_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "loud.py").write_text("raise RuntimeError('run')\n")
    groups: dict[str, Any] = {"all": {"laws": {"loud:Law": {}}}}
    path = written(tmp_path, groups=groups, expects=None, agents={"a": {"evolution": "loud:Tracker"}}, title="a:b")
    checks = {each.name: each for each in check_scenario(path)}
    assert checks["expects"].fault == "it states none"
    assert {name for name, each in checks.items() if each.unasked} == set(NAMES[4:])
    assert checks["keys"].unasked == "it would run loud:Law, loud:Tracker; look into them, then say --import"
    assert "law 'loud:Law' cannot be imported: RuntimeError: run" in faults(path)["keys"]
    assert all(each.unasked is None for each in check_scenario(written(tmp_path)))


def test_a_real_catalogue_that_is_not_there_is_not_asked_for(tmp_path: Path) -> None:
    unasked = [each for each in check_scenario("own_data", {"catalogue.path": str(tmp_path / "gone")}) if each.unasked]
    assert [each.name for each in unasked] == ["world", "seeds", "agents"]
    assert str(unasked[0]).endswith("gone'; state --set catalogue.path=FOLDER")
    found = [each.fault for each in check_scenario("own_data", {"catalogue.path": str(tmp_path)}) if each.fault]
    assert len(found) == 1
    assert str(tmp_path) in str(found[0])


def test_a_run_folder_is_checked_by_the_scenario_that_it_holds(tmp_path: Path) -> None:
    (tmp_path / "resolved.yaml").write_text(yaml.safe_dump({"scenario": GOOD}))
    assert faults(tmp_path) == {}


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("gone.yaml", "scenario file 'gone.yaml' does not exist"),
        ("plian", "scenario 'plian' is unknown; did you mean 'plain'?"),
    ],
)
def test_what_is_no_scenario_is_refused(scenario: str, words: str) -> None:
    with pytest.raises(InputError) as problem:
        check_scenario(scenario)
    assert str(problem.value) == words
