"""Every built-in agent keeps to the protocol."""

import numpy as np
import pytest
from recorded_rounds import Recorded, recorded

from driftline.agents.checks import check_agent
from driftline.agents.protocol import AgentProtocol
from driftline.scenarios.compose import build_agent
from driftline.sim.types import BehaviorKind

OFTEN = "refit_days=0.5,retrain_days=1,retrain_takes=0.5"
AGENTS = (
    "random",
    "popularity",
    "recency_popularity",
    "static_mf",
    "moving_average[predictor=hashing]",
    "moving_average[predictor=hashing,policy=plackett_luce]",
    "online_gradient[predictor=none]",
    f"full[predictor=hashing,{OFTEN}]",
    f"full[predictor=none,evolution=moving_average,policy=plackett_luce,{OFTEN}]",
)


@pytest.fixture(scope="module")
def small() -> Recorded:
    return recorded(*AGENTS, f"full[predictor=scratch,{OFTEN}]")


def test_the_script_holds_what_agents_stumble_over(small: Recorded) -> None:
    rounds = small.rounds
    assert sum(len(observation.arrived) for observation, _ in rounds) > 0
    assert len({observation.tick for observation, _ in rounds}) > 5
    ticks = [observation.tick for observation, _ in rounds]
    assert len(ticks) > len(set(ticks))  # several rounds in one tick
    kinds = np.concatenate([observation.behaviors.kind for observation, _ in rounds])
    assert {BehaviorKind.CONSUME, BehaviorKind.SEARCH} <= set(kinds.tolist())
    assert any(np.isfinite(feedback.rating).any() for _, feedback in rounds)
    assert any((feedback.choice == 5).any() for _, feedback in rounds)


def _conforms(small: Recorded, agent: str) -> None:
    def make() -> AgentProtocol:
        return build_agent(small.scenario, agent, small.world)

    checks = list(check_agent(make, small.setting, small.rounds))
    assert len(checks) == 11
    assert {check.name: check.fault for check in checks if check.fault} == {}


@pytest.mark.parametrize("agent", AGENTS)
def test_a_built_in_agent_keeps_to_the_protocol(small: Recorded, agent: str) -> None:
    _conforms(small, agent)


@pytest.mark.slow
def test_an_agent_with_a_transformer_of_its_own_keeps_to_the_protocol(small: Recorded) -> None:
    _conforms(small, f"full[predictor=scratch,{OFTEN}]")
