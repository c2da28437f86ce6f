"""A stand-in for the runner: obeys its agent's parameters and leaves the files of a tiny run behind."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from driftline.evaluation.run.folder import slug
from driftline.scenarios.schema import Scenario
from driftline.sim.errors import InputError
from driftline.sim.keyed import Stream, uniforms

USERS = 5


def run_one(scenario: Scenario, agent: str, seed: int, out: Path, progress: Callable[[float], None]) -> None:
    """`random[fail=true]` raises, `[die=true]` kills its process, `[sleep=9]` waits; regret is (x - .7)^2."""
    params = scenario.agents[agent].params
    progress(0.5)
    if params.get("fail"):
        raise RuntimeError("no slate today\nsecond line")
    if params.get("refuse"):
        raise InputError(f"agent {agent!r}, user 7, visit 3: log_p = nan")
    if params.get("die"):
        os._exit(7)
    time.sleep(params.get("sleep", 0.0) if seed else 0.0)
    log, truth = (out / side / slug(agent) / str(seed) for side in ("log", "truth"))
    for folder in (log, truth):
        folder.mkdir(parents=True, exist_ok=True)
    luck = uniforms(seed, Stream.AGENT, np.arange(USERS))
    pl.DataFrame({"user": np.arange(USERS), "luck": luck}).write_parquet(log / "visits.parquet")
    regret = np.full(USERS, (float(params.get("x", 0.0)) - 0.7) ** 2)
    columns = {"user": np.arange(USERS), "visit": np.zeros(USERS, np.int32), "value_shown": 1.0 - regret}
    nulls = pl.Series("value_best_in_space", [None] * USERS, dtype=pl.Float64)
    frame = pl.DataFrame({**columns, "value_best": np.ones(USERS), "bound": np.zeros(USERS, np.bool_)})
    frame.with_columns(nulls).write_parquet(truth / "values.parquet")
    (log / "timing.json").write_text(json.dumps({"seed": seed, "pid": os.getpid()}))
