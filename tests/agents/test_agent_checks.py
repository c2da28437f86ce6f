"""The conformance suite finds every kind of broken agent, and passes a good one."""

import copy
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from driftline.agents._script import Rounds, Stage
from driftline.agents.baselines.popularity import Popularity
from driftline.agents.baselines.random import Random
from driftline.agents.checks import CHECKS, check_agent, slate_fault
from driftline.agents.protocol import AgentProtocol, Job
from driftline.sim.types import (
    BehaviorKind,
    Behaviors,
    Feedback,
    Floats,
    Int32s,
    Int64s,
    Items,
    Observation,
    Setting,
    Slates,
    empty_interactions,
)

SLATE, ITEMS, USERS = 2, 12, 6


class NoTexts:
    def __len__(self) -> int:
        return 0

    def text(self, code: int) -> str:
        return ""

    def texts(self, codes: Int32s) -> list[str]:
        return [""] * len(codes)


def items(ids: Sequence[int]) -> Items:
    n = len(ids)
    ints = np.array(ids, np.int32)
    return Items(ints, 100 + ints, np.zeros(n, np.int8), np.zeros(n, np.float32), np.zeros(n), np.zeros(n, np.int32))


def feedback(rng: np.random.Generator, users: Int64s, visit: int, time: float) -> Feedback:
    n = len(users)
    slates = np.argsort(rng.random((n, ITEMS)), axis=1)[:, :SLATE].astype(np.int32)
    rating = np.where(rng.random(n) < 0.5, 4.0, np.nan).astype(np.float32)
    choice = rng.integers(0, SLATE + 1, n).astype(np.int8)
    times = time + 1e-3 * np.arange(n, dtype=np.float64)
    return Feedback(users, np.full(n, visit, np.int32), times, slates, choice, np.ones(n, np.float32), rating)


