"""The same run is the same bits, however it is cut into batches, threads and processes; and twins stay twins."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from driftline.evaluation.run.folder import slug
from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.executors import Task, execute
from driftline.scenarios.hashes import content_hashes, run_content_hash
from driftline.scenarios.runner import run_one
from driftline.scenarios.schema import Scenario, load

FULL = "full[predictor=hashing,retrain_days=3,refit_days=1]"
"""Trains at the start and retrains on days 10 and 13."""
WORLD = {"population.users": 500, "warmup": 7, "horizon": 15, "catalogue.topics": 8}
SHORT = {"horizon": 12}
"""For batches of one visit: to the day after the first retraining came into use."""

ELSEWHERE = """
import json, sys
from pathlib import Path
agent, world, batch, threads, folder = sys.argv[1:]
import torch
torch.set_num_threads(int(threads))
from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.schema import load
from driftline.scenarios.runner import run_one
scenario = with_agents(load("abrupt_shift", json.loads(world) | {"run.batch": int(batch)}), [agent])
run_one(scenario, agent, 0, Path(folder), lambda share: None)
print(torch.get_num_threads(), [pool["num_threads"] for pool in __import__("threadpoolctl").threadpool_info()])
"""


def prepared(*agents: str, **more: object) -> Scenario:
    return with_agents(load("abrupt_shift", WORLD | more), agents)


def here(folder: Path, agent: str, **more: object) -> Path:
    run_one(prepared(agent, **more), agent, 0, folder, lambda share: None)
    return folder


def elsewhere(folder: Path, threads: int, environ: dict[str, str]) -> Path:
    """The run in a process of its own."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, FULL, json.dumps(WORLD), "1000", str(threads), str(folder)],
        env=environ | dict.fromkeys(names, str(threads)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(threads) in done.stdout  # the threads were really there
    return folder


def tables(folder: Path, agent: str) -> dict[str, str]:
    """Hashes of one agent's tables."""
    return {name: value for name, value in content_hashes(folder).items() if f"/{slug(agent)}/" in name}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole run, at most 1,000 visits at once."""
    return here(tmp_path_factory.mktemp("plain"), FULL)


@pytest.mark.slow
def test_training_and_both_retrainings_leave_their_mark(plain: Path, tmp_path: Path) -> None:
    """Otherwise sameness would say little: without retraining, later days differ and earlier ones do not."""
    never = FULL.replace("retrain_days=3", "retrain_days=99")
    visits = []
    for folder, agent in ((plain, FULL), (here(tmp_path / "never", never), never)):
        frame = pl.read_parquet(folder / "log" / slug(agent) / "0" / "visits.parquet")
        visits.append(frame.sort("user", "visit").select("user", "visit", "time", "items"))
    one, two = (frame.with_columns(pl.col("items").arr.to_list()) for frame in visits)
    both = one.join(two, on=["user", "visit"])
    differs = both.filter(pl.col("items") != pl.col("items_right"))["time"]
    assert 10.5 <= float(differs.min()) < 11.0  # type: ignore[arg-type]
    late = both.filter(pl.col("time") >= 13.5)
    assert len(late.filter(pl.col("items") != pl.col("items_right"))) > len(late) / 3
    assert one["user"].n_unique() > 450


@pytest.mark.slow
def test_batches_of_seven_visits_leave_no_trace(plain: Path, tmp_path: Path) -> None:
    assert content_hashes(here(tmp_path, FULL, **{"run.batch": 7})) == content_hashes(plain)


@pytest.mark.slow
def test_batches_of_one_visit_leave_no_trace(tmp_path: Path) -> None:
    once, each = (here(tmp_path / str(n), FULL, **SHORT, **{"run.batch": n}) for n in (1000, 1))
    assert content_hashes(once) == content_hashes(each)
    assert run_content_hash(once) == run_content_hash(each)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_another_process_with_any_number_of_threads_does_the_same(plain: Path, tmp_path: Path, threads: int) -> None:
    assert content_hashes(elsewhere(tmp_path, threads, dict(os.environ))) == content_hashes(plain)


@pytest.mark.slow
def test_two_jobs_do_what_one_does(plain: Path, tmp_path: Path) -> None:
    scenario = prepared(FULL, "random")
    tasks = [Task(scenario, agent, 0, tmp_path) for agent in (FULL, "random")]
    assert [finished.trace for finished in execute(tasks, run_one, 2, lambda *args: None) if finished.error] == []
    assert tables(tmp_path, FULL) == tables(plain, FULL)
    assert tables(tmp_path, "random") == tables(here(tmp_path / "alone", "random"), "random")
    shared = [name for name in content_hashes(plain) if "/0/" not in name]
    assert len(shared) == 5
    assert {name: content_hashes(tmp_path)[name] for name in shared} == {n: content_hashes(plain)[n] for n in shared}


@pytest.mark.parametrize("agent", ["random", "oracle"])
@pytest.mark.parametrize("pool", [{"private": 50}, {"shared": 100}], ids=["private", "shared"])
def test_one_user_more_changes_nobody_else_under_an_agent_that_does_not_learn(
    tmp_path: Path, agent: str, pool: dict[str, int]
) -> None:
    few, more = (
        here(tmp_path / str(users), agent, **{"population.users": users, "judge.tracked_users": 99, "candidates": pool})
        for users in (60, 61)
    )
    known = pl.read_parquet(few / "truth/users-0.parquet")["user"]
    assert len(known) == 60
    newcomer = 0
    for path in sorted(few.glob(f"*/{agent}/0/*.parquet")):
        one, two = pl.read_parquet(path), pl.read_parquet(more / path.relative_to(few))
        others = two.filter(pl.col("user").is_in(known.implode()))
        newcomer += len(two) - len(others)
        keys = [name for name in ("user", "visit", "time", "kind") if name in one.columns]
        assert one.sort(keys).equals(others.sort(keys)), path.name
    assert newcomer > 0
    for name in ("log/items-0.parquet", "truth/items-0.parquet", "log/segments-0.parquet", "truth/probes-0.parquet"):
        assert content_hashes(few)[name] == content_hashes(more)[name]


def test_twins_stay_twins_though_one_draws_from_global_generators(tmp_path: Path) -> None:
    small = {"population.users": 80, "warmup": 4, "horizon": 11, "catalogue.items": 150, "catalogue.topics": 4}
    rewards, slates = [], []
    for twin in ("restless:Calm", "restless:Restless"):
        folder = here(tmp_path, twin, **small) / "truth" / slug(twin) / "0"
        rewards.append(pl.read_parquet(folder / "visits.parquet").sort("user", "visit"))
        log = pl.read_parquet(tmp_path / "log" / slug(twin) / "0" / "visits.parquet")
        slates.append(log.sort("user", "visit"))
        np.random.seed(5)  # noqa: NPY002
    means = [frame.group_by("user").agg(pl.col("reward").mean()).sort("user") for frame in rewards]
    effects = means[0].join(means[1], on="user").select(pl.col("reward") - pl.col("reward_right"))["reward"]
    assert len(effects) > 70
    assert (effects == 0.0).all()
    assert slates[0].equals(slates[1])
    assert (slates[0]["log_p"] < 0.0).all()
    one, two = (tables(tmp_path, twin) for twin in ("restless:Calm", "restless:Restless"))
    assert list(one.values()) == list(two.values())
