"""Compiled code on disk."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = """
from typing import NamedTuple
from driftline.sim.kernel import kernel

class {name}(NamedTuple):
    number: float

@kernel
def doubled(numbers):
    return 2.0 * numbers.number
"""


def test_what_names_a_class_that_exists_no_longer_is_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for name in ("Before", "After"):
        (tmp_path / "renamed_numbers.py").write_text(SOURCE.format(name=name))
        sys.modules.pop("renamed_numbers", None)
        module = import_module("renamed_numbers")
        assert module.doubled(getattr(module, name)(21.0)) == 42.0
    sys.modules.pop("renamed_numbers")
