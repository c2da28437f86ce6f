"""The agents' suite passes good agents, and refuses every kind of broken one by name, with the reason."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from broken_agents import (
    BROKEN,
    Borrows,
    Contradicts,
    Crowd,
    Diarist,
    Gambler,
    KnowsEverybody,
    Leaks,
    Mute,
    NosyInPrivate,
    OnceOnly,
    OwnOnly,
    Scribbler,
    Sticky,
)
from learner import ROUNDS, SETTING, Learner
from unkept import faults

from driftline.agents.checks import check_agent
from driftline.agents.checks._agent import SUITE
from driftline.agents.checks._hands import generator_states
from driftline.agents.protocol import AgentProtocol
from driftline.sim.plug_ins import PlugIns, class_like

BASELINES: PlugIns[type[AgentProtocol]] = PlugIns(
    "agent", "driftline.agents.baselines", class_like(AgentProtocol, "AgentProtocol")
)


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
    assert broken(lambda: kind(temperature=0.4)) == {}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(("make", "name", "words"), BROKEN)
def test_a_broken_agent_is_refused_by_name_with_the_reason(
    make: Callable[[], AgentProtocol], name: str, words: str
) -> None:
    found = broken(make)
    assert name in found
    assert words in found[name]


@pytest.mark.parametrize(
    "make",
    [Contradicts, Leaks, Scribbler, Borrows, OwnOnly, NosyInPrivate, Crowd, OnceOnly, Sticky, Diarist, KnowsEverybody],
)
def test_a_fault_is_not_blamed_on_other_promises(make: Callable[[], AgentProtocol]) -> None:
    assert len(broken(make)) == 1


def test_every_promise_has_been_broken_by_somebody() -> None:
    assert {name for _, name, _ in BROKEN} == {promise.name for promise in SUITE}


def test_a_broken_agent_harms_nobody_who_is_examined_after_it() -> None:
    before = copy.deepcopy([feedback.items for _, feedback in ROUNDS]), SETTING.feedback.choice.copy()
    states = generator_states()
    broken(Scribbler), broken(Borrows), broken(Gambler)
    assert generator_states().keys() >= states.keys()
    assert all(generator_states()[owner] == state for owner, state in states.items() if owner != "numpy")
    np.testing.assert_array_equal(SETTING.feedback.choice, before[1])
    assert broken(Learner) == {}


def test_without_its_methods_an_agent_is_asked_nothing_else() -> None:
    broken: Any = Mute
    (only,) = check_agent(broken)
    assert str(only).startswith("BROKEN  methods: it has every method of AgentProtocol; but it lacks snapshot. Inherit")


def broken(make: Callable[[], AgentProtocol]) -> dict[str, str]:
    return faults(check_agent(make))
