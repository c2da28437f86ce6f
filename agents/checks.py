"""What every agent must keep to: a conformance suite for ours and anybody else's.

    faults = [check for check in check_agent(MyAgent, setting, rounds) if check.fault]

`setting` and `rounds` come from a recorded run; an agent answers them with slates of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

from driftline.agents._script import Cut, Rounds, Stage, whole
from driftline.agents.protocol import AgentProtocol
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates

Told = TypeVar("Told")
Answer = TypeVar("Answer")
METHODS = ("reset", "act", "learn", "tick", "finish", "score", "snapshot", "restore")
MOST_ITEMS = 50
"""Items that the checks ask scores for."""
EXACT = 1e-9
"""Slack, relative, in sums of log-probabilities."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the protocol, and what was found."""

    name: str
    fault: str | None
    """None when the agent keeps it."""


class Broken(Exception):  # noqa: N818
    """An agent breaks a promise; the text says how."""


@dataclass(frozen=True, slots=True)
class Exam:
    """What an agent is examined with."""

    make_agent: Callable[[], AgentProtocol]
    setting: Setting
    rounds: Rounds

    def fresh(self) -> Stage:
        """A new agent, reset."""
        agent = self.make_agent()
        agent.reset(self.setting)
        return Stage(agent, self.setting)


def check_agent(make_agent: Callable[[], AgentProtocol], setting: Setting, rounds: Rounds) -> Iterator[Check]:
    """All checks, one after the other; without all methods there is only the first.

    make_agent: makes a new agent, alike each time. setting: for `reset`. rounds: observations of several ticks, in
    order, with the responses to whatever was shown then; only their positions, dwell and ratings are used.
    """
    exam = Exam(make_agent, setting, rounds)
    for name, check in CHECKS.items():
        fault = _fault(check, exam)
        yield Check(name, fault)
        if name == "methods" and fault:
            return


def _fault(check: Callable[[Exam], None], exam: Exam) -> str | None:
    try:
        check(exam)
    except Broken as problem:
        return str(problem)
    except Exception as problem:  # an agent may raise anything
        return f"raised {type(problem).__name__}: {problem}"
    return None


# -- the checks ------------------------------------------------------------------------------------------------


def _methods(exam: Exam) -> None:
    """Every method of the protocol is there."""
    agent = exam.make_agent()
    missing = [name for name in METHODS if not callable(getattr(agent, name, None))]
    if missing:
        raise Broken(f"lacks {', '.join(missing)}")


def _slates(exam: Exam) -> None:
    """Slates are distinct, among the candidates, and of exact propensity."""
    _judged(exam, exam.rounds)


def _either_candidates(exam: Exam) -> None:
    """Candidates may be shared `[C]` or private `[n, C]`, in one run too."""

    def turned(observation: Observation) -> Observation:
        pool, n = observation.candidates, len(observation)
        return replace(observation, candidates=pool[0] if pool.ndim == 2 else np.repeat(pool[None, :], n, axis=0))

    half = len(exam.rounds) // 2
    _judged(exam, [(turned(observation), feedback) for observation, feedback in exam.rounds[:half]])
    _judged(exam, [(turned(seen) if k % 2 else seen, told) for k, (seen, told) in enumerate(exam.rounds)])


def _inputs(exam: Exam) -> None:
    """What an agent is handed is not its own to write to."""
    agent = _Watched(exam.make_agent())
    agent.reset(exam.setting)
    Stage(agent, exam.setting).play(exam.rounds)


def _repeatable(exam: Exam) -> None:
    """Two agents alike, in one setting, do the same: chance is keyed or seeded by `Setting.seed`."""
    _same(exam.fresh().play(exam.rounds), exam.fresh().play(exam.rounds), exam, "two agents alike")


def _score(exam: Exam) -> None:
    """Scores are finite, one row per user, for users never met too."""
    stage, items = exam.fresh(), _some_items(exam.setting)
    users = _users(exam.rounds)
    stranger = np.append(users, users.max() + 1)
    for part in (exam.rounds[:0], exam.rounds):
        stage.play(part)
        for asked in (stranger, stranger[:1], stranger[:0]):
            _scores(stage.agent, asked, items)


