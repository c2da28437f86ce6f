"""`driftline.check` finds out what a name is, and asks that kind's suite."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from write_plug_ins import PAGE, written

import driftline
from driftline.agents.baselines.random import Random
from driftline.scenarios import kinds
from driftline.scenarios.kinds import KINDS, Kind
from driftline.sim.conformance import Check
from driftline.sim.errors import InputError
from driftline.sim.laws import Gradual
from driftline.sim.plug_ins import PlugIns

HELD = Check("kept", "it keeps it", None, "")
BROKEN = Check("unkept", "it keeps it", "it does not", "Mend it.")


class Leaves(Random):
    """Tries to end the process."""

    def __init__(self) -> None:
        raise SystemExit(3)


def suite_of_two(thing: Any) -> list[Check]:
    """A suite that looks at nothing."""
    return [HELD, BROKEN]


@pytest.fixture
def two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laws and trackers have a suite that looks at nothing."""
    for name in ("law", "tracker", "agent"):
        each = KINDS[name]
        table: dict[str, Kind] = {**kinds.KINDS}
        table[name] = Kind(each.plural, each.names, each.summary, each.find, each.wrong, f"{__name__}:suite_of_two")
        monkeypatch.setattr(kinds, "KINDS", table)


@pytest.mark.parametrize("kind", KINDS)
def test_every_built_in_plug_in_is_found_and_says_what_it_is(kind: str) -> None:
    names = list(KINDS[kind].names())
    assert names
    assert len(set(names)) == len(names)
    for name in names:
        summary = KINDS[kind].summary(name)
        assert summary
        assert "\n" not in summary


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("plain", ["scenario"]),
        ("gradual", ["law"]),
        ("moving_average", ["agent", "tracker"]),
        ("random", ["agent"]),
        ("driftline.sim.laws:Gradual", ["law"]),
        ("driftline.agents.evolution:FilterBank", ["tracker"]),
        ("driftline.agents.baselines.popularity:Popularity", ["agent"]),
        ("moving_average[judgement=3]", ["agent"]),
        (Gradual, ["law"]),
    ],
)
@pytest.mark.usefixtures("two_kinds")
def test_a_name_may_be_of_several_kinds(what: Any, found: list[str]) -> None:
    checked = driftline.check(what)
    assert [each.kind for each in checked] == found
    for each in checked:
        assert each.broken == (() if each.kind == "scenario" else (BROKEN,))


@pytest.mark.usefixtures("two_kinds")
def test_a_kind_may_be_asked_for() -> None:
    (checked,) = driftline.check("moving_average", "tracker")
    assert (checked.kind, checked.name, checked.checks) == ("tracker", "moving_average", (HELD, BROKEN))


def test_a_scenario_brings_its_facts(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    stated = {"name": "mine", "version": 2, "title": "t", "purpose": "?", "expects": "flow"}
    path.write_text(yaml.safe_dump({**stated, "groups": {"a": {"laws": {"static": {}}}}}))
    (checked,) = driftline.check(path)
    assert not checked.broken
    assert {**checked.facts, "world": ""} == {"name": "mine", "version": 2, "expects": "flow", "world": ""}
    assert len(str(checked.facts["world"])) == 64
    (other,) = driftline.check(str(path), overrides={"horizon": 50})
    assert other.facts["world"] != checked.facts["world"]
    path.write_text("name: mine\n")
    (checked,) = driftline.check(path)
    assert checked.broken
    assert checked.facts == {}


@pytest.mark.parametrize(
    ("what", "options", "line"),
    [
        ("moving_averge", {}, "nothing is named 'moving_averge'; did you mean 'moving_average'?"),
        ("qqq", {}, "nothing is named 'qqq'; `driftline list all` says what there is"),
        ("plain", {"kind": "lw"}, "kind 'lw' is unknown; did you mean 'law'?"),
        ("gradul", {"kind": "law"}, "law 'gradul' is unknown; did you mean 'gradual'?"),
        ("time:sleep", {"kind": "law"}, "law 'time:sleep': must be a subclass of driftline.sim.laws.Law, not <built-"),
        ("time:sleep", {"kind": "scenario"}, "scenario 'time:sleep' is unknown; "),
        ("sys:exit", {}, "plug-in 'sys:exit': is none of scenario, agent, tracker, "),
        (Path, {}, "Path is none of scenario, agent, tracker, "),
        (Path, {"kind": "law"}, "Path must be a subclass of driftline.sim.laws.Law, not <class 'pathlib.Path'>"),
        ("gone:Agent", {}, "plug-in 'gone:Agent' cannot be imported: ModuleNotFoundError: No module named 'gone'"),
        ("gone.yaml", {}, "scenario file 'gone.yaml' does not exist"),
        ("mine.py", {}, "'mine.py': a plug-in is named module:Class, for instance mine:Mine"),
        ("gradual", {"overrides": {"horizon": 3}}, "'gradual' is no scenario; only a scenario takes overrides"),
        ("plain", {"overrides": {"horizn": 3}}, "key 'horizn' is unknown; did you mean 'horizon'?"),
        (f"{__name__}:Leaves", {"kind": "agent"}, f"agent '{__name__}:Leaves' cannot be built: SystemExit: 3"),
        ("oracle", {}, "agent 'oracle' sees the very world that it plays in; it has no conformance suite"),
        ("full[evolution=filterbank]", {}, "agent 'full[evolution=filterbank]': evolution 'filterbank' is unknown; "),
        ("full[predictor=time:sleep]", {}, "agent 'full[predictor=time:sleep]': predictor 'time:sleep': must be a "),
    ],
)
@pytest.mark.usefixtures("two_kinds")
def test_what_cannot_be_checked_is_refused_in_one_line(what: Any, options: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as problem:
        driftline.check(what, **options)
    assert str(problem.value).startswith(line)
    assert "\n" not in str(problem.value)


def test_a_law_dropped_into_its_folder_is_found_listed_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "more_laws"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "still.py").write_text(
        '"""Nothing moves."""\nfrom driftline.sim.laws import Law\nclass Still(Law):\n    pass\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    laws: PlugIns[Any] = PlugIns("law", "more_laws", KINDS["law"].wrong)
    kind = Kind("laws", laws.names, laws.summary, laws.find, laws.wrong, f"{__name__}:suite_of_two")
    monkeypatch.setattr(kinds, "KINDS", {"law": kind})
    assert [(name, kind.summary(name)) for name in kind.names()] == [("still", "Nothing moves.")]
    (checked,) = driftline.check("still")
    assert (checked.kind, checked.broken) == ("law", (BROKEN,))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_conformance_suite(kind: str) -> None:
    module, _, function = KINDS[kind].suite.partition(":")
    assert callable(getattr(import_module(module), function))


def test_the_manuals_tables_are_what_is_found() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text, "write them anew: make tables"