def script() -> tuple[Setting, Rounds]:
    """Six users who come twice in every tick, in private and in shared company; an item arrives on the way."""
    rng = np.random.default_rng(5)
    users = np.array([50, 10, 40, 20, 60, 30])
    warmup, none = feedback(rng, users, 0, 13.0), np.empty(0, np.int32)
    quiet = Behaviors(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int8), none, none, none)
    setting = Setting(
        seed=1, slate=SLATE, reward="click", domains=("news",), categories=3, start=14.0, horizon=16.0, tick=0.25,
        segments=NoTexts(), items=items(range(ITEMS)), feedback=warmup, behaviors=quiet, past=empty_interactions(),
    )  # fmt: skip
    rounds, before = [], warmup
    for k in range(8):
        time = 14.01 + 0.25 * (k // 2) + 0.1 * (k % 2)
        took = before.choice < SLATE
        bought = before.items[took, before.choice[took]]
        n = int(took.sum())
        behaviors = Behaviors(
            before.user[took], before.time[took], np.full(n, BehaviorKind.CONSUME, np.int8), bought, 100 + bought,
            np.full(n, 7, np.int32),
        )  # fmt: skip
        pool = np.argsort(rng.random((USERS, ITEMS)), axis=1)[:, :5].astype(np.int32)
        before = feedback(rng, users, k + 1, time)
        observation = Observation(
            users, before.visit, before.time, behaviors, pool, items([ITEMS + k] if k == 3 else []), 56 + k // 2
        )
        rounds.append((observation, before))
    return setting, rounds


SETTING, ROUNDS = script()


def faults(make: Callable[[], AgentProtocol]) -> dict[str, str]:
    return {check.name: check.fault for check in check_agent(make, SETTING, ROUNDS) if check.fault}


class Learner(Popularity):
    """Popular items, those that the user took first; a job adds a little to everybody's counts."""

    def reset(self, setting: Setting) -> None:
        self.own: dict[int, Floats] = {}
        self.extra = 0.0
        self.acted: Observation | None = None
        super().reset(setting)

    def act(self, observation: Observation) -> Slates:
        self.acted = observation
        pool = np.broadcast_to(observation.candidates, (len(observation), observation.candidates.shape[-1]))
        order = np.argsort(-self.worth(observation.user, pool), axis=1, kind="stable")
        return Slates.certain(np.take_along_axis(pool, order, axis=1)[:, :SLATE])

    def learn(self, feedback: Feedback) -> None:
        super().learn(feedback)
        for user, shown, choice in zip(feedback.user, feedback.items, feedback.choice, strict=True):
            if choice < SLATE:
                self.own.setdefault(int(user), np.zeros(ITEMS + 9))[shown[choice]] += 1.5

    def tick(self, now: float) -> Sequence[Job]:
        super().tick(now)
        return (Job("more", 0.3),) if now == 14.25 else ()

    def finish(self, job: str) -> None:
        self.extra += 1.0

    def worth(self, users: Int64s, pool: Int32s) -> Floats:
        counts = np.append(self._counts, np.zeros(ITEMS + 9 - len(self._counts)))
        nobody = np.zeros(ITEMS + 9)
        rows = [counts[row] + self.own.get(int(u), nobody)[row] for u, row in zip(users, pool, strict=True)]
        return self.extra + np.array(rows).reshape(pool.shape)

    def score(self, users: Int64s, items: Int32s) -> Floats:
        return self.worth(users, np.broadcast_to(items, (users.size, items.size)))

    def snapshot(self) -> object:
        return copy.deepcopy({key: value for key, value in vars(self).items() if key not in ("acted", "last")})

    def restore(self, state: object) -> None:
        vars(self).update(copy.deepcopy(state))  # type: ignore[call-overload]


@pytest.mark.parametrize("make", [Learner, Random, Popularity])
def test_a_good_agent_passes_every_check(make: Callable[[], AgentProtocol]) -> None:
    checks = list(check_agent(make, SETTING, ROUNDS))
    assert [check.name for check in checks] == list(CHECKS)
    assert [check.fault for check in checks] == [None] * len(CHECKS)


def test_the_script_makes_the_good_agent_learn() -> None:
    """Otherwise no check could fail."""
    agent = Learner()
    agent.reset(SETTING)
    shown = Stage(agent, SETTING).play(ROUNDS)
    assert agent.extra == 1.0
    assert len(agent.own) == USERS
    assert len({slate.items.tobytes() for slate in shown}) == len(ROUNDS)


class Mute(Learner):
    snapshot = None  # type: ignore[assignment]


class Repeats(Learner):
    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        slates.items[-1, 1] = slates.items[-1, 0]
        return slates


class Strays(Learner):
    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        slates.items[0, 0] = ITEMS + 5
        return slates


class Overconfident(Random):
    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        return Slates(slates.items, slates.log_p + 0.01, slates.log_p_cascade)


class PrivateOnly(Learner):
    def act(self, observation: Observation) -> Slates:
        assert observation.candidates.shape[0] == len(observation)
        return super().act(observation)


class Scribbler(Learner):
    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        observation.candidates.sort(axis=-1)
        return slates


class Gambler(Learner):
    """Draws from a global generator, and lets it decide."""

    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        return Slates.certain(slates.items if np.random.random() < 0.5 else slates.items[:, ::-1].copy())  # noqa: NPY002


class Infinite(Learner):
    def score(self, users: Int64s, items: Int32s) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(super().score(users, items) * 0.0)


class Flat(Learner):
    def score(self, users: Int64s, items: Int32s) -> Floats:
        return super().score(users, items)[0]  # type: ignore[no-any-return]


class ForgetsStrangers(Learner):
    def score(self, users: Int64s, items: Int32s) -> Floats:
        known = np.array([int(user) in self.own or int(user) <= 60 for user in users], np.bool_)
        return super().score(users[known], items)


class Nosy(Learner):
    """Being asked counts as a click."""

    def score(self, users: Int64s, items: Int32s) -> Floats:
        found = super().score(users, items)
        for user in users:
            self.own.setdefault(int(user), np.zeros(ITEMS + 9))[items[:1]] += 3.0
        return found


class NosyInPrivate(Learner):
    """Answers alike twice in a row, but shows the slates of those who are asked about the other way round."""

    asked = 0

    def score(self, users: Int64s, items: Int32s) -> Floats:
        self.asked += 1
        return super().score(users, items)

    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        return Slates.certain(slates.items[:, ::-1].copy() if self.asked else slates.items)


class Hasty(Learner):
    """Counts at once what others did: who is met later in the tick sees another world."""

    def learn(self, feedback: Feedback) -> None:
        super().learn(feedback)
        super().tick(0.0)


class Crowd(Learner):
    """Compares users within a batch."""

    def score(self, users: Int64s, items: Int32s) -> Floats:
        found = super().score(users, items)
        return found - found.mean(axis=0) if len(found) else found


class Shallow(Learner):
    """Hands out its state itself."""

    def snapshot(self) -> object:
        return dict(vars(self))

    def restore(self, state: object) -> None:
        vars(self).update(state)  # type: ignore[call-overload]


class OnceOnly(Learner):
    """Its first restore is right; the state then lives on in the agent."""

    def restore(self, state: object) -> None:
        vars(self).update(state)  # type: ignore[call-overload]


class Sticky(Learner):
    """Remembers users across resets."""

    def reset(self, setting: Setting) -> None:
        before = getattr(self, "own", {})
        super().reset(setting)
        self.own = before


class Backwards(Learner):
    def tick(self, now: float) -> Sequence[Job]:
        super().tick(now)
        return (Job("back", -1.0),)


class OwnOnly(Learner):
    """Believes that what it returned was shown, to everybody."""

    def reset(self, setting: Setting) -> None:
        self.last: Slates | None = None
        super().reset(setting)

    def act(self, observation: Observation) -> Slates:
        self.last = super().act(observation)
        return self.last

    def learn(self, feedback: Feedback) -> None:
        if self.last is not None and not np.array_equal(feedback.items, self.last.items):
            raise ValueError("these are not my slates")
        super().learn(feedback)


class Raises(Learner):
    def learn(self, feedback: Feedback) -> None:
        raise RuntimeError("out of ideas")


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (Mute, "methods", "lacks snapshot"),
        (Repeats, "slates", "holds an item twice"),
        (Strays, "slates", f"item {ITEMS + 5} is not among the candidates"),
        (Overconfident, "slates", "is not the sum of log_p_cascade"),
        (PrivateOnly, "candidates", "raised AssertionError"),
        (Scribbler, "inputs", "wrote into an array"),
        (OwnOnly, "other_slates", "raised ValueError: these are not my slates"),
        (Gambler, "repeatable", "slates differ between two agents alike, first at user"),
        (Infinite, "score", "is not finite"),
        (Flat, "score", "score returned shape"),
        (ForgetsStrangers, "score", "score returned shape"),
        (Nosy, "score_is_pure", "two calls in a row differ"),
        (NosyInPrivate, "score_is_pure", "with and without calls of score"),
        (Hasty, "batches", "two halves, the later one first"),
        (Crowd, "batches", "scores differ"),
        (Shallow, "snapshot", "before and after the first restore"),
        (OnceOnly, "snapshot", "before and after the second restore"),
        (Sticky, "reset", "a new agent and a used one after reset"),
        (Backwards, "slates", "must be a Job with days >= 0"),
        (Raises, "slates", "raised RuntimeError: out of ideas"),
    ],
)
def test_a_broken_agent_is_caught(make: Callable[[], AgentProtocol], name: str, words: str) -> None:
    found = faults(make)
    assert name in found
    assert words in found[name]


