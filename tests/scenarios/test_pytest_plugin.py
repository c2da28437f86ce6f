"""`pytest --driftline-check NAME` in somebody's own folder: one test a promise; nothing happens without the option."""

import subprocess
import sys
from pathlib import Path

import pytest

import pytest_driftline

TESTS = """
import sys

def test_driftline_is_not_imported_by_its_plug_in():
    assert "pytest_driftline" in sys.modules
    assert "driftline" not in sys.modules
"""


def _pytest(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_each_promise_is_a_test_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_it(): pass\n")
    (tmp_path / "bad.yaml").write_text(
        "name: bad\nversion: 1\ntitle: t\npurpose: p\ngroups: {a: {laws: {static: {}}}}\n"
    )
    (tmp_path / "code.yaml").write_text(
        "name: code\nversion: 1\ntitle: t\npurpose: p\nexpects: flow\nslat: 3\ngroups: {a: {laws: {static: {}}}}\n"
    )
    code, out = _pytest(tmp_path, "--driftline-check", "bad.yaml", "--driftline-check", "code.yaml", "-rA")
    assert code == 1
    assert "collected 11 items" in out
    results = dict(
        line.split(" - ")[0].split()[::-1] for line in out.splitlines() if line.startswith(("PASSED ", "FAILED "))
    )
    assert results["test_own.py::test_it"] == "PASSED"
    assert {name.split("::", 1)[1] for name, result in results.items() if result == "FAILED"} == {
        "bad.yaml::scenario::expects",
        "bad.yaml::scenario::keys",
        "code.yaml::scenario::keys",
    }
    assert "BROKEN  expects: it states beforehand what it will show; but it states none." in out
    assert "Traceback" not in out
    assert "pytest_driftline.py" not in out


def test_what_cannot_be_asked_is_skipped_and_names_select(tmp_path: Path) -> None:
    code, out = _pytest(tmp_path, "--driftline-check", "own_data", "-k", "world or name", "-rs")
    assert code == 0
    assert "collected 10 items / 8 deselected / 2 selected" in out
    assert "its catalogue is not in 'my-shop'; state --set catalogue.path=FOLDER" in out
    assert "1 passed, 1 skipped" in out


def test_an_unknown_name_is_one_line(tmp_path: Path) -> None:
    code, out = _pytest(tmp_path, "--driftline-check", "moving_averge")
    assert code == pytest.ExitCode.INTERRUPTED
    assert "\nnothing is named 'moving_averge'; did you mean 'moving_average'?\n" in out


def test_without_the_option_nothing_of_driftline_is_imported(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(TESTS)
    code, out = _pytest(tmp_path)
    assert code == 0
    assert "1 passed" in out
    code, out = _pytest(tmp_path, "-p", "no:driftline")
    assert code == 1, "switched off, it is not imported either"
    assert "assert 'pytest_driftline' in" in out


def test_it_is_registered_where_driftline_is_installed() -> None:
    import tomllib

    stated = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert stated["project"]["entry-points"]["pytest11"] == {"driftline": pytest_driftline.__name__}
    assert stated["tool"]["setuptools"]["py-modules"] == [pytest_driftline.__name__]


def test_a_class_in_the_working_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "seconds_spent.py").write_text(
        "from driftline.evaluation.metrics import Metric\n"
        "class Seconds(Metric):\n"
        "    title, meaning, bounds = 'seconds', 'time spent', (0.0, 1.0)\n"
        "    case = ({'items': [[3, 4]], 'taken': [1], 'dwell': [42.0]}, [42.0])\n"
        "    def values(self, judged):\n"
        "        return judged.visits['dwell']\n"
    )
    code, out = _pytest(tmp_path, "--driftline-check", "seconds_spent:Seconds")
    assert code == 1
    assert "seconds_spent:Seconds::metric::bounds" in out
    assert "1 failed, 7 passed" in out
