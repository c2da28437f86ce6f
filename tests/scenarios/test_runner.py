"""One run: which calls an agent gets, which files are left behind, and what all agents of a seed share."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from driftline.agents.baselines.random import Random
from driftline.agents.protocol import Job
from driftline.scenarios import runner
from driftline.scenarios.agent_names import with_agents
from driftline.scenarios.runner import Records, Trainer, _write_timing, peak_memory, run_one, write_world_tables
from driftline.scenarios.schema import Scenario, load
from driftline.sim.errors import AgentError, InputError
from driftline.sim.oracle import SlateValues
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates
from driftline.sim.world import World

SMALL = {
    "population.users": 20,
    "catalogue.items": 80,
    "catalogue.topics": 4,
    "slate": 4,
    "warmup": 2,
    "horizon": 6,
    "judge.tracked_users": 6,
}


class Diary(Random):
    """A random agent that writes down every call."""

    calls: ClassVar[list[tuple[str, float]]] = []

    def reset(self, setting: Setting) -> None:
        super().reset(setting)
        self.calls[:] = [("reset", setting.start)]  # what it learned of the warm-up is part of it

    def act(self, observation: Observation) -> Slates:
        self.calls.append(("act", float(observation.time.min())))
        return super().act(observation)

    def learn(self, feedback: Feedback) -> None:
        self.calls.append(("learn", float(feedback.time.min())))

    def tick(self, now: float) -> Sequence[Job]:
        self.calls.append(("tick", now))
        return [Job(f"from {now}", 0.3)] if now in (3.0, 3.25) else []

    def finish(self, job: str) -> None:
        self.calls.append((f"finish {job}", self.calls[-1][1]))

    def score(self, users: Int64s, items: Int32s) -> Floats:
        self.calls.append(("score", -1.0))
        return super().score(users, items)


DIARY = f"{__name__}:Diary"


def prepared(agent: str, **more: Any) -> Scenario:
    return with_agents(load("abrupt_shift", SMALL | more), [agent])


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, float]]:
    Diary.calls.clear()
    run_one(prepared(DIARY), DIARY, 0, tmp_path_factory.mktemp("diary"), lambda share: None)
    return list(Diary.calls)


def test_ticks_come_at_every_boundary_before_its_visits(calls: list[tuple[str, float]]) -> None:
    assert calls[0] == ("reset", 2.0)
    ticks = [when for name, when in calls if name == "tick"]
    assert ticks == [2.0 + 0.25 * k for k in range(len(ticks))]
    now = -1.0
    for name, when in calls:
        now = when if name == "tick" else now
        if name in ("act", "learn"):
            assert now <= when < now + 0.25


def test_every_act_is_followed_by_its_learn(calls: list[tuple[str, float]]) -> None:
    visits = [call for call in calls if call[0] in ("act", "learn")]
    assert len(visits) > 20
    assert [name for name, _ in visits] == ["act", "learn"] * (len(visits) // 2)
    assert all(visits[k][1] == visits[k + 1][1] for k in range(0, len(visits), 2))


def test_jobs_end_before_the_tick_of_the_boundary_at_which_they_are_over(calls: list[tuple[str, float]]) -> None:
    """Started at days 3 and 3.25, each .3 days long, one trainer: over at 3.3 and 3.6."""
    names = [name for name, _ in calls]
    for job, day in (("finish from 3.0", 3.5), ("finish from 3.25", 3.75)):
        assert names.count(job) == 1
        later = next(when for name, when in calls[names.index(job) :] if name == "tick")
        assert later == day


def test_scores_are_asked_for_after_act_and_before_the_response_is_known(calls: list[tuple[str, float]]) -> None:
    names = [name for name, _ in calls]
    asked = [k for k, name in enumerate(names) if name == "score"]
    assert asked
    assert all((names[k - 1], names[k + 1]) == ("act", "learn") for k in asked)


def test_the_files_of_a_run_are_those_that_were_promised(tmp_path: Path) -> None:
    shares: list[float] = []
    run_one(prepared("random"), "random", 1, tmp_path, shares.append)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    run = {"visits.parquet", "behaviors.parquet", "scores.parquet", "timing.json"}
    shared = {"log/items-1.parquet", "log/segments-1.parquet"}
    shared |= {f"truth/{name}-1.parquet" for name in ("items", "probes", "users")}
    truth = {"truth/random/1/visits.parquet", "truth/random/1/values.parquet"}
    assert found == {f"log/random/1/{name}" for name in run} | shared | truth
    visits = pl.read_parquet(tmp_path / "log/random/1/visits.parquet")
    keys = ["user", "visit"]
    for path in truth:
        assert pl.read_parquet(tmp_path / path).select(keys).sort(keys).equals(visits.select(keys).sort(keys))
    scores = pl.read_parquet(tmp_path / "log/random/1/scores.parquet")
    assert scores["user"].n_unique() <= 6
    assert scores.schema["scores"] == pl.Array(pl.Float32, 64)
    assert visits.select(keys).is_unique().all()
    assert float(visits["time"].min()) >= 2.0  # type: ignore[arg-type]
    timing = json.loads((tmp_path / "log/random/1/timing.json").read_text())
    assert set(timing) == {"act_p50", "act_p99", "peak_memory", "wall", "cpu", "visits"}
    assert timing["visits"] == len(visits)
    assert 0 < timing["act_p50"] <= timing["act_p99"]
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] < shares[-1] <= 1.0


def test_seconds_are_a_visit_s(tmp_path: Path) -> None:
    """Batches of 10, 2 and 4 visits, and one of none, which took a fifth of a second."""
    records = Records()
    records.act_seconds, records.act_visits = [0.1, 0.06, 0.2, 0.2], [10, 2, 4, 0]
    _write_timing(tmp_path / "timing.json", records, 3.0, 2.0)
    timing = json.loads((tmp_path / "timing.json").read_text())
    assert timing["act_p50"] == pytest.approx((0.03 + 0.05) / 2)
    assert (timing["visits"], timing["wall"], timing["cpu"]) == (16, 3.0, 2.0)


def test_timing_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[Path]] = []
    write = runner._write_timing

    def watch(path: Path, *rest: Any) -> None:
        seen.append(set(tmp_path.rglob("*.parquet")))
        write(path, *rest)

    monkeypatch.setattr(runner, "_write_timing", watch)
    run_one(prepared("popularity"), "popularity", 0, tmp_path, lambda share: None)
    assert seen == [set(tmp_path.rglob("*.parquet"))]
    assert len(seen[0]) == 10  # values, behaviors, scores, twice visits, five tables of the world


class Late(Random):
    """Fails on day 4."""

    def act(self, observation: Observation) -> Slates:
        if observation.time.max() > 4:
            raise RuntimeError("out of ideas")
        return super().act(observation)


def test_a_run_that_fails_is_not_finished(tmp_path: Path) -> None:
    agent = f"{__name__}:Late"
    with pytest.raises(AgentError, match=r"visits, the first: user \d+, visit \d+\) raised RuntimeError: out of ideas"):
        run_one(prepared(agent), agent, 0, tmp_path, lambda share: None)
    assert not list(tmp_path.rglob("timing.json"))


def test_an_encoder_that_does_not_exist_is_found_before_the_warm_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "warm_up", lambda world: pytest.fail("work has started"))
    with pytest.raises(InputError, match="did you mean 'hashing'"):
        run_one(prepared("full[predictor=hashin]"), "full[predictor=hashin]", 0, tmp_path, lambda share: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("truth", ["sample", "off"])
def test_less_truth_is_logged_where_less_is_asked_for(tmp_path: Path, truth: str) -> None:
    run_one(prepared("random", **{"run.truth": truth}), "random", 0, tmp_path, lambda share: None)
    path = tmp_path / "truth/random/0/visits.parquet"
    assert path.exists() == (truth == "sample")
    visits = pl.read_parquet(tmp_path / "log/random/0/visits.parquet")
    if truth == "sample":
        users = pl.read_parquet(path)["user"].unique()
        scored = pl.read_parquet(tmp_path / "log/random/0/scores.parquet")["user"].unique()
        assert set(users) == set(scored)
        assert len(users) <= 6 < visits["user"].n_unique()


def test_nothing_is_asked_of_the_oracle_where_no_truth_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("best", "shown"):
        monkeypatch.delattr(SlateValues, name)
    run_one(prepared("random", **{"run.truth": "off"}), "random", 0, tmp_path, lambda share: None)
    with pytest.raises(AttributeError, match="shown"):
        run_one(prepared("random"), "random", 1, tmp_path, lambda share: None)


def test_the_sample_is_keyed_by_the_seed(tmp_path: Path) -> None:
    chosen = []
    for seed, folder in ((0, "a"), (0, "b"), (1, "c")):
        run_one(prepared("random"), "random", seed, tmp_path / folder, lambda share: None)
        frame = pl.read_parquet(tmp_path / folder / f"log/random/{seed}/scores.parquet")
        chosen.append(frame["user"].unique().sort().to_list())
    assert chosen[0] == chosen[1]
    assert chosen[0] != chosen[2]
    assert np.isfinite(pl.read_parquet(tmp_path / "a/log/random/0/scores.parquet")["scores"].to_numpy()).all()


def test_a_job_is_over_after_its_days_and_told_once() -> None:
    trainer = Trainer()
    trainer.take([Job("a", 0.5)], now=14.0)
    assert trainer.over(14.25) == []
    assert trainer.over(14.5) == ["a"]
    assert trainer.over(14.75) == []


def test_a_job_of_no_days_is_over_at_the_next_boundary() -> None:
    trainer = Trainer()
    assert trainer.over(14.0) == []
    trainer.take([Job("a", 0.0)], now=14.0)
    assert trainer.over(14.25) == ["a"]


def test_jobs_wait_for_one_another() -> None:
    trainer = Trainer()
    trainer.take([Job("a", 1.0), Job("b", 0.5)], now=14.0)
    trainer.take([Job("c", 0.25)], now=14.5)
    assert [(day, trainer.over(day)) for day in (14.75, 15.0, 15.25, 15.5, 15.75)] == [
        (14.75, []),
        (15.0, ["a"]),
        (15.25, []),
        (15.5, ["b"]),
        (15.75, ["c"]),
    ]


def test_a_free_trainer_starts_at_once() -> None:
    trainer = Trainer()
    trainer.take([Job("a", 0.5)], now=14.0)
    assert trainer.over(20.0) == ["a"]
    trainer.take([Job("b", 0.5)], now=20.0)
    assert trainer.over(20.25) == []
    assert trainer.over(20.5) == ["b"]


def test_rounding_does_not_cost_a_tick() -> None:
    trainer = Trainer()
    trainer.take([Job("a", 0.1), Job("b", 0.2)], now=0.0)
    assert trainer.over(0.3) == ["a", "b"]  # .1 + .2 exceeds .3 in binary


TABLES = {"population.users": 12, "catalogue.items": 80, "catalogue.topics": 4, "catalogue.probes": 9}


@pytest.fixture(scope="module")
def world() -> World:
    return World(load("abrupt_shift", TABLES), 4)


def test_the_tables_say_what_the_world_says(world: World, tmp_path: Path) -> None:
    write_world_tables(world, tmp_path, 4)
    read = {path.relative_to(tmp_path).as_posix(): pl.read_parquet(path) for path in tmp_path.rglob("*.parquet")}
    assert set(read) == {
        "log/segments-4.parquet",
        "log/items-4.parquet",
        "truth/items-4.parquet",
        "truth/probes-4.parquet",
        "truth/users-4.parquet",
    }
    shelf, segments = world.catalogue, world.model.corpus.segments
    truth, known = read["truth/items-4.parquet"], read["log/items-4.parquet"]
    np.testing.assert_array_equal(truth["mixture"].to_numpy(), shelf.mixture)
    for name in ("quality", "appeal", "born", "retired"):
        np.testing.assert_array_equal(truth[name].to_numpy(), getattr(shelf, name))
    for name in ("price", "born", "category", "domain"):
        np.testing.assert_array_equal(known[name].to_numpy(), getattr(shelf, name))
    assert known.columns == ["item", "text", "domain", "price", "born", "category"]
    words = read["log/segments-4.parquet"]
    assert words["text"].to_list() == [segments.text(code) for code in words["code"]]
    assert len(words) == len(segments)
    assert known["text"].max() < len(segments)  # type: ignore[operator]
    assert read["truth/probes-4.parquet"]["item"].to_list() == shelf.probes.tolist()
    users = read["truth/users-4.parquet"]
    assert users["user"].to_list() == world.pseudonyms(np.arange(12)).tolist()
    assert users["group"].to_list() == world.groups(np.arange(12)).tolist()


def test_a_second_write_changes_nothing_and_leaves_no_drafts(world: World, tmp_path: Path) -> None:
    write_world_tables(world, tmp_path, 4)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    write_world_tables(world, tmp_path, 4)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == stamps
    assert all(path.suffix == ".parquet" for path in stamps)


def test_the_peak_is_in_bytes_and_never_falls() -> None:
    before = peak_memory()
    assert 20e6 < before < 1e12
    held = np.ones(2 * before // 8)  # twice as much as ever before
    after = peak_memory()
    assert after >= held.nbytes
    del held
    assert peak_memory() >= after
