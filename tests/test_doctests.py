"""Every example in a docstring says what happens."""

import doctest
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import driftline

ROOT = Path(driftline.__file__).parent
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def _modules() -> list[str]:
    """Of the four floors, those with an example."""
    files = [path for floor in ("sim", "agents", "evaluation", "scenarios") for path in (ROOT / floor).rglob("*.py")]
    with_examples = [path.relative_to(ROOT) for path in files if ">>> " in path.read_text(encoding="utf-8")]
    return sorted(
        ".".join(("driftline", *path.with_suffix("").parts)).removesuffix(".__init__") for path in with_examples
    )


@pytest.mark.parametrize("name", _modules())
def test_examples_in_docstrings_are_true(name: str) -> None:
    found = doctest.testmod(import_module(name), extraglobs={"np": np}, optionflags=FLAGS, report=True)
    assert found.attempted > 0
    assert found.failed == 0


def test_every_public_statistic_has_an_example() -> None:
    from driftline.evaluation import (
        calibration,
        drift,
        experiment,
        interleaving,
        nonstationary,
        off_policy,
        ranking,
        slate_off_policy,
        trajectory_off_policy,
    )

    estimators = (off_policy, slate_off_policy, trajectory_off_policy, nonstationary)
    bare = {
        f"{package.__name__}.{name}"
        for package in (*estimators, experiment, ranking, interleaving, drift, calibration)
        for name in package.__all__
        if callable(getattr(package, name)) and name.islower()
        if ">>> " not in (getattr(package, name).__doc__ or "")
    }
    assert bare == set()
