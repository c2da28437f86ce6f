"""Plug-ins are found by listing a folder or by import; what is not of the kind is refused in one line."""

from pathlib import Path
from typing import Protocol

import pytest

from driftline.sim.errors import InputError
from driftline.sim.laws import Law, Static
from driftline.sim.laws._base import LAWS
from driftline.sim.plug_ins import PlugIns, class_like, imported, subclass_of

A_LAW = subclass_of(Law, "driftline.sim.laws.Law")


class Bell(Protocol):
    weight: float

    def ring(self) -> str: ...
    def stop(self) -> None: ...


A_BELL = class_like(Bell, "tower.Bell")


@pytest.fixture
def bells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlugIns[type[Bell]]:
    """A folder of plug-ins under a package name of its own for each test."""
    name = f"bells_of_{tmp_path.name}"
    folder = tmp_path / name
    folder.mkdir()
    both = "def ring(self): ...\n    def stop(self): ...\n"
    files = {
        "__init__": "",
        "_base": "",
        "big_ben": f'"""A great bell.\n\nIn London."""\nclass BigBen:\n    {both}',
        "gong": "class Gong:\n    def ring(self): ...\n",
        "cracked": "raise RuntimeError('crack\\nsecond line')\n",
        "quiet": "import sys\nsys.exit(0)\n",
        "empty": "",
    }
    for stem, text in files.items():
        (folder / f"{stem}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return PlugIns("bell", name, A_BELL)


def test_every_file_without_an_underscore_is_a_plug_in(bells: PlugIns[type[Bell]]) -> None:
    assert bells.names() == ("big_ben", "cracked", "empty", "gong", "quiet")
    assert bells.find("big_ben").__name__ == "BigBen"
    assert bells.find(f"{bells.package}.big_ben:BigBen") is bells.find("big_ben")
    assert bells.summary("big_ben") == "A great bell."
    assert bells.summary("cracked") == ""


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("big_bin", "bell 'big_bin' is unknown; did you mean 'big_ben'?"),
        ("gong", "lacks stop of tower.Bell"),
        ("cracked", "cannot be imported: RuntimeError: crack"),
        ("quiet", "cannot be imported: SystemExit: 0"),
        ("empty", "has no 'empty'; there are none"),
        (None, "bell None: must be a name or package.module:Name"),
        (3, "bell 3: must be a name or package.module:Name"),
        (".relative:Bell", "bell '.relative:Bell' cannot be imported: TypeError: "),
        (":Bell", "bell ':Bell': must be package.module:Name"),
        ("time:sleep", "bell 'time:sleep': must be a class, not <built-in function sleep>"),
        ("copy:", "bell 'copy:': must be package.module:Name"),
    ],
)
def test_what_is_no_plug_in_is_refused_in_one_line(bells: PlugIns[type[Bell]], name: str, line: str) -> None:
    with pytest.raises(InputError) as problem:
        bells.find(name)
    assert line in str(problem.value)
    assert "\n" not in str(problem.value)


def test_the_nearest_name_of_a_users_module_is_one_of_the_kind() -> None:
    with pytest.raises(InputError, match=r"module 'driftline\.sim\.laws' has no 'Statik'; did you mean 'Static'\?"):
        imported("law", "driftline.sim.laws:Statik", A_LAW)
    assert imported("law", "driftline.sim.laws:Static", A_LAW) is Static


def test_a_kind_itself_is_none_of_its_plug_ins() -> None:
    with pytest.raises(InputError, match=r"must be a subclass of driftline\.sim\.laws\.Law, not "):
        LAWS.find("driftline.sim.laws:Law")
