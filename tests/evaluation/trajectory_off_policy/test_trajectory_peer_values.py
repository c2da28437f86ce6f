"""Values of scope-rl 0.2.1 on one log of trajectories of equal length."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driftline.evaluation.trajectory_off_policy import dm, dr, pdis, sndr, snpdis, sntis, tis

PEER: dict[str, Any] = json.loads((Path(__file__).parent / "scope_rl_trajectories.json").read_text(encoding="utf-8"))


def test_values_are_scope_rls() -> None:
    """Its normalisers have 1e-10 added, so weighted forms agree to 1e-9, not better."""
    n, steps = PEER["trajectories"], PEER["steps"]
    where: dict[str, Any] = {"trajectory": np.repeat(np.arange(n), steps), "step": np.tile(np.arange(steps), n)}
    plain: dict[str, Any] = {
        **where,
        **{name: np.array(PEER[name]) for name in ("reward", "pscore", "target_pscore")},
        "gamma": PEER["gamma"],
    }
    estimates: dict[str, Any] = {name: np.array(PEER[name]) for name in ("q_action", "q_expected")}
    found = {
        "dm": dm(**where, q_expected=estimates["q_expected"]),
        "tis": tis(**plain),
        "sntis": sntis(**plain),
        "pdis": pdis(**plain),
        "snpdis": snpdis(**plain),
        "dr": dr(**plain, **estimates),
        "sndr": sndr(**plain, **estimates),
    }
    assert set(found) == set(PEER["values"])
    for name, estimate in found.items():
        assert estimate.value == pytest.approx(PEER["values"][name], abs=1e-9), name