@pytest.mark.parametrize("make", [Hasty, Sticky, Scribbler, OwnOnly, OnceOnly, NosyInPrivate, Crowd])
def test_a_fault_is_not_blamed_on_other_promises(make: Callable[[], AgentProtocol]) -> None:
    assert len(faults(make)) == 1


def test_every_check_has_caught_somebody() -> None:
    pairs = test_a_broken_agent_is_caught.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {name for _, name, _ in pairs} == set(CHECKS)


SEEN = ROUNDS[0][0]
GOOD = Slates.certain(SEEN.candidates[:, :SLATE].copy())


@pytest.mark.parametrize(
    ("slates", "words"),
    [
        ([1, 2], "act returned list; must be Slates"),
        (Slates(GOOD.items[:, :1], GOOD.log_p, GOOD.log_p_cascade), "Slates.items has shape [6, 1]; must be [6, 2]"),
        (Slates(GOOD.items, GOOD.log_p[:3], GOOD.log_p_cascade), "Slates.log_p has shape [3]; must be [6]"),
        (Slates(GOOD.items.astype(np.int64), GOOD.log_p, GOOD.log_p_cascade), "int64; must be int32"),
        (Slates(GOOD.items, GOOD.log_p * np.nan, GOOD.log_p_cascade), "must be finite and <= 0"),
        (Slates(GOOD.items, GOOD.log_p + 0.4, GOOD.log_p_cascade + 0.2), "must be finite and <= 0"),
    ],
)
def test_a_fault_of_slates_is_put_into_words(slates: Any, words: str) -> None:
    assert words in str(slate_fault(SEEN, slates, SLATE))
    assert slate_fault(SEEN, GOOD, SLATE) is None


class Listener(Random):
    """Keeps what it is told."""

    told: ClassVar[list[Any]] = []

    def act(self, observation: Observation) -> Slates:
        self.told.append(observation)
        return super().act(observation)

    def learn(self, feedback: Feedback) -> None:
        self.told.append(feedback)


def test_a_script_turns_into_a_log_of_the_agents_own_that_hangs_together() -> None:
    agent = Listener()
    agent.reset(SETTING)
    Listener.told.clear()
    Stage(agent, SETTING).play(ROUNDS)
    observations, told = Listener.told[::2], Listener.told[1::2]
    for k in range(1, len(ROUNDS)):
        before, behaviors = told[k - 1], observations[k].behaviors
        took = before.choice < SLATE
        own = dict(zip(before.user[took].tolist(), before.items[took, before.choice[took]].tolist(), strict=True))
        assert dict(zip(behaviors.user.tolist(), behaviors.item.tolist(), strict=True)) == own
        np.testing.assert_array_equal(behaviors.about, 100 + behaviors.item)
        np.testing.assert_array_equal(before.choice, ROUNDS[k - 1][1].choice)
    assert (observations[1].behaviors.item != ROUNDS[1][0].behaviors.item).any()
