"""A world's meaning changes only with a new version."""

from pathlib import Path

import pytest
import yaml

from driftline.scenarios.hashes import agent_hash, scenario_hash, world_hash
from driftline.scenarios.schema import AgentSpec, check, load
from driftline.sim.config.files import read_scenario, scenario_files

GOLDEN = Path(__file__).parent / "golden_hashes.yaml"


@pytest.mark.parametrize("name", sorted(scenario_files()))
def test_a_packaged_world_means_what_its_version_meant(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    golden = yaml.safe_load(GOLDEN.read_text())
    assert golden.get(name, {}).get(scenario.version) == world_hash(scenario), (
        f"{name}: its world changed; raise its version, then run tests/scenarios/write_golden_hashes.py"
    )


def test_a_hash_ignores_layout_words_and_stated_defaults() -> None:
    stated = read_scenario("abrupt_shift")
    scenario = check(stated)
    turned = {key: stated[key] for key in reversed(stated)} | {"title": "Another", "purpose": "Another."}
    same = check({**turned, "tick": scenario.tick, "run": {"batch": 7, "cache": "/elsewhere"}})
    assert world_hash(same) == world_hash(scenario)
    assert scenario_hash(same) == scenario_hash(scenario)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("population.users", 7),
        ("version", 99),
        ("groups.drifting.laws.gradual.tau", 25.5),
        ("reward", "click"),
    ],
)
def test_a_hash_moves_with_every_meaning(key: str, value: object) -> None:
    before, after = load("abrupt_shift"), load("abrupt_shift", {key: value})
    assert world_hash(before) != world_hash(after)
    assert scenario_hash(before) != scenario_hash(after)


def test_how_a_world_is_judged_does_not_change_the_world() -> None:
    before, after = load("abrupt_shift"), load("abrupt_shift", {"judge.tracked_users": 3})
    assert world_hash(before) == world_hash(after)
    assert scenario_hash(before) != scenario_hash(after)


def test_the_order_of_laws_is_meaning() -> None:
    """Laws draw from streams numbered by their place."""
    stated = read_scenario("abrupt_shift")
    laws = {"static": {}, "gradual": {"tau": 3, "sigma": 1}}
    one = check({**stated, "groups": {"all": {"laws": laws}}})
    two = check({**stated, "groups": {"all": {"laws": dict(reversed(laws.items()))}}})
    assert world_hash(one) != world_hash(two)


def test_where_real_data_lies_is_not_part_of_a_world() -> None:
    here, there = (load("own_data", {"catalogue.path": path}) for path in ("/a", "/b"))
    assert world_hash(here) == world_hash(there)


def test_the_order_of_an_agents_parameters_does_not_matter() -> None:
    assert agent_hash(AgentSpec(params={"a": 1, "b": 2})) == agent_hash(AgentSpec(params={"b": 2, "a": 1}))
    assert agent_hash(AgentSpec(params={"a": 1})) != agent_hash(AgentSpec(params={"a": 2}))


def test_a_resolved_scenario_loads_as_itself() -> None:
    scenario = load("abrupt_shift")
    again = check(yaml.safe_load(yaml.safe_dump(scenario.model_dump(mode="json"), sort_keys=False)))
    assert scenario_hash(again) == scenario_hash(scenario)
