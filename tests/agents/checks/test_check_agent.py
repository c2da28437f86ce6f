"""The agents' suite passes good agents, and refuses every kind of broken one by name, with the reason."""

import copy
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest

from driftline.agents.agent import Agent
from driftline.agents.baselines.random import Random
from driftline.agents.checks import check_agent
from driftline.agents.checks._agent import SUITE
from driftline.agents.checks._hands import Generators, generator_states, held_bytes, seed_generators
from driftline.agents.checks._script import Stage, repeated
from driftline.agents.checks._shop import ITEMS, NEW, SLATE, USERS, small_shop
from driftline.agents.checks._slates import slate_fault
from driftline.agents.protocol import AgentProtocol, Job
from driftline.sim.plug_ins import PlugIns, class_like
from driftline.sim.types import BehaviorKind, Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates

SETTING, ROUNDS = small_shop()
TABLE = ITEMS + NEW + 1
BASELINES: PlugIns[type[AgentProtocol]] = PlugIns(
    "agent", "driftline.agents.baselines", class_like(AgentProtocol, "AgentProtocol")
)


def faults(make: Callable[[], AgentProtocol]) -> dict[str, str]:
    return {check.name: check.fault for check in check_agent(make) if check.fault}


class Learner(Agent):
    """Popular items, those that the user took first; a job adds a little to everybody's counts."""

    def reset(self, setting: Setting) -> None:
        self.counts, self.pending, self.extra = np.zeros(TABLE), np.zeros(TABLE), 0.0
        super().reset(setting)

    def act(self, observation: Observation) -> Slates:
        return self.highest(observation, self.scores(observation.user, self.offered(observation)))

    def learn(self, feedback: Feedback) -> None:
        for user, shown, choice in zip(feedback.user, feedback.items, feedback.choice, strict=True):
            if choice < SLATE:
                self.memory.setdefault(user, np.zeros(TABLE))[shown[choice]] += 1.5
                self.pending[shown[choice]] += 1

    def tick(self, now: float) -> Sequence[Job]:
        self.counts += self.pending
        self.pending[:] = 0.0
        return (Job("more", 0.8),) if now == SETTING.start + 1 else ()

    def finish(self, job: str) -> None:
        self.extra += 1.0

    def scores(self, users: Int64s, items: Int32s) -> Floats:
        worth = np.zeros((len(users), np.shape(items)[-1]))
        for row, user in enumerate(users):
            mine = items if items.ndim == 1 else items[row]
            worth[row] = self.extra + (self.counts + self.memory.get(user, 0.0))[mine]
        return worth


@pytest.mark.parametrize("make", [Learner, *map(BASELINES.find, BASELINES.names())], ids=lambda make: make.__name__)
def test_a_good_agent_keeps_every_promise(make: Callable[[], AgentProtocol]) -> None:
    checks = check_agent(make)
    assert [check.name for check in checks] == [promise.name for promise in SUITE]
    assert [str(check) for check in checks if check.fault] == []
    unasked = {check.name for check in checks if check.unasked}
    assert unasked == ({"propensity"} if make is Learner else set())


@pytest.mark.parametrize("name", ["popularity", "recency_popularity", "static_mf"])
def test_a_baseline_that_draws_keeps_every_promise(name: str) -> None:
    kind: Any = BASELINES.find(name)
    assert faults(lambda: kind(temperature=0.4)) == {}


def test_the_shop_makes_an_agent_learn() -> None:
    """Otherwise no promise could be broken."""
    agent = Learner()
    agent.reset(SETTING)
    shown = Stage(agent, SETTING).play(ROUNDS)
    assert agent.extra == 1.0
    assert len(agent.memory) == USERS
    assert len({slate.items.tobytes() for slate in shown}) == len(ROUNDS)


def test_the_shop_holds_what_agents_stumble_over() -> None:
    seen = [observation for observation, _ in ROUNDS]
    ticks = [observation.tick for observation in seen]
    assert len(ticks) > len(set(ticks))
    assert max(np.diff(ticks)) > 1
    assert {observation.candidates.ndim for observation in seen} == {1, 2}
    assert sum(len(observation.arrived) for observation in seen) == NEW
    assert len(np.unique(np.concatenate([observation.user for observation in seen]))) == USERS
    assert set(np.unique(SETTING.feedback.user)) < set(np.concatenate([observation.user for observation in seen]))
    kinds = np.concatenate([observation.behaviors.kind for observation in seen])
    assert {BehaviorKind.CONSUME, BehaviorKind.SEARCH} <= set(kinds.tolist())
    assert any(np.isfinite(feedback.rating).any() for _, feedback in ROUNDS)
    assert any((feedback.choice == SLATE).any() for _, feedback in ROUNDS)
    for observation, feedback in ROUNDS:
        assert slate_fault(observation, Slates.certain(feedback.items), SLATE) is None
        assert (np.diff(observation.behaviors.time) >= 0).all()
        np.testing.assert_array_equal(observation.user, feedback.user)
    by_user = [(user, visit) for o in seen for user, visit in zip(o.user.tolist(), o.visit.tolist(), strict=True)]
    assert len(set(by_user)) == len(by_user)


