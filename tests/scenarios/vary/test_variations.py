"""Every variation of every packaged scenario: legal, other than the base in just the keys it names, or skipped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from driftline.scenarios.schema import Scenario, load
from driftline.scenarios.vary.api import planned
from driftline.scenarios.vary.variations import VARIATIONS, Edit, Skip, Variation, chosen, varied
from driftline.sim.config.files import scenario_files
from driftline.sim.errors import InputError
from driftline.sim.laws._base import Law
from driftline.sim.text.lexicon import lexicon
from driftline.sim.world import World

SMALL: dict[str, Any] = {"population.users": 20, "catalogue.items": 80, "catalogue.probes": 8, "candidates.private": 20}
REAL = ("movielens", "own_data")
BY_NAME = {each.name: each for each in VARIATIONS}
PAIR = ("popularity", "random")


class Tide(Law):
    """A law that does not say its rates."""

    height: float = 1.0


class Thaw(Law):
    """A law of somebody else's that says them."""

    rates: ClassVar[tuple[str, ...] | None] = ("a_day",)
    a_day: float = 0.5


def _leaves(value: object, at: str = "") -> dict[str, object]:
    if not isinstance(value, Mapping):
        return {at: value}
    return {k: v for key, each in value.items() for k, v in _leaves(each, f"{at}.{key}" if at else str(key)).items()}


def _edit(scenario: Scenario, name: str) -> Edit:
    edit = BY_NAME[name].edit(scenario)
    assert isinstance(edit, Edit)
    return edit


def _skip(scenario: Scenario, name: str) -> str:
    skip = BY_NAME[name].edit(scenario)
    assert isinstance(skip, Skip)
    return skip.reason


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda each: each.name)
@pytest.mark.parametrize("name", [name for name in sorted(scenario_files()) if name not in REAL])
def test_it_is_a_legal_world_that_differs_in_the_named_keys_only(name: str, variation: Variation) -> None:
    base = load(name, SMALL)
    edit = variation.edit(base)
    if isinstance(edit, Skip):
        assert variation.name == "logit_choice"
        return
    other = varied(base, variation.name, edit.changes)
    World(other, 0)
    before, after = _leaves(base.model_dump(mode="json")), _leaves(other.model_dump(mode="json"))
    assert before.keys() == after.keys()
    differing = {key: after[key] for key in before if before[key] != after[key]}
    assert differing.pop("title") == f"{base.title} ({variation.name})"
    assert differing == {change.key: change.after for change in edit.changes}
    assert {change.key: change.before for change in edit.changes} == {key: before[key] for key in differing}


@pytest.mark.parametrize("name", REAL)
def test_real_catalogues_keep_their_topics_and_titles(name: str) -> None:
    plan = planned(name, PAIR, None, [0], {}, None)
    reason = f"the topics of a catalogue from {name} are those of its data"
    assert plan.skipped == {
        "logit_choice": "choice.model is multinomial_logit already",
        "half_topics": reason,
        "more_topics": reason,
    }
    by_name = {world.name: world for world in plan.worlds}
    assert by_name["other_text"].note == "titles are real and stay; comments are others"
    assert by_name["double_drift"].scenario.groups["everybody"].laws["gradual"].model_dump()["tau"] == 30


@pytest.mark.parametrize(
    ("own", "half", "more"), [(16, 8, 20), (8, 4, 16), (10, 5, 20), (3, 2, 6), (2, None, 4), (20, 10, None)]
)
def test_topics_stay_within_what_there_are_words_for(own: int, half: int | None, more: int | None) -> None:
    assert len(lexicon().topics) == 20
    base = load("plain", {"catalogue.topics": own})
    for name, wanted in (("half_topics", half), ("more_topics", more)):
        if wanted is None:
            bound = (
                "the fewest that a world can have" if name == "half_topics" else "all that the lexicon has words for"
            )
            assert _skip(base, name) == f"catalogue.topics is {own}, {bound}"
        else:
            assert [change.after for change in _edit(base, name).changes] == [wanted]


def test_a_choice_model_of_ones_own_takes_its_numbers_with_it() -> None:
    base = load("plain", {"choice": {"model": "own_models:Overload", "params": {"crowd": 1.0}}})
    edit = _edit(base, "logit_choice")
    assert [change.key for change in edit.changes] == ["choice.model", "choice.params"]
    assert varied(base, "logit_choice", edit.changes).choice == load("plain").choice


def test_drift_is_scaled_in_every_group_by_its_own_laws() -> None:
    found = {change.key: change.after for change in _edit(load("abrupt_shift"), "double_drift").changes}
    assert found == {"groups.drifting.laws.gradual.tau": 12.5, "groups.jumping.laws.abrupt.hazard": 0.06}
    found = {change.key: change.after for change in _edit(load("feedback_loop"), "half_drift").changes}
    loop = "groups.impressionable.laws.reinforcement"
    assert found == {f"{loop}.rate": 0.25, f"{loop}.tau": 40.0}