def _score_is_pure(exam: Exam) -> None:
    """Asking for scores, before `act` or between `act` and `learn`, changes nothing; asked twice, they are alike."""
    items = _some_items(exam.setting)
    stage = exam.fresh()

    def ask(observation: Observation, slates: Slates | None) -> None:
        users = observation.user[: len(observation) // 2 + 1]
        if not np.array_equal(_scores(stage.agent, users, items), _scores(stage.agent, users, items)):
            raise Broken("score: two calls in a row differ")

    asked = stage.play(exam.rounds, watch=ask)
    _same(exam.fresh().play(exam.rounds), asked, exam, "with and without calls of score")


def _batches(exam: Exam) -> None:
    """Results, scores included, depend neither on the sizes nor on the order of batches within a tick."""
    plain = exam.fresh()
    shown, items, users = plain.play(exam.rounds), _some_items(exam.setting), _users(exam.rounds)
    scores = _scores(plain.agent, users, items)
    cuts: dict[str, Cut] = {"two halves, the later one first": _halves_swapped, "one by one": _singles}
    for name, cut in cuts.items():
        stage = exam.fresh()
        _same(shown, stage.play(exam.rounds, cut), exam, f"at once and in batches ({name})")
        rows = [_scores(stage.agent, users[k : k + 1], items) for k in range(len(users))]
        if not np.array_equal(np.concatenate(rows), scores):
            raise Broken(f"scores differ between visits at once and in batches ({name})")


def _snapshot(exam: Exam) -> None:
    """A snapshot brings back the same future, as often as it is asked to, whatever happened since."""
    stage, half = exam.fresh(), len(exam.rounds) // 2
    stage.play(exam.rounds[:half])
    state, point = stage.agent.snapshot(), stage.copy()
    future = stage.play(exam.rounds[half:])
    for turn in ("first", "second"):
        stage.agent.restore(state)
        again = point.copy().play(exam.rounds[half:])
        _same(future, again, exam, f"before and after the {turn} restore", half)


def _reset(exam: Exam) -> None:
    """`reset` makes an agent new."""
    fresh = exam.fresh().play(exam.rounds)
    stage = exam.fresh()
    stage.play(exam.rounds[: 1 + len(exam.rounds) // 2])
    stage.agent.reset(exam.setting)
    _same(fresh, Stage(stage.agent, exam.setting).play(exam.rounds), exam, "a new agent and a used one after reset")


def _other_slates(exam: Exam) -> None:
    """It learns from slates that are not its own, and of some of the users only: an experiment showed them."""
    agent = exam.make_agent()
    agent.reset(exam.setting)
    Stage(_Overruled(agent), exam.setting).play(exam.rounds)


CHECKS: dict[str, Callable[[Exam], None]] = {
    "methods": _methods,
    "slates": _slates,
    "candidates": _either_candidates,
    "inputs": _inputs,
    "repeatable": _repeatable,
    "score": _score,
    "score_is_pure": _score_is_pure,
    "batches": _batches,
    "snapshot": _snapshot,
    "reset": _reset,
    "other_slates": _other_slates,
}


# -- how they look ---------------------------------------------------------------------------------------------


def slate_fault(observation: Observation, slates: Slates, length: int) -> str | None:
    """What is wrong with slates for an observation, None if nothing: `[n, length]` wanted."""
    if not isinstance(slates, Slates):
        return f"act returned {type(slates).__name__}; must be Slates"
    n = len(observation)
    for name, shape in (("items", (n, length)), ("log_p", (n,)), ("log_p_cascade", (n, length))):
        if np.shape(getattr(slates, name)) != shape:
            return f"Slates.{name} has shape {list(np.shape(getattr(slates, name)))}; must be {list(shape)}"
    if slates.items.dtype != np.int32:
        return f"Slates.items is {slates.items.dtype}; must be int32"
    pool = np.broadcast_to(observation.candidates, (n, observation.candidates.shape[-1]))
    for row in range(n):
        where = f"user {observation.user[row]}, visit {observation.visit[row]}"
        items = slates.items[row]
        if len(np.unique(items)) < length:
            return f"{where}: the slate {items.tolist()} holds an item twice"
        if not np.isin(items, pool[row]).all():
            return f"{where}: item {items[~np.isin(items, pool[row])][0]} is not among the candidates"
        whole_p, parts = float(slates.log_p[row]), slates.log_p_cascade[row]
        if not (np.isfinite(parts).all() and (parts <= EXACT).all() and np.isfinite(whole_p)):
            return f"{where}: log-probabilities must be finite and <= 0"
        if abs(float(parts.sum()) - whole_p) > EXACT * (1.0 + abs(whole_p)):
            return f"{where}: log_p = {whole_p:g} is not the sum of log_p_cascade, {float(parts.sum()):g}"
    return None


class _Watched:
    """Stands between the script and the agent, and sees to it that what passes comes back unharmed."""

    def __init__(self, agent: AgentProtocol) -> None:
        self._agent = agent
        self.tick, self.finish, self.score = agent.tick, agent.finish, agent.score
        self.snapshot, self.restore = agent.snapshot, agent.restore

    def reset(self, setting: Setting) -> None:
        self._unharmed("reset", self._agent.reset, setting)

    def act(self, observation: Observation) -> Slates:
        return self._unharmed("act", self._agent.act, observation)

    def learn(self, feedback: Feedback) -> None:
        self._unharmed("learn", self._agent.learn, feedback)

    @staticmethod
    def _unharmed(name: str, call: Callable[[Told], Answer], told: Told) -> Answer:
        before = [array.copy() for array in _arrays(told)]
        answer = call(told)
        for old, new in zip(before, _arrays(told), strict=True):
            if not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
                raise Broken(f"{name} wrote into an array of its {type(told).__name__}")
        return answer


class _Overruled:
    """Slates are shown upside down, and the agent hears of every second user only."""

    def __init__(self, agent: AgentProtocol) -> None:
        self._agent = agent
        self.reset, self.act, self.tick, self.finish = agent.reset, agent.act, agent.tick, agent.finish
        self.score, self.snapshot, self.restore = agent.score, agent.snapshot, agent.restore

    def learn(self, feedback: Feedback) -> None:
        columns = {name: getattr(feedback, name)[::2] for name in Feedback.__dataclass_fields__}
        self._agent.learn(Feedback(**{**columns, "items": columns["items"][:, ::-1].copy()}))


def _judged(exam: Exam, rounds: Rounds) -> None:
    def judge(observation: Observation, slates: Slates | None) -> None:
        if slates is not None and (fault := slate_fault(observation, slates, exam.setting.slate)):
            raise Broken(fault)

    exam.fresh().play(rounds, watch=judge)


def _scores(agent: AgentProtocol, users: Int64s, items: Int32s) -> Floats:
    scores = np.asarray(agent.score(users, items), dtype=np.float64)
    if scores.shape != (users.size, items.size):
        raise Broken(f"score returned shape {list(scores.shape)}; must be {[users.size, items.size]}")
    if not np.isfinite(scores).all():
        raise Broken(f"score of user {users[~np.isfinite(scores).all(axis=1)][0]} is not finite")
    return scores


def _same(one: list[Slates], two: list[Slates], exam: Exam, what: str, first: int = 0) -> None:
    for k, (a, b) in enumerate(zip(one, two, strict=True)):
        observation = exam.rounds[first + k][0]
        differs = (a.items != b.items).any(axis=1) | (a.log_p != b.log_p)
        differs |= (a.log_p_cascade != b.log_p_cascade).any(axis=1)
        if differs.any():
            row = int(np.flatnonzero(differs)[0])
            where = f"user {observation.user[row]}, visit {observation.visit[row]}"
            raise Broken(f"slates differ between {what}, first at {where} (day {observation.time[row]:.2f})")


def _halves_swapped(visits: int) -> list[Int64s]:
    half = visits // 2
    return [part for part in (np.arange(half, visits), np.arange(half)) if part.size]


def _singles(visits: int) -> list[Int64s]:
    return [np.array([row]) for row in range(visits)] or whole(0)


def _users(rounds: Rounds) -> Int64s:
    return np.unique(np.concatenate([observation.user for observation, _ in rounds]))


def _some_items(setting: Setting) -> Int32s:
    """Items that an agent must be able to score."""
    return setting.items.item[:MOST_ITEMS]


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Every array in a record or in a sequence of them."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _arrays(each)
    elif is_dataclass(value):
        for entry in fields(value):
            yield from _arrays(getattr(value, entry.name))
