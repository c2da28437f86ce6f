"""Every built-in agent says how likely it was to show any slate: enumerated, drawn, and without a trace."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from recorded_rounds import Recorded, recorded

from driftline.agents.baselines.random import Random
from driftline.agents.policy import Greedy, states_propensities
from driftline.agents.protocol import AgentProtocol
from driftline.scenarios.built_in import agent_ids
from driftline.scenarios.compose import build_agent
from driftline.sim.types import Floats, Int32s, Int64s, Observation, Slates

TINY = {"candidates.private": 5, "slate": 3, "population.users": 12}
DEAF = "predictor=hashing"
VARIANTS = {
    "popularity": ("temperature=0.5",),
    "recency_popularity": ("temperature=0.5",),
    "static_mf": ("temperature=0.2",),
    "full": (DEAF, f"{DEAF},policy=plackett_luce", f"{DEAF},policy=plackett_luce,shortlist=4,temperature=1.0"),
    "filter_bank": (DEAF, f"{DEAF},policy=plackett_luce"),
    "moving_average": (DEAF, f"{DEAF},policy=plackett_luce"),
    "online_gradient": (DEAF, f"{DEAF},policy=plackett_luce"),
}
AGENTS = [
    *(agent for agent in agent_ids() if DEAF not in VARIANTS.get(agent, ())),
    *(f"{agent}[{variant}]" for agent, variants in VARIANTS.items() for variant in variants),
]


@pytest.fixture(scope="module")
def tiny() -> Recorded:
    return recorded(*AGENTS, **TINY)


def _played(tiny: Recorded, agent: str) -> Iterator[tuple[AgentProtocol, Observation, Slates]]:
    """An agent that is asked right after each `act`, beside one alike that never is; random slates are shown."""
    world = tiny.world.fork()
    asked, quiet = (build_agent(tiny.scenario, agent, world) for _ in range(2))
    shown = Random()
    for each in (asked, quiet, shown):
        each.reset(tiny.setting)
    ticks = -1
    while (observation := world.observe()) is not None:
        for now in range(max(ticks + 1, round(4 / 0.25)), observation.tick + 1):
            for each in (asked, quiet):
                each.tick(now * 0.25)
        ticks = observation.tick
        slates = asked.act(observation)
        np.testing.assert_array_equal(slates.items, quiet.act(observation).items)
        yield asked, observation, slates
        feedback = world.respond(shown.act(observation))
        for each in (asked, quiet):
            each.learn(feedback)


def _said(agent: AgentProtocol, observation: Observation, items: Int32s) -> Floats:
    assert states_propensities(agent)
    return agent.log_propensity(observation, items)


def _every_slate(observation: Observation) -> Iterator[Int32s]:
    for places in permutations(range(observation.candidates.shape[1]), 3):
        yield np.ascontiguousarray(observation.candidates[:, places])


@pytest.mark.parametrize("agent", AGENTS)
def test_all_slates_together_have_probability_one_and_its_own_the_one_it_stated(tiny: Recorded, agent: str) -> None:
    seen = 0
    for asked, observation, own in _played(tiny, agent):
        np.testing.assert_allclose(_said(asked, observation, own.items), own.log_p_cascade, atol=1e-9)
        whole = sum(np.exp(_said(asked, observation, items).sum(axis=1)) for items in _every_slate(observation))
        np.testing.assert_allclose(whole, 1.0, atol=1e-9)
        seen += len(observation)
    assert seen > 30


@pytest.mark.parametrize("agent", [agent for agent in AGENTS if "temperature" in agent or "plackett" in agent])
def test_draws_come_as_often_as_they_are_said_to(tiny: Recorded, agent: str) -> None:
    asked, observation, _ = next(_played(tiny, agent))
    one = _first_visit(observation)
    draws = 4_000
    many = _copies(one, draws)
    shown = asked.act(many).items
    slates = np.concatenate(list(_every_slate(one)))
    chance = np.exp([_said(asked, one, slate[None, :]).sum() for slate in slates])
    count = np.array([(shown == slate).all(axis=1).sum() for slate in slates])
    often = draws * chance >= 5.0  # the rest as one cell
    cells = np.append(count[often], count[~often].sum()), np.append(chance[often], chance[~often].sum()) * draws
    square = ((cells[0] - cells[1]) ** 2 / np.maximum(cells[1], 1e-9))[cells[1] > 0].sum()
    freedom = int((cells[1] > 0).sum()) - 1
    assert freedom > 3
    assert square < freedom + 4.0 * np.sqrt(2.0 * freedom)  # four standard errors of chi-square
    assert count[chance == 0.0].sum() == 0


def test_a_prefix_says_nothing_of_what_stands_below_it(tiny: Recorded) -> None:
    asked, observation, own = next(_played(tiny, f"full[{DEAF},policy=plackett_luce]"))
    other = own.items.copy()
    left = [sorted(set(pool) - set(slate)) for pool, slate in zip(observation.candidates, own.items, strict=True)]
    other[:, 2] = [rest[0] for rest in left]
    np.testing.assert_array_equal(_said(asked, observation, own.items)[:, :2], _said(asked, observation, other)[:, :2])


def test_a_user_who_was_never_met_is_named(tiny: Recorded) -> None:
    for agent in (f"full[{DEAF}]", f"moving_average[{DEAF}]"):
        asked, observation, own = next(_played(tiny, agent))
        stranger = replace(observation, user=observation.user + 1)
        with pytest.raises(ValueError, match=f"user {stranger.user[0]} was not among the visits of any `act`"):
            _said(asked, stranger, own.items)


class Silent:
    """A policy that draws nothing and states nothing."""

    def slates(self, observation: Observation, scores: Floats, best: Int64s, seed: int) -> Slates:
        return Greedy().slates(observation, scores, best, seed)


def test_an_agent_says_so_where_its_policy_states_nothing(tiny: Recorded) -> None:
    for agent in ("full", "moving_average"):
        name = f"{agent}[{DEAF},policy={__name__}:Silent]"
        small = recorded(name, **TINY)
        assert not states_propensities(build_agent(small.scenario, name, small.world))


def _first_visit(observation: Observation) -> Observation:
    return replace(
        observation,
        user=observation.user[:1],
        visit=observation.visit[:1],
        time=observation.time[:1],
        candidates=observation.candidates[:1],
    )


def _copies(one: Observation, n: int) -> Observation:
    """The same visit under other numbers: noise is keyed by them."""
    return replace(
        one,
        user=np.repeat(one.user, n),
        visit=np.arange(n, dtype=np.int32),
        time=np.repeat(one.time, n),
        candidates=np.repeat(one.candidates, n, axis=0),
    )
