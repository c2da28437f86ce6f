"""The suite of policies passes ours, and refuses every kind of broken one by name."""

from typing import Any

import numpy as np
import pytest
from unkept import faults

from driftline.agents.checks import _policy, check_policy
from driftline.agents.policy import PlackettLuce, Policy, draw, plackett_luce_log_propensity
from driftline.sim.plug_ins import PlugIns, class_like
from driftline.sim.types import Floats, Int32s, Int64s, Observation, Slates

POLICIES: PlugIns[Any] = PlugIns("policy", "driftline.agents.policy", class_like(Policy, "Policy"))


@pytest.mark.parametrize("name", POLICIES.names())
def test_a_built_in_policy_keeps_every_promise(name: str) -> None:
    checks = check_policy(POLICIES.find(name))
    assert [check.name for check in checks] == [promise.name for promise in _policy.SUITE]
    assert [str(check) for check in checks if check.fault or check.unasked] == []


@pytest.mark.parametrize("temperature", [0.05, 1.0, 30.0])
@pytest.mark.parametrize("shortlist", [3, 100])
def test_plackett_luce_keeps_every_promise_with_any_numbers(temperature: float, shortlist: int) -> None:
    assert faults(check_policy(PlackettLuce(temperature=temperature, shortlist=shortlist))) == {}


class Drawn:
    """Plackett-Luce at temperature 1, by hand."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        return draw(observation, scores, best.shape[1], scores.shape[1], seed)

    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        return plackett_luce_log_propensity(scores, observation.candidates, items)


class Silent(Drawn):
    log_propensity = None  # type: ignore[assignment]


class Nothing(Drawn):
    slates = None  # type: ignore[assignment]


class Twins(Drawn):
    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        found = super().slates(observation, scores, best, seed)
        found.items[:, 1] = found.items[:, 0]
        return found


class Sorts(Drawn):
    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        found = super().slates(observation, scores, best, seed)
        scores.sort(axis=1)
        return found


class Wild(Drawn):
    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        return super().slates(observation, scores, best, int(np.random.default_rng().integers(2**31)))


class ByRow(Drawn):
    """Keyed by the row, which is another one in another batch."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        return super().slates(observation, scores, best, seed + len(observation))


class Hotter(Drawn):
    """Draws from flatter probabilities than it states."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        found = super().slates(observation, 0.8 * scores, best, seed)
        stated = self.log_propensity(observation, scores, best, found.items)
        return Slates(found.items, stated.sum(axis=1), stated)


class OncePerUser(Drawn):
    """The draw of a user's first visit is shown for ever."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        observation.visit[:] = 0
        return super().slates(observation, scores, best, seed)


class Vague(Drawn):
    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        return super().log_propensity(observation, 0.9 * scores, best, items)


class Doubtful(Drawn):
    def log_propensity(self, observation: Observation, scores: Floats, best: Int64s, items: Int32s) -> Floats:
        return super().log_propensity(observation, scores, best, items) - 0.1


BROKEN_POLICIES = [
    (Nothing, "methods", "it lacks slates"),
    (Twins, "slates", "holds an item twice"),
    (Sorts, "inputs", "slates wrote into scores or best"),
    (Wild, "repeatable", "when it is asked twice"),
    (ByRow, "batches", "alone and among others"),
    (Hotter, "frequencies", "log_p promised"),
    (OncePerUser, "frequencies", "log_p promised"),
    (Vague, "own_propensity", "log_propensity of a slate that it drew is"),
    (Doubtful, "propensity", "add up to 0.818731"),
]


@pytest.mark.parametrize(("make", "name", "words"), BROKEN_POLICIES)
def test_a_broken_policy_is_refused_by_name_with_the_reason(make: Any, name: str, words: str) -> None:
    assert faults(check_policy(Drawn)) == {}
    found = faults(check_policy(make))
    assert name in found
    assert words in found[name]


def test_every_promise_of_policies_has_been_broken_by_somebody() -> None:
    assert {name for _, name, _ in BROKEN_POLICIES} == {promise.name for promise in _policy.SUITE}


def test_a_policy_that_states_no_propensities_is_asked_the_rest() -> None:
    checks = check_policy(Silent)
    assert {check.name for check in checks if check.unasked} == {"own_propensity", "propensity"}
    assert faults(checks) == {}