# -- broken twins ------------------------------------------------------------------------------------------------


class Mute(Learner):
    snapshot = None  # type: ignore[assignment]


class Repeats(Learner):
    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        slates.items[-1:, 1] = slates.items[-1:, 0]
        return slates


class Strays(Learner):
    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        slates.items[:1, 0] = 999
        return slates


class Overconfident(Random):
    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        return Slates(slates.items, slates.log_p + 0.01, slates.log_p_cascade)


class Backwards(Learner):
    def tick(self, now: float) -> Sequence[Job]:
        super().tick(now)
        return (Job("back", -1.0),)


class Raises(Learner):
    def tick(self, now: float) -> Sequence[Job]:
        raise RuntimeError("out of ideas")


class PrivateOnly(Learner):
    def act(self, observation: Observation) -> Slates:
        assert observation.candidates.ndim == 2
        return super().act(observation)


class KnowsEverybody(Learner):
    def act(self, observation: Observation) -> Slates:
        if (observation.user > 2**50).any() or not set(observation.user.tolist()) <= EVERYBODY:
            raise KeyError("no such user")
        return super().act(observation)


EVERYBODY = {int(user) for observation, _ in ROUNDS for user in observation.user}


class Stacks(Learner):
    def scores(self, users: Int64s, items: Int32s) -> Floats:
        pool = np.broadcast_to(items, (len(users), np.shape(items)[-1]))
        return np.stack([self.counts[row] for row in pool]) if np.ndim(items) == 2 else super().scores(users, items)


class CountsRounds(Learner):
    """Every second round it shows the slates the other way round, whoever is due."""

    def reset(self, setting: Setting) -> None:
        self.rounds = 0
        super().reset(setting)

    def act(self, observation: Observation) -> Slates:
        self.rounds += 1
        slates = super().act(observation)
        return Slates.certain(slates.items[:, ::-1].copy() if self.rounds % 2 else slates.items)


class Inflates(Random):
    """States 1/C for every place, though fewer are left at the later ones."""

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        return np.full(items.shape, -np.log(observation.candidates.shape[-1]))


class Contradicts(Learner):
    """Shows one slate for certain, and says that all are alike."""

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        return np.broadcast_to(-np.log(observation.candidates.shape[-1] - np.arange(SLATE)), items.shape)


class Leaks(Random):
    """States of every slate what it states of its own, which is certain for it."""

    def act(self, observation: Observation) -> Slates:
        return Slates.certain(super().act(observation).items)

    def log_propensity(self, observation: Observation, items: Int32s) -> Floats:
        return np.zeros(items.shape)


class Scribbler(Learner):
    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        observation.candidates.sort(axis=-1)
        return slates


class Borrows(Learner):
    """Writes, and puts everything back."""

    def learn(self, feedback: Feedback) -> None:
        feedback.choice[:] += 1
        feedback.choice[:] -= 1
        super().learn(feedback)


class Dicey(Learner):
    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        turn = np.random.default_rng().random(len(observation)) < 0.5
        return Slates.certain(np.where(turn[:, None], slates.items[:, ::-1], slates.items))


class Gambler(Learner):
    """Draws from a global generator, and lets it decide."""

    def act(self, observation: Observation) -> Slates:
        slates = super().act(observation)
        return Slates.certain(slates.items if np.random.random() < 0.5 else slates.items[:, ::-1].copy())  # noqa: NPY002


class Stealthy(Learner):
    """Draws from a global generator and hides it."""

    def act(self, observation: Observation) -> Slates:
        with Generators():
            turned = np.random.random() < 0.42  # noqa: NPY002
        slates = super().act(observation)
        return Slates.certain(slates.items[:, ::-1].copy() if turned else slates.items)


class OwnOnly(Learner):
    """Believes that what it returned was shown, to everybody."""

    last: Slates | None = None

    def reset(self, setting: Setting) -> None:
        self.last = None
        super().reset(setting)

    def act(self, observation: Observation) -> Slates:
        self.last = super().act(observation)
        return self.last

    def learn(self, feedback: Feedback) -> None:
        if self.last is not None and not np.array_equal(feedback.items, self.last.items):
            raise ValueError("these are not my slates")
        super().learn(feedback)


