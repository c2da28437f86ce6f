"""Compiled code on disk: found again when nothing has changed, compiled anew when something has."""

# mypy: disable-error-code="no-untyped-call"
# Numba's caches have no types.

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from driftline.sim.kernel import _Files

NUMBERS = """
from typing import NamedTuple
from driftline.sim.kernel import kernel

class {name}(NamedTuple):
    number: float

@kernel
def of_numbers(numbers):
    return 2.0 * numbers.number
"""
LAW = """
from driftline.sim.kernel import kernel

@kernel
def move(x):
    return x + {step}
"""
LOOP = """
from driftline.sim.kernel import kernel

def twice(move):
    def loop(x):
        return move(move(x))
    return kernel(loop)
"""
Module = Callable[..., ModuleType]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Module]:
    """Writes modules and imports them as a new process would."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    written = set()

    def write(name: str, text: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(text)
        written.add(name)
        sys.modules.pop(name, None)
        return import_module(name)

    yield write
    for name in written:
        sys.modules.pop(name, None)


def hits(loop: Any) -> int:
    return sum(loop.stats.cache_hits.values())


def test_what_names_a_class_that_exists_no_longer_is_compiled_anew(module: Module) -> None:
    for name in ("Before", "After"):
        found = module("kernel_numbers", NUMBERS.format(name=name))
        assert found.of_numbers(getattr(found, name)(21.0)) == 42.0


def test_a_loop_around_a_kernel_has_the_kernels_present_code(module: Module) -> None:
    for step in (1.0, 1.0, 2.0, 2.0):
        move = module("kernel_law", LAW.format(step=step)).move
        assert module("kernel_loop", LOOP).twice(move)(0.0) == 2.0 * step


def test_two_kernels_in_one_loop_do_not_get_each_others_code(module: Module) -> None:
    one = module("kernel_one", LAW.format(step=1.0)).move
    two = module("kernel_two", LAW.format(step=2.0)).move
    for _ in range(2):
        around = module("kernel_loop", LOOP).twice
        assert [loop(0.0) for loop in (around(one), around(two), around(around(one)))] == [2.0, 4.0, 4.0]


def test_code_on_disk_is_forgotten_when_any_kernel_of_the_package_changes(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds what it calls, which may stand in another file."""
    for stamp, found in (("before", 0), ("before", 1), ("after", 0), ("after", 1)):
        monkeypatch.setattr("driftline.sim.kernel._kernels_stamp", lambda now=stamp: now)
        move = module("kernel_law", LAW.format(step=1.0)).move
        assert move(0.0) == 1.0
        assert hits(move) == found


def test_code_written_at_the_same_moment_is_never_taken_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that both find no index yet."""
    monkeypatch.setattr(_Files, "_load_index", lambda self: {})
    files = [_Files(str(tmp_path), "loop.py311", "stamp") for _ in range(2)]
    for each, key in zip(files, ("int", "float"), strict=True):
        each.save(key, f"code for {key}")
    monkeypatch.undo()
    assert files[0].load("int") is None
    assert files[0].load("float") == files[1].load("float") == "code for float"


def test_the_code_of_former_versions_goes(tmp_path: Path) -> None:
    for stamp in ("first", "second"):
        _Files(str(tmp_path), "loop.py311", stamp).save("int", stamp)
        _Files(str(tmp_path), "loop.py311", stamp).save("float", stamp)
    assert len(list(tmp_path.glob("*.nbc"))) == 2
    assert _Files(str(tmp_path), "loop.py311", "second").load("int") == "second"
    assert _Files(str(tmp_path), "loop.py311", "first").load("int") is None
