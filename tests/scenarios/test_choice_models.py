"""Whole runs in worlds where users do not choose by a logit."""

from pathlib import Path

import polars as pl
import pytest

import driftline
from driftline.sim.choice._base import MODELS

SMALL = {
    "population.users": 60,
    "horizon": 12.0,
    "warmup": 4.0,
    "catalogue.items": 120,
    "catalogue.probes": 20,
    "candidates.private": 30,
    "slate": 5,
}
FULL = "full[predictor=hashing]"


@pytest.mark.parametrize("model", MODELS)
def test_agents_run_and_the_oracle_has_no_regret(model: str, tmp_path: Path) -> None:
    run = driftline.run(
        "abrupt_shift",
        agents=[FULL, "random", "oracle"],
        seeds=[0],
        overrides={**SMALL, "choice.model": model},
        out=tmp_path / "run",
    )
    told = run.metrics.filter((pl.col("metric") == "regret") & pl.col("seed").is_null() & (pl.col("window") == "all"))
    regret = dict(zip(told["agent"], told["value"], strict=True))
    assert abs(regret["oracle"]) < 1e-9
    assert 0.0 < regret[FULL] < regret["random"]
