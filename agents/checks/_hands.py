"""What stands between an examination and an agent: it watches what passes, or changes it."""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from inspect import isroutine
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from driftline.agents.protocol import AgentProtocol, Job
from driftline.sim.conformance import Broken
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates

Told = TypeVar("Told")
Answer = TypeVar("Answer")


class Hands:
    """Passes every call on to an agent; `pass_on` is where a kind of hands does its work."""

    def __init__(self, agent: AgentProtocol) -> None:
        self.agent = agent

    def pass_on(self, name: str, call: Callable[..., Answer], *told: Any) -> Answer:
        """Call the agent's method `name`."""
        return call(*told)

    def reset(self, setting: Setting) -> None:
        """`AgentProtocol.reset`."""
        self.pass_on("reset", self.agent.reset, setting)

    def act(self, observation: Observation) -> Slates:
        """`AgentProtocol.act`."""
        return self.pass_on("act", self.agent.act, observation)

    def learn(self, feedback: Feedback) -> None:
        """`AgentProtocol.learn`."""
        self.pass_on("learn", self.agent.learn, feedback)

    def tick(self, now: float) -> Sequence[Job]:
        """`AgentProtocol.tick`."""
        return self.pass_on("tick", self.agent.tick, now)

    def finish(self, job: str) -> None:
        """`AgentProtocol.finish`."""
        self.pass_on("finish", self.agent.finish, job)

    def score(self, users: Int64s, items: Int32s) -> Floats:
        """`AgentProtocol.score`."""
        return self.pass_on("score", self.agent.score, users, items)

    def snapshot(self) -> object:
        """`AgentProtocol.snapshot`."""
        return self.pass_on("snapshot", self.agent.snapshot)

    def restore(self, state: object) -> None:
        """`AgentProtocol.restore`."""
        self.pass_on("restore", self.agent.restore, state)


class Guarding(Hands):
    """Sees to it that what an agent is handed comes back unharmed."""

    def pass_on(self, name: str, call: Callable[..., Answer], *told: Any) -> Answer:
        """Compare every array before and after."""
        before = [(where, array.copy()) for thing in told for where, array in arrays(thing)]
        answer = call(*told)
        after = [array for thing in told for _, array in arrays(thing)]
        for (where, old), new in zip(before, after, strict=True):
            if not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
                raise Broken(f"{name} wrote into {where}")
        return answer


class Sealing(Hands):
    """Hands out arrays that cannot be written to."""

    def pass_on(self, name: str, call: Callable[..., Answer], *told: Any) -> Answer:
        """Seal every array first."""
        for thing in told:
            for _, array in arrays(thing):
                array.flags.writeable = False
        return call(*told)


class Listening(Hands):
    """Notices whether a call changes a generator that everybody shares."""

    def pass_on(self, name: str, call: Callable[..., Answer], *told: Any) -> Answer:
        """Compare the generators' states before and after."""
        before = generator_states()
        answer = call(*told)
        for owner, state in generator_states().items():
            if owner in before and state != before[owner]:
                raise Broken(f"{name} drew from the global generator of {owner}, or seeded it")
        return answer


class Overruling(Hands):
    """Slates are shown upside down, and the agent hears of every second user only."""

    def learn(self, feedback: Feedback) -> None:
        """Tell of other slates than the agent's own."""
        columns = {name: getattr(feedback, name)[::2] for name in Feedback.__dataclass_fields__}
        self.agent.learn(Feedback(**{**columns, "items": columns["items"][:, ::-1].copy()}))


def arrays(value: Any, where: str = "") -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Every array in a record or in a sequence of them, with its place, for instance `Observation.candidates`."""
    if isinstance(value, np.ndarray):
        yield where or "an array that it was handed", value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from arrays(each, where)
    elif is_dataclass(value):
        for entry in fields(value):
            yield from arrays(getattr(value, entry.name), f"{where or type(value).__name__}.{entry.name}")


def copied(record: Told) -> Told:
    """A record whose arrays are its own."""
    assert is_dataclass(record)
    changes: dict[str, Any] = {}
    for entry in fields(record):
        value = getattr(record, entry.name)
        if isinstance(value, np.ndarray):
            changes[entry.name] = value.copy()
        elif is_dataclass(value):
            changes[entry.name] = copied(value)
    return replace(record, **changes)  # type: ignore[type-var]


# -- generators that everybody shares ------------------------------------------------------------------------------


def generator_states() -> dict[str, Any]:
    """State of each global generator, by whose it is, comparable with ==."""
    numpy: Any = np.random.get_state(legacy=True)  # noqa: NPY002  to see that nobody uses it
    states: dict[str, Any] = {"random": random.getstate(), "numpy": (numpy[1].tobytes(), *numpy[2:])}
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.random.get_rng_state().numpy().tobytes()
    return states


def seed_generators(seed: int) -> None:
    """Set every global generator."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)


class Generators:
    """`with Generators():` leaves all global generators as they were."""

    def __enter__(self) -> None:
        self._random, self._numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
        torch = sys.modules.get("torch")
        self._torch = torch.random.get_rng_state() if torch else None

    def __exit__(self, *raised: object) -> None:
        random.setstate(self._random)
        np.random.set_state(self._numpy)  # noqa: NPY002
        if self._torch is not None:
            sys.modules["torch"].random.set_rng_state(self._torch)


# -- how much is remembered ----------------------------------------------------------------------------------------


def held_bytes(state: object, apart_from: Sequence[object]) -> int:
    """Bytes of everything that can be reached from a snapshot, each thing once, without `apart_from` and code."""
    seen = {id(each) for each in apart_from}
    total, waiting = 0, [state]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, type | ModuleType) or isroutine(value):
            continue
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            total += value.nbytes
            waiting += list(value) if value.dtype.hasobject else []
            continue
        total += sys.getsizeof(value)
        waiting += _parts(value)
    return total


def _parts(value: Any) -> list[Any]:
    if isinstance(value, str | bytes | int | float):
        return []
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, tuple | list | set | frozenset):
        return list(value)
    slots = [name for kind in type(value).__mro__ for name in _slots(kind)]
    inside = [getattr(value, name) for name in slots if hasattr(value, name)]
    inside += list(vars(value).values()) if hasattr(value, "__dict__") else []
    # A deque and the like; an iterator, which has no length, must not be used up.
    return inside or (list(value) if hasattr(value, "__iter__") and hasattr(value, "__len__") else [])


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
