"""Agents that each break one promise."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from learner import ROUNDS, TABLE, Learner

from driftline.agents.agent import Agent
from driftline.agents.baselines.random import Random
from driftline.agents.checks._hands import Generators
from driftline.agents.checks._shop import SLATE
from driftline.agents.protocol import Job
from driftline.sim.types import Feedback, Floats, Int32s, Int64s, Observation, Setting, Slates


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
"""Each with the promise that it breaks, and words of the reason."""
