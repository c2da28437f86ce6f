"""Whatever stands in a scenario file: `check` answers, and what it accepts runs."""

import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml
from mutations import CASES, drawn, mutated, one_line_at_most, scratched

import driftline
from driftline.sim.config.files import read_mapping, scenario_files

SMALL = {"population.users": 60, "horizon": 3, "warmup": 1, "judge.tracked_users": 20}


def _case(folder: Path, number: int) -> Path:
    """A packaged scenario with some of it changed, in a file of its own."""
    rng = np.random.default_rng(number)
    source = drawn(rng, sorted(scenario_files().values()))
    path = folder / f"{source.stem}.yaml"
    if rng.random() < 0.2:
        path.write_bytes(scratched(source.read_bytes(), rng))
    else:
        text = yaml.safe_dump(mutated(read_mapping(source), rng), sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.slow
def test_every_mutated_scenario_is_checked_and_what_is_accepted_runs(tmp_path: Path) -> None:
    checked: dict[str, int] = {}
    played: dict[str, int] = {}
    faults = []
    most = max(CASES // 10, 1)
    for number in range(CASES or 12):
        path = _case(tmp_path, number)
        try:
            accepted = False
            with one_line_at_most(checked):
                (found,) = driftline.check(path)
                for each in found.checks:
                    assert each.fault is None or "\n" not in each.fault
                    assert "raised" not in (each.fault or ""), each.fault
                accepted = not found.broken and all(each.unasked is None for each in found.checks)
                checked["accepted"] = checked.get("accepted", 0) + accepted
            if accepted and sum(played.values()) < most:
                with one_line_at_most(played), warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # a figure without anything to show is said, not refused
                    driftline.run(path, ["random"], [0], SMALL, out=tmp_path / f"run-{number}")
        except Exception:
            faults.append(f"case {number}: {traceback.format_exc(limit=-3)}\n{path.read_bytes()[:3000]!r}")
    print(f"{CASES or 12} scenarios: {checked}; runs: {played}")
    assert not faults, f"{len(faults)} cases:\n" + "\n".join(faults[:40])