class Infinite(Learner):
    def scores(self, users: Int64s, items: Int32s) -> Floats:
        return super().scores(users, items) / (items < 2)


class Flat(Learner):
    def score(self, users: Int64s, items: Int32s) -> Floats:
        return super().score(users, items)[:1]


class ForgetsStrangers(Learner):
    def score(self, users: Int64s, items: Int32s) -> Floats:
        return super().score(np.array([user for user in users.tolist() if user in EVERYBODY]), items)


class Nosy(Learner):
    """Being asked counts as a click."""

    def score(self, users: Int64s, items: Int32s) -> Floats:
        found = super().score(users, items)
        for user in users:
            self.memory.setdefault(user, np.zeros(TABLE))[items[:1]] += 3.0
        return found


class NosyInPrivate(Learner):
    """Answers alike twice in a row, but shows the slates of those who are asked about the other way round."""

    def reset(self, setting: Setting) -> None:
        self.asked = 0
        super().reset(setting)

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


class Neighbours(Agent):
    """Items that were taken by those who took what the user took; pairs are counted at once."""

    def reset(self, setting: Setting) -> None:
        self.together = np.zeros((TABLE, TABLE))
        super().reset(setting)

    def act(self, observation: Observation) -> Slates:
        pool = self.offered(observation)
        scores = np.zeros(pool.shape)
        for row, user in enumerate(observation.user):
            scores[row] = self.together[self.memory.get(user, [])].sum(axis=0)[pool[row]]
        return self.highest(observation, scores)

    def learn(self, feedback: Feedback) -> None:
        for user, slate, choice in zip(feedback.user, feedback.items, feedback.choice, strict=True):
            if choice < len(slate):
                self.together[self.memory.setdefault(user, []), slate[choice]] += 1
                self.memory[user] = [*self.memory[user], slate[choice]][-20:]


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
        before = getattr(self, "memory", {})
        super().reset(setting)
        self.memory.update(before)


class Diarist(Learner):
    """Writes down every visit of everybody."""

    def reset(self, setting: Setting) -> None:
        self.diary: list[tuple[int, float]] = []
        super().reset(setting)

    def learn(self, feedback: Feedback) -> None:
        super().learn(feedback)
        self.diary += zip(feedback.user.tolist(), feedback.time.tolist(), strict=True)


BROKEN: list[tuple[Any, str, str]] = [
    (Mute, "methods", "it lacks snapshot"),
    (Repeats, "slates", "holds an item twice"),
    (Strays, "slates", "item 999 is not among the candidates"),
    (Overconfident, "slates", "is not the sum of log_p_cascade"),
    (Backwards, "slates", "must be a Job with days >= 0"),
    (Raises, "slates", "it raised RuntimeError: out of ideas"),
    (PrivateOnly, "candidates", "it raised AssertionError"),
    (KnowsEverybody, "strangers", "it raised KeyError: 'no such user'"),
    (Stacks, "empty_rounds", "it raised ValueError: need at least one array to stack"),
    (CountsRounds, "empty_rounds", "slates differ between with and without rounds in which nobody is due"),
    (Contradicts, "propensity", "log_propensity of its own slate is -4.09434 and log_p 0"),
    (Leaks, "propensity", "add up to 60 for user"),
    (Inflates, "propensity", "log_propensity of its own slate is -4.8"),
    (Scribbler, "inputs", "act wrote into Observation.candidates"),
    (Borrows, "inputs", "it raised ValueError"),
    (Dicey, "repeatable", "slates differ between two agents alike, first at user"),
    (Gambler, "global_generators", "act drew from the global generator of numpy"),
    (Stealthy, "global_generators", "slates differ between two seeds of the global generators"),
    (OwnOnly, "other_slates", "it raised ValueError: these are not my slates"),
    (Infinite, "score", "is not finite"),
    (Flat, "score", "score returned shape [1, 36]; must be [19, 36]"),
    (ForgetsStrangers, "score", "score returned shape"),
    (Nosy, "score_is_pure", "two calls of score in a row differ"),
    (NosyInPrivate, "score_is_pure", "with and without calls of score"),
    (Hasty, "shared", "changed when learn heard of"),
    (Neighbours, "shared", "once learn has heard of"),
    (Neighbours, "batches", "slates differ between at once and in batches"),
    (Crowd, "batches", "scores differ"),
    (Shallow, "snapshot", "before and after the first restore"),
    (OnceOnly, "snapshot", "before and after the second restore"),
    (Sticky, "reset", "a new agent and a used one after reset"),
    (Diarist, "memory", "more with each visit (at most 1)"),
]


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(("make", "name", "words"), BROKEN)
def test_a_broken_agent_is_refused_by_name_with_the_reason(
    make: Callable[[], AgentProtocol], name: str, words: str
) -> None:
    found = faults(make)
    assert name in found
    assert words in found[name]


