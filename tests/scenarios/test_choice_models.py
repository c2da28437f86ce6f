"""Whole runs in worlds where users do not choose by a logit."""

from pathlib import Path

import polars as pl
import pytest

import driftline
from driftline.sim.choice import CHOICE_MODELS

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


@pytest.mark.parametrize("model", CHOICE_MODELS.names())
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


@pytest.mark.parametrize(("candidates", "slate", "exact"), [(30, 5, False), (6, 4, True)])
def test_a_model_of_ones_own_is_run_judged_and_reported(
    candidates: int, slate: int, exact: bool, tmp_path: Path
) -> None:
    """Regret is never negative, and says where it is a bound from above."""
    run = driftline.run(
        "abrupt_shift",
        agents=["random", "oracle"],
        seeds=[0],
        overrides={
            **SMALL,
            "choice": {"model": "own_models:Overload", "outside": 1.0, "params": {"crowd": 0.2}},
            "candidates.private": candidates,
            "slate": slate,
        },
        out=tmp_path / "run",
    )
    values = pl.concat([pl.read_parquet(path) for path in (tmp_path / "run" / "truth").rglob("values.parquet")])
    assert (values["bound"] != exact).all()
    assert (values["value_best"] >= values["value_shown"]).all()
    told = run.metrics.filter((pl.col("metric") == "regret") & pl.col("seed").is_null() & (pl.col("window") == "all"))
    regret = dict(zip(told["agent"], told["value"], strict=True))
    assert (regret["oracle"] == 0.0) == exact
    assert regret["oracle"] < regret["random"]
    page = run.report().read_text()
    assert ("exact at every visit" in page) == exact
    assert ("an upper bound at 100.0 % of the visits" in page) != exact
