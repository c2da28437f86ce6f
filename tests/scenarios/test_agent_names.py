"""Agent ids are taken apart, composed and refused with the nearest name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from driftline.scenarios import agent_names
from driftline.scenarios.agent_names import checked_agents, parse_id, split_ids, with_agents
from driftline.scenarios.built_in import BASELINES, POLICIES, agent_ids
from driftline.scenarios.schema import AgentSpec, Scenario, load
from driftline.sim.errors import InputError


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scenario:
    monkeypatch.setattr(agent_names, "tuned_folder", lambda: tmp_path)
    mine = {"evolution": "moving_average", "params": {"half_life": 3}}
    return load("plain", {"agents": {"mine": mine, "full": {"params": {"x": 1}}}})


def _refused(scenario: Scenario, *agents: str) -> str:
    with pytest.raises(InputError) as problem:
        checked_agents(scenario, agents)
    return str(problem.value)


def test_commas_within_brackets_do_not_separate() -> None:
    assert split_ids("a, b[x=1,y=2],c:D") == ("a", "b[x=1,y=2]", "c:D")


def test_an_id_is_taken_apart() -> None:
    name = parse_id("full[evolution=moving_average, half_life=2.5]")
    assert name.base == "full"
    assert name.changes == {"evolution": "moving_average", "half_life": 2.5}


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("full[", "must be a name, package.module:Class or name[key=value,...]"),
        ("full]", "must be a name"),
        ("", "must be a name"),
        ("full[x]", "'x' must be key=value"),
        ("full[]", "'' must be key=value"),
        ("full[x=1,x=2]", "'x' is stated twice"),
    ],
)
def test_an_id_that_cannot_be_read_is_refused(scenario: Scenario, agent: str, words: str) -> None:
    assert words in _refused(scenario, agent)


def test_an_unknown_agent_gets_the_nearest_name(scenario: Scenario) -> None:
    assert _refused(scenario, "populrity") == "agent 'populrity' is unknown; did you mean 'popularity'?"
    assert _refused(scenario, "mime") == "agent 'mime' is unknown; did you mean 'mine'?"
    assert _refused(scenario, "ful[x=1]") == "agent 'ful' is unknown; did you mean 'full'?"
    assert checked_agents(scenario, ["mine", "random"]) == ("mine", "random")


def test_none_and_twice_are_refused(scenario: Scenario) -> None:
    assert _refused(scenario) == "agents: at least one is needed"
    assert _refused(scenario, "full", "random", "full") == "agent 'full' is given twice"


def test_ids_that_share_a_folder_are_refused(scenario: Scenario) -> None:
    assert _refused(scenario, "full[a=(]", "full[a=)]") == (
        "agents 'full[a=(]' and 'full[a=)]' would share the folder 'full-a---'"
    )


@pytest.mark.parametrize(
    ("agent", "line"),
    [
        (
            "no_such_package.x:Y",
            "agent 'no_such_package.x:Y' cannot be imported: ModuleNotFoundError: No module named 'no_such",
        ),
        ("broken_agent:Y", "agent 'broken_agent:Y' cannot be imported: ZeroDivisionError: division by zero"),
        (
            "half_agent:Hulf",
            "agent 'half_agent:Hulf': module 'half_agent' has no 'Hulf'; did you mean 'Half'?",
        ),
        (
            "half_agent:Half",
            "agent 'half_agent:Half': lacks learn, tick, finish, score, snapshot, restore of driftline",
        ),
        ("half_agent:number", "agent 'half_agent:number': must be a class, not 1"),
    ],
)
def test_a_class_that_is_no_agent_is_refused_in_one_line(
    scenario: Scenario, agent: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_agent.py").write_text("1 / 0\n")
    (tmp_path / "half_agent.py").write_text(
        "number = 1\nclass Half:\n    def reset(self, setting): ...\n    def act(self, observation): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert _refused(scenario, agent).startswith(line)


def test_a_class_of_ones_own_is_found() -> None:
    path = "driftline.agents.baselines.popularity:Popularity"
    assert BASELINES.find(path) is BASELINES.find("popularity")


def _spec(scenario: Scenario, agent: str) -> AgentSpec:
    return with_agents(scenario, [agent]).agents[agent]


def test_brackets_win_over_the_scenario_and_the_scenario_over_tuned_values(scenario: Scenario, tmp_path: Path) -> None:
    values: dict[str, Any] = {"full": {"x": 9, "y": 9, "z": 9}, "full[policy=greedy]": {"z": 8}}
    path = tmp_path / f"{scenario.name}.yaml"
    path.write_text(yaml.safe_dump({"version": scenario.version, "agents": values}))
    assert _spec(scenario, "full").params == {"x": 1, "y": 9, "z": 9}
    assert _spec(scenario, "full[y=2]").params == {"x": 1, "y": 2, "z": 9}
    rival = _spec(scenario, "full[policy=greedy]")
    assert rival.params == {"x": 1, "y": 9, "z": 8}
    assert rival.policy == "greedy"
    assert _spec(scenario, "mine").evolution == "moving_average"
    path.write_text(yaml.safe_dump({"version": scenario.version + 1, "agents": values}))
    assert _spec(scenario, "full").params == {"x": 1}


def test_only_the_agents_that_are_asked_for_are_kept(scenario: Scenario) -> None:
    assert list(with_agents(scenario, ["random"]).agents) == ["random"]


def test_what_the_package_offers_is_found_by_listing_its_folders() -> None:
    assert agent_ids() == (
        "full", "oracle", "popularity", "random", "recency_popularity", "static_mf", "filter_bank",
        "moving_average", "online_gradient",
    )  # fmt: skip
    assert POLICIES.names() == ("greedy", "plackett_luce")
