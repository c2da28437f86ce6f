"""Compiled code on disk: found again when nothing has changed, compiled anew when something has."""

# mypy: disable-error-code="no-untyped-call"
# Numba's caches have no types.

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

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
FAR = """
import kernel_law
from kernel_law import move
from driftline.sim.kernel import kernel

@kernel
def by_name(x):
    return move(x)

@kernel
def by_module(x):
    return kernel_law.move(x)
"""
PAIRS = """
import sys
import numpy as np
from driftline.sim.kernel import kernel

@kernel
def one(x):
    return x + 1.0

@kernel
def two(x):
    return x + 2.0

def pair_of(move):
    def pair(x):
        first, second = np.empty(1), np.empty(1, np.int32)
        first[0], second[0] = move(x), 7
        return first, second
    return kernel(pair)

if __name__ == "__main__":
    from kernel_pairs import one, pair_of, two
    pairs = {name: pair_of({"one": one, "two": two}[name]) for name in sys.argv[1:]}
    for name, pair in pairs.items():
        print(name, pair(0.0)[0][0], sum(pair.stats.cache_hits.values()))
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
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
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


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.nbc")}


def test_what_names_a_class_that_exists_no_longer_is_compiled_anew(module: Module) -> None:
    for name in ("Before", "After"):
        found = module("kernel_numbers", NUMBERS.format(name=name))
        assert found.of_numbers(getattr(found, name)(21.0)) == 42.0


def test_a_loop_around_a_kernel_is_found_again_until_the_kernel_changes(module: Module) -> None:
    for step, found in ((1.0, 0), (1.0, 1), (2.0, 0), (2.0, 1)):
        loop = module("kernel_loop", LOOP).twice(module("kernel_law", LAW.format(step=step)).move)
        assert loop(0.0) == 2.0 * step
        assert hits(loop) == found


def test_two_kernels_in_one_loop_do_not_get_each_others_code(module: Module) -> None:
    one = module("kernel_one", LAW.format(step=1.0)).move
    two = module("kernel_two", LAW.format(step=2.0)).move
    for _ in range(2):
        around = module("kernel_loop", LOOP).twice
        assert [loop(0.0) for loop in (around(one), around(two), around(around(one)))] == [2.0, 4.0, 4.0]


@pytest.mark.parametrize("name", ["by_name", "by_module"])
def test_code_on_disk_is_forgotten_when_a_kernel_that_it_calls_changes(module: Module, name: str) -> None:
    """It holds what it calls, which may stand in another file."""
    for step, found in ((1.0, 0), (1.0, 1), (2.0, 0), (2.0, 1)):
        module("kernel_law", LAW.format(step=step))
        far = getattr(module("kernel_far", FAR), name)
        assert far(0.0) == step
        assert hits(far) == found


def test_a_number_of_the_module_is_part_of_the_code(module: Module) -> None:
    for step in (1.0, 2.0):
        move = module("kernel_law", f"STEP = {step}\n" + LAW.format(step="STEP")).move
        assert move(0.0) == step


def test_several_processes_share_a_folder(module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops of one name around different kernels: from disk, compiled beside one from disk, and both from disk."""
    module("kernel_pairs", PAIRS)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "shared"))
    heard = [
        subprocess.run(
            [sys.executable, "kernel_pairs.py", *names], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.split()
        for names in (["one"], ["one", "two"], ["one", "two"])
    ]
    first, second = ["one", "1.0"], ["two", "2.0"]
    assert heard == [[*first, "0"], [*first, "1", *second, "0"], [*first, "1", *second, "1"]]


def test_half_a_file_is_compiled_anew(module: Module, tmp_path: Path) -> None:
    for _ in range(2):
        move = module("kernel_law", LAW.format(step=1.0)).move
        assert move(0.0) == 1.0
        assert hits(move) == 0
        (file,) = (path for path in tmp_path.rglob("*.nbc"))
        file.write_bytes(file.read_bytes()[:1000])


def test_the_code_of_former_versions_goes_and_that_of_other_types_stays(module: Module, tmp_path: Path) -> None:
    names = []
    for step in (1.0, 2.0):
        move = module("kernel_law", LAW.format(step=step)).move
        for x in (0, 0.0):
            assert move(x) == step
        names.append(kept(tmp_path))
    assert [len(each) for each in names] == [2, 2]
    assert not names[0] & names[1]