def test_a_world_without_drift_has_no_faster_one() -> None:
    still = load("gradual_drift", {"groups": {"all": {"laws": {"static": {}}}}})
    assert _skip(still, "half_drift") == _skip(still, "double_drift") == "no law of this world has a rate of drift"


def test_a_law_that_does_not_say_its_rates_is_named_and_left_alone() -> None:
    tide, thaw = f"{__name__}:Tide", f"{__name__}:Thaw"
    alone = load("gradual_drift", {"groups": {"sea.side": {"laws": {tide: {}}}}})
    assert _skip(alone, "double_drift") == f"{tide}: not touched, as it does not say `rates`"
    both = load("gradual_drift", {"groups": {"sea.side": {"laws": {tide: {}, thaw: {}}}}})
    edit = _edit(both, "double_drift")
    assert edit.note == f"{tide}: not touched, as it does not say `rates`"
    faster = varied(both, "double_drift", edit.changes).groups["sea.side"].laws
    assert faster == {tide: Tide(), thaw: Thaw(a_day=1.0)}


def test_a_rate_that_leaves_its_bounds_is_skipped_with_the_number() -> None:
    wild = {"groups.jumping.laws.abrupt.hazard": 0.6}
    plan = planned("abrupt_shift", PAIR, ["drift"], [0], wild, None)
    assert plan.skipped == {"double_drift": "groups.jumping.laws.abrupt x 2: hazard = 1.2: must be <= 1"}
    assert [world.name for world in plan.worlds] == ["base", "half_drift"]


@pytest.mark.parametrize(
    ("own", "other"),
    [("satisfaction", "click"), ("dwell", "click"), ("purchase", "click"), ("click", "satisfaction")],
)
def test_another_reward_is_not_the_scenarios_own(own: str, other: str) -> None:
    assert [change.after for change in _edit(load("plain", {"reward": own}), "other_reward").changes] == [other]


@pytest.mark.parametrize("own", [None, 0, 41, 1_000_000])
def test_other_texts_are_others(own: int | None) -> None:
    base = load("plain", {**SMALL, "text.seed": own})
    other = varied(base, "other_text", _edit(base, "other_text").changes)
    here, there = World(base, 0).model, World(other, 0).model
    titles = [[each.corpus.segments.text(code) for code in each.catalogue_text.tolist()] for each in (here, there)]
    assert sum(a == b for a, b in zip(*titles, strict=True)) < 0.1 * len(titles[0])
    assert (here.catalogue.mixture == there.catalogue.mixture).all()
    assert (here.catalogue.quality == there.catalogue.quality).all()


def test_variations_are_asked_for_by_name_or_kind_and_keep_their_order() -> None:
    assert chosen(None) is VARIATIONS
    names = [each.name for each in chosen(["other_text", "drift", "half_drift"])]
    assert names == ["half_drift", "double_drift", "other_text"]
    assert [each.name for each in chosen("topics")] == ["half_topics", "more_topics"]
    with pytest.raises(InputError, match="variation 'hlaf_drift' is unknown; did you mean 'half_drift'"):
        chosen(["topics", "hlaf_drift"])
    with pytest.raises(InputError, match="at least one is needed"):
        chosen([])


@pytest.mark.parametrize(
    ("stated", "line"),
    [
        ({"overrides": {"run.truth": "off"}}, r"run\.truth = off: a comparison needs the truth log, all or sample"),
        ({"pair": ("popularity", "popularity")}, "agent 'popularity' is given twice"),
        ({"variations": ["logit_choice"]}, "no variation applies to 'plain': logit_choice: choice.model is "),
    ],
)
def test_what_cannot_be_is_said_before_any_work(stated: dict[str, Any], line: str) -> None:
    asked = {"pair": PAIR, "variations": None, "overrides": {}} | stated
    with pytest.raises(InputError, match=line):
        planned("plain", asked["pair"], asked["variations"], [0], asked["overrides"], None)


def test_the_folder_names_scenario_agents_and_seeds_but_not_the_choice_of_variations(tmp_path: Path) -> None:
    few, all_ = (planned("plain", PAIR, names, [0, 1], {}, None).folder for names in (["text"], None))
    assert few == all_
    assert few.parent == Path("runs")
    assert few.name.startswith("vary-plain-")
    assert planned("plain", PAIR, None, [0], {}, None).folder != all_
    assert planned("plain", PAIR, None, [0], {}, tmp_path).folder == tmp_path