@pytest.mark.parametrize(
    "make",
    [Contradicts, Leaks, Scribbler, Borrows, OwnOnly, NosyInPrivate, Crowd, OnceOnly, Sticky, Diarist, KnowsEverybody],
)
def test_a_fault_is_not_blamed_on_other_promises(make: Callable[[], AgentProtocol]) -> None:
    assert len(faults(make)) == 1


def test_every_promise_has_been_broken_by_somebody() -> None:
    assert {name for _, name, _ in BROKEN} == {promise.name for promise in SUITE}


def test_a_broken_agent_harms_nobody_who_is_examined_after_it() -> None:
    before = copy.deepcopy([feedback.items for _, feedback in ROUNDS]), SETTING.feedback.choice.copy()
    states = generator_states()
    faults(Scribbler), faults(Borrows), faults(Gambler)
    assert generator_states().keys() >= states.keys()
    assert all(generator_states()[owner] == state for owner, state in states.items() if owner != "numpy")
    np.testing.assert_array_equal(SETTING.feedback.choice, before[1])
    assert faults(Learner) == {}


def test_without_its_methods_an_agent_is_asked_nothing_else() -> None:
    broken: Any = Mute
    (only,) = check_agent(broken)
    assert str(only).startswith("BROKEN  methods: it has every method of AgentProtocol; but it lacks snapshot. Inherit")


# -- what it is examined with ----------------------------------------------------------------------------------------


SEEN = ROUNDS[1][0]
GOOD = Slates.certain(SEEN.candidates[:, :SLATE].copy())
N = len(SEEN)


@pytest.mark.parametrize(
    ("slates", "words"),
    [
        ([1, 2], "act returned list; must be Slates"),
        (
            Slates(GOOD.items[:, :1], GOOD.log_p, GOOD.log_p_cascade),
            f"Slates.items has shape [{N}, 1]; must be [{N}, 3]",
        ),
        (Slates(GOOD.items, GOOD.log_p[:3], GOOD.log_p_cascade), f"Slates.log_p has shape [3]; must be [{N}]"),
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
    taken: dict[int, int] = {}
    for observation, told in pairwise([*Listener.told, None]):
        if told is None or not isinstance(observation, Observation):
            continue
        said = observation.behaviors
        bought = said.kind == BehaviorKind.CONSUME
        for user, item, about in zip(said.user[bought], said.item[bought], said.about[bought], strict=True):
            assert taken.get(int(user), int(item)) == item
            assert about == item  # the shop's titles have their item's number
        for user, slate, choice in zip(told.user, told.items, told.choice, strict=True):
            if choice < SLATE:
                taken[int(user)] = int(slate[choice])
    assert len(taken) == USERS


def test_rounds_come_again_later_with_visits_of_their_own() -> None:
    setting, rounds = repeated(SETTING, ROUNDS, 3)
    assert len(rounds) == 3 * len(ROUNDS)
    keys = [(u, v) for o, _ in rounds for u, v in zip(o.user.tolist(), o.visit.tolist(), strict=True)]
    assert len(set(keys)) == len(keys)
    assert all(a.tick <= b.tick for (a, _), (b, _) in pairwise(rounds))
    assert all(
        (o.time < (o.tick + 1) * setting.tick).all() and (o.time >= o.tick * setting.tick).all() for o, _ in rounds
    )
    assert sum(len(o.arrived) for o, _ in rounds) == NEW
    assert setting.horizon > rounds[-1][0].time.max()


def test_what_is_remembered_is_counted_once_and_code_not_at_all() -> None:
    table = np.zeros(1000)
    assert 8000 <= held_bytes({"a": table, "b": table}, ()) < 9000
    assert held_bytes({"a": table}, (table,)) < 1000
    assert held_bytes([np, held_bytes, Learner], ()) < 1000
    assert held_bytes({"agent": deque([np.zeros(500)])}, ()) >= 4000


def test_seeding_and_going_back_leave_global_generators_as_they_were() -> None:
    before = generator_states()
    with Generators():
        seed_generators(3)
        assert generator_states() != before
    assert generator_states() == before
