"""Whatever an agent does in place to what it is handed, in any call: an error of one line, or no effect at all."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from driftline.agents.baselines.random import Random
from driftline.agents.protocol import Job
from driftline.scenarios import runner
from driftline.scenarios.runner import run_one
from driftline.scenarios.schema import load
from driftline.sim.errors import AgentError
from driftline.sim.types import Feedback, Float32s, Floats, Int32s, Int64s, Observation, Setting, Slates
from driftline.sim.warmup import warm_up
from driftline.sim.world import World

SMALL = {
    "population.users": 12,
    "population.sessions_per_day": 3,
    "catalogue.items": 80,
    "catalogue.topics": 3,
    "catalogue.probes": 5,
    "text.queries_per_day": 0.5,
    "slate": 3,
    "candidates.shared": None,
    "candidates.private": 10,
    "judge.tracked_users": 6,
    "warmup": 1,
    "horizon": 3,
}
Attack = Callable[[np.ndarray[Any, Any]], object]
BIG = 2_000_000_000


def unlocked(array: np.ndarray[Any, Any]) -> None:
    """By way of whoever owns the memory."""
    owner: Any = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    owner.setflags(write=True)
    owner[...] = 1
    array.setflags(write=True)
    array[...] = 1


def bytes_of(array: np.ndarray[Any, Any]) -> None:
    ctypes.memset(array.ctypes.data, 1, array.nbytes)


def increment(array: np.ndarray[Any, Any]) -> None:
    array += 1


ATTACKS: dict[str, Attack] = {
    "the slip": lambda array: array.__setitem__((..., slice(3, None)), -1),
    "none": lambda array: array.__setitem__(..., -1),
    "far": lambda array: array.__setitem__(..., BIG if array.dtype.itemsize > 1 else 100),
    "first": lambda array: array.flat.__setitem__(0, 1),
    "counted": lambda array: array.__setitem__(..., np.arange(array.size).reshape(array.shape)),
    "increment": increment,
    "reversed": lambda array: array.__setitem__(slice(None), array[::-1].copy()),
    "sort": lambda array: array.sort(),
    "partition": lambda array: array.partition(0),
    "fill": lambda array: array.fill(0),
    "put": lambda array: np.put(array, [0], [1]),
    "copyto": lambda array: np.copyto(array, 1),
    "out": lambda array: np.multiply(array, 0, out=array, casting="unsafe"),
    "add.at": lambda array: np.add.at(array, [0], 1),
    "a byte view": lambda array: array.view(np.uint8).fill(1),
    "byteswap": lambda array: array.byteswap(inplace=True),
    "shuffle": lambda array: np.random.default_rng(0).shuffle(array),
    "setflags": unlocked,
    "raw memory": bytes_of,
}


def records(told: object) -> Iterator[Any]:
    """Every record of what is handed out, by reflection."""
    if is_dataclass(told):
        yield told
        for field in fields(told):
            yield from records(getattr(told, field.name))


def arrays(told: object) -> Iterator[np.ndarray[Any, Any]]:
    """Every array of what is handed out, by reflection."""
    if isinstance(told, np.ndarray):
        yield told
    for record in records(told):
        yield from (found for field in fields(record) if isinstance(found := getattr(record, field.name), np.ndarray))


class Vandal(Random):
    """A random agent that does `attack` to everything it is handed, in every call, and keeps it for later."""

    def __init__(self, attack: Callable[[object], None], when: str = "") -> None:
        super().__init__()
        self._attack, self._when, self._kept = attack, when, list[object]()
        self._acted = False

    def _spoil(self, call: str, *told: object) -> None:
        if self._when in ("", call):
            self._kept += told
            for one in self._kept if self._when == "" else told:
                self._attack(one)

    def reset(self, setting: Setting) -> None:
        super().reset(setting)
        self._spoil("reset", setting)

    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        self._acted = True
        self._spoil("act", observation)
        self._kept = self._kept[-3:] + ([slates] if self._when == "" else [])  # what it returned is still its own
        return slates

    def learn(self, feedback: Feedback) -> None:
        if self._acted:  # a base class tells it of the warm-up, too
            self._spoil("learn", feedback)

    def tick(self, now: float) -> Sequence[Job]:
        self._spoil("tick", *self._kept)
        return ()

    def score(self, users: Int64s, items: Int32s) -> Floats:
        scores = np.ones((users.size, items.size))
        self._spoil("score", users, items)
        return scores

    def item_space(self, items: Int32s) -> Float32s:
        vectors = np.eye(80, 4, dtype=np.float32)[items % 80]
        self._spoil("item_space", items)
        return vectors


def played(folder: Path, agent: Vandal, monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    """All tables of one run."""
    monkeypatch.setattr(runner, "build_agent", lambda scenario, name, world: agent)
    run_one(load("abrupt_shift", SMALL), "vandal", 0, folder, lambda share: None)
    return {str(path.relative_to(folder)): pl.read_parquet(path) for path in sorted(folder.rglob("*.parquet"))}


def nothing(told: object) -> None:
    """Leaves things as they are."""


def on_arrays(attack: Attack) -> Callable[[object], None]:
    def do(told: object) -> None:
        for array in arrays(told):
            with suppress(ValueError, IndexError, TypeError):
                attack(array)

    return do


def replaced(told: object) -> None:
    """Another array in a frozen record's field."""
    for record in records(told):
        for field in fields(record):
            if isinstance(found := getattr(record, field.name), np.ndarray):
                object.__setattr__(record, field.name, np.zeros_like(found))
            if isinstance(found, tuple):
                object.__setattr__(record, field.name, found[::-1])


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    with pytest.MonkeyPatch.context() as patch:
        return played(tmp_path_factory.mktemp("honest"), Vandal(nothing), patch)


@pytest.mark.parametrize("name", [*ATTACKS, "replaced"])
def test_no_attack_reaches_logs_or_truth(
    name: str, honest: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = replaced if name == "replaced" else on_arrays(ATTACKS[name])
    found = played(tmp_path, Vandal(attack), monkeypatch)
    assert found.keys() == honest.keys()
    assert any(path.endswith("values.parquet") for path in found)
    for path, frame in honest.items():
        assert_frame_equal(found[path], frame)


def slip(told: object) -> None:
    """As one writes it who does not know better; numpy refuses it."""
    for candidates in arrays(told):
        candidates[..., 3:] = -1
        candidates.fill(1)


@pytest.mark.parametrize("when", ["reset", "act", "learn", "score", "item_space"])
def test_a_write_names_agent_call_and_line(when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AgentError) as problem:
        played(tmp_path, Vandal(slip, when), monkeypatch)
    said = str(problem.value)
    assert said.startswith(f"agent 'vandal', {when}")
    assert "wrote into what it was handed, which is read-only, by `candidates[..., 3:] = -1` (test_in_place.py" in said
    assert "\n" not in said


def test_every_array_is_refused_where_the_world_is_played_by_hand() -> None:
    """Of an observation and of a response."""
    start = warm_up(World(load("abrupt_shift", SMALL)))
    world = start.world
    observation = world.observe()
    assert observation is not None
    for array in arrays(observation):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1
    feedback = world.respond(Slates.certain(observation.candidates[:, :3]))
    for array in arrays(feedback):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1
