"""Whatever an agent does wrong is reported in one line with the agent, the user and the visit."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from driftline.agents.baselines.random import Random
from driftline.agents.protocol import Job
from driftline.scenarios.agent_calls import Caller
from driftline.scenarios.schema import load
from driftline.sim.errors import AgentError
from driftline.sim.types import Float32s, Int32s, Observation, Setting, Slates
from driftline.sim.warmup import Start, warm_up
from driftline.sim.world import World

SMALL = {
    "population.users": 20,
    "population.sessions_per_day": 3,
    "catalogue.items": 80,
    "catalogue.topics": 3,
    "slate": 3,
    "warmup": 1,
    "horizon": 3,
}
BAD_ROW = 1


@pytest.fixture(scope="module")
def start() -> Start:
    return warm_up(World(load("abrupt_shift", SMALL)))


class Spoiled(Random):
    """A random agent whose slates are spoiled before they leave."""

    def __init__(
        self, spoil: Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]], Any]
    ) -> None:
        super().__init__()
        self._spoil = spoil

    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        made = self._spoil(slates.items, slates.log_p, slates.log_p_cascade)
        return slates if made is None else made


def played(start: Start, agent: Any, name: str = "mine") -> tuple[AgentError, Observation]:
    """The error of the first round with at least two visits."""
    world, caller = start.world.fork(), Caller(agent, name)
    caller.reset(start.setting)
    while (observation := world.observe()) is not None:
        if len(observation) >= 2:
            with pytest.raises(AgentError) as problem:
                shown(world, caller, observation)
            assert str(problem.value).startswith("agent 'mine'")
            assert "\n" not in str(problem.value)
            return problem.value, observation
        world.respond(Slates.certain(np.atleast_2d(observation.candidates)[:, :3].copy()))
    raise AssertionError("no round with two visits")


def shown(world: World, caller: Caller, observation: Observation) -> None:
    slates = caller.act(observation, world.params.slate)
    caller.guard_slates(observation, lambda: world.respond(slates))


def twice(items: Any, log_p: Any, cascade: Any) -> None:
    items[BAD_ROW, 2] = items[BAD_ROW, 0]


def nowhere(items: Any, log_p: Any, cascade: Any) -> None:
    items[BAD_ROW, 1] = 999_999


def negative(items: Any, log_p: Any, cascade: Any) -> None:
    items[BAD_ROW, 1] = -1


def wraps(items: Any, log_p: Any, cascade: Any) -> Slates:
    """An id that would wrap round to the legal one."""
    far = items.astype(np.int64)
    far[BAD_ROW, 0] += 2**32
    return Slates(far, log_p, cascade)


def nan_whole(items: Any, log_p: Any, cascade: Any) -> None:
    log_p[BAD_ROW] = np.nan


def nan_part(items: Any, log_p: Any, cascade: Any) -> None:
    cascade[BAD_ROW, 1] = np.nan


def wrong_sum(items: Any, log_p: Any, cascade: Any) -> None:
    cascade[BAD_ROW, 1] -= 0.01


def above_one(items: Any, log_p: Any, cascade: Any) -> None:
    log_p[BAD_ROW], cascade[BAD_ROW] = 0.5, [0.5, 0.0, 0.0]


def above_one_inside(items: Any, log_p: Any, cascade: Any) -> None:
    log_p[BAD_ROW], cascade[BAD_ROW] = -0.5, [0.5, -1.0, 0.0]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (twice, "is shown twice"),
        (nowhere, "item 999999 at position 1 is not among the candidates"),
        (negative, "item -1 at position 1 is not among the candidates"),
        (wraps, "at position 0 is not among the candidates"),
        (nan_whole, "log_p = nan; must be finite"),
        (nan_part, "must be finite, <= 0 and the sum of log_p_cascade"),
        (wrong_sum, "must be finite, <= 0 and the sum of log_p_cascade"),
        (above_one, "must be finite, <= 0"),
        (above_one_inside, "must be finite, <= 0"),
    ],
)
def test_a_bad_row_is_named_by_its_user_and_visit(start: Start, spoil: Any, words: str) -> None:
    problem, observation = played(start, Spoiled(spoil))
    assert words in str(problem)
    assert f"user {observation.user[BAD_ROW]}, visit {observation.visit[BAD_ROW]}" in str(problem)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda i, p, c: Slates(i[:, :2], p, c), r"Slates.items has shape \[\d+, 2\]; must be \[\d+, 3\]"),
        (lambda i, p, c: Slates(i, p[:1], c), r"Slates.log_p has shape \[1\]; must be \[\d+\]"),
        (lambda i, p, c: Slates(i, p, p), r"Slates.log_p_cascade has shape \[\d+\]; must be \[\d+, 3\]"),
        (lambda i, p, c: Slates(i + 0.0, p, c), r"Slates.items is float64; must be whole numbers"),
        (lambda i, p, c: (i, p, c), r"act returned tuple; must be Slates"),
        (lambda i, p, c: 1 / 0, r"act \(\d+ visits, the first: user \d+, visit \d+\) raised ZeroDivisionError: "),
    ],
)
def test_a_bad_answer_as_a_whole_is_named_by_the_first_user_and_visit(start: Start, spoil: Any, words: str) -> None:
    problem, observation = played(start, Spoiled(spoil))
    assert f"user {observation.user[0]}, visit {observation.visit[0]}" in str(problem)
    with pytest.raises(AgentError, match=words):
        raise problem


def test_good_slates_pass_as_they_are(start: Start) -> None:
    world, caller, plain = start.world.fork(), Caller(Random(), "mine"), Random()
    plain.reset(start.setting)
    caller.reset(start.setting)
    observation = world.observe()
    assert observation is not None
    passed, made = caller.act(observation, 3), plain.act(observation)
    for name in ("items", "log_p", "log_p_cascade"):
        np.testing.assert_array_equal(getattr(passed, name), getattr(made, name))
    caller.learn(caller.guard_slates(observation, lambda: world.respond(passed)), observation)


class Faulty(Random):
    """Raises, or answers nonsense, everywhere but in `act`."""

    def reset(self, setting: Setting) -> None:
        raise RuntimeError("no memory\nof anything")

    def tick(self, now: float) -> Sequence[Job]:
        return [Job("a", -1.0)]

    def finish(self, job: str) -> None:
        raise KeyError(job)

    def learn(self, feedback: Any) -> None:
        raise ValueError

    def score(self, users: Any, items: Any) -> Any:
        if items.size == 1:
            return np.zeros((users.size, 2))
        return np.where(users[:, None] == 7, np.inf, np.zeros((users.size, items.size)))


def test_faults_outside_act_are_named_too(start: Start) -> None:
    caller, world = Caller(Faulty(), "mine"), start.world.fork()
    observation = world.observe()
    assert observation is not None
    feedback = world.respond(Slates.certain(np.atleast_2d(observation.candidates)[:, :3].copy()))
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: caller.reset(start.setting), "agent 'mine', reset raised RuntimeError: no memory"),
        (lambda: caller.tick(2.25), "agent 'mine': tick at day 2.25 returned Job(name='a', days=-1.0); must be"),
        (lambda: caller.finish("a"), "agent 'mine', finish('a') raised KeyError"),
        (
            lambda: caller.learn(feedback, observation),
            f"agent 'mine', learn ({len(observation)} visits, the first: user {observation.user[0]}, visit ",
        ),
        (lambda: caller.score(np.array([5, 7]), np.arange(3, dtype=np.int32)), "user 7: score is not finite"),
        (lambda: caller.score(np.array([5, 7]), np.arange(1, dtype=np.int32)), "score returned shape [2, 2]"),
    ]
    for call, words in calls:
        with pytest.raises(AgentError) as problem:
            call()
        assert words in str(problem.value)
        assert "\n" not in str(problem.value)


def test_an_interrupt_is_nobodys_fault() -> None:
    class Interrupted(Random):
        def finish(self, job: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Caller(Interrupted(), "mine").finish("a")


class Misplaced(Random):
    """A random agent whose item vectors are of no use."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self._fault = fault

    def item_space(self, items: Int32s) -> Float32s:
        if self._fault == "raises":
            raise KeyError("lost")
        vectors = np.zeros((items.size + (self._fault == "rows"), 2), np.float32)
        vectors[0, 0] = np.nan if self._fault == "nan" else 0.0
        return vectors


@pytest.mark.parametrize(("fault", "words"), [("raises", "KeyError"), ("rows", r"shape \[4, 2\]"), ("nan", "finite")])
def test_item_vectors_that_are_of_no_use_are_the_agents_fault(fault: str, words: str) -> None:
    space = Caller(Misplaced(fault), "mine").item_space
    assert space is not None
    with pytest.raises(AgentError, match=f"agent 'mine'.*item_space.*{words}"):
        space(np.arange(3, dtype=np.int32))
    assert Caller(Random(), "mine").item_space is None
