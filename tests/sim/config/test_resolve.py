"""Overrides reach every key of the schema and are refused with the nearest one."""

from collections.abc import Iterator
from typing import Any

import pytest

from driftline.sim.config.params import WorldParams
from driftline.sim.config.resolve import apply, from_texts, world_params
from driftline.sim.errors import InputError

STATED: dict[str, Any] = {"groups": {"all": {"laws": {"gradual": {"tau": 20, "sigma": 1.0}}}}, "horizon": 30}


SOURCES = "catalogue.source = 'movilens': must be 'synthetic', 'movielens' or 'own_data'; did you mean 'movielens'?"


def _complaint(**overrides: Any) -> str:
    with pytest.raises(InputError) as problem:
        world_params(STATED, {key.replace("__", "."): value for key, value in overrides.items()})
    return str(problem.value)


def test_texts_are_yaml_by_dotted_key() -> None:
    assert from_texts(["a.b=5", "c=[1, x]", "d=", "e=a=b", "f = true"]) == {
        "a.b": 5,
        "c": [1, "x"],
        "d": None,
        "e": "a=b",
        "f": True,
    }


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["users"], "--set 'users': must be key=value, for instance population.users=500"),
        (["=5"], "--set '=5': must be key=value, for instance population.users=500"),
        (["a=1", "a=2"], "--set 'a': stated twice"),
        (["a=[1"], "--set a: line 1, column 3: not valid YAML: expected ',' or ']', but got '<stream end>'"),
    ],
)
def test_a_text_that_is_no_override_is_refused(texts: list[str], line: str) -> None:
    with pytest.raises(InputError) as problem:
        from_texts(texts)
    assert str(problem.value) == line


def test_overrides_reach_sections_laws_and_whole_mappings() -> None:
    params = world_params(
        STATED,
        {
            "population.users": 7,
            "groups.all.laws.gradual.tau": 3,
            "groups.all.laws.abrupt": {"hazard": 0.1, "sigma": 1},
            "slate": 4,
        },
    )
    assert params.population.users == 7
    laws = params.groups["all"].laws
    assert laws["gradual"].model_dump(include={"tau", "sigma"}) == {"tau": 3.0, "sigma": 1.0}
    assert list(laws) == ["gradual", "abrupt"]
    assert params.slate == 4


def test_what_was_stated_is_not_changed() -> None:
    apply(STATED, {"groups.all.laws.gradual.tau": 1}, WorldParams)
    assert STATED["groups"]["all"]["laws"]["gradual"]["tau"] == 20


def test_an_override_within_a_default_mapping_keeps_the_rest_of_it() -> None:
    default = WorldParams.model_fields["catalogue"].default.domains
    params = world_params(STATED, {"catalogue.domains.news.share": 2})
    assert set(params.catalogue.domains) == set(default)
    assert params.catalogue.domains["news"].share == 2


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("population__users", -5, "population.users = -5: must be >= 1"),
        ("population__users", "many", "population.users = 'many': must be a whole number"),
        ("population__users", None, "population.users = null: must be a whole number"),
        ("population__users", 2.5, "population.users = 2.5: must be a whole number"),
        ("population", 3, "population = 3: must be a mapping of keys to values"),
        ("population__userz", 5, "key 'population.userz' is unknown; did you mean 'population.users'?"),
        ("horizon__days", 5, "key 'horizon.days' is unknown; 'horizon' has no keys below it"),
        ("horizon", float("nan"), "horizon = nan: must be a finite number"),
        ("horizon", 5e9, "horizon = 5000000000.0: must be <= 36525"),
        ("tick", 1e300, "tick = 1e+300: must be <= 1"),
        ("population__sessions_spread", 1e30, "population.sessions_spread = 1e+30: must be <= 2"),
        ("groups__all__spread", 1e308, "groups.all.spread = 1e+308: must be <= 100"),
        ("groups__all__laws__gradual__sigma", 1e30, "groups.all.laws.gradual.sigma = 1e+30: must be <= 100"),
        ("choice__outside", 1e30, "choice.outside = 1e+30: must be <= 100"),
        ("groups__all__laws", {"flow": {}, "static": {}}, "key 'groups.all.laws.flow.rate' is missing"),
        ("groups__all__laws", {"static": {}, "flow": {}}, "key 'groups.all.laws.flow.rate' is missing"),
        ("groups__all__laws", {"flow": 3}, "groups.all.laws.flow = 3: must be a mapping of keys to values"),
        ("groups__all__laws__gradual__tau", 0, "groups.all.laws.gradual.tau = 0: must be > 0"),
        (
            "groups__all__laws__gradual__tua",
            1,
            "key 'groups.all.laws.gradual.tua' is unknown; did you mean 'groups.all.laws.gradual.tau'?",
        ),
        ("groups__all__laws__gradul__tau", 1, "law 'gradul' is unknown; did you mean 'gradual'?"),
        ("groups__new__share", 1, "key 'groups.new.laws' is missing"),
        ("catalogue__source", "movilens", SOURCES),
        (
            "catalogue__domains",
            {"news": {"lifetime": [3]}},
            "catalogue.domains.news.lifetime: has too few values",
        ),
    ],
)
def test_one_line_names_key_value_bound_and_the_nearest_key(key: str, value: object, line: str) -> None:
    assert _complaint(**{key: value}) == line


def _numbers(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict):
        for key, below in node.items():
            yield from _numbers(below, (*path, key))
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield path


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 1e308, 1e30, 10**30])
def test_every_number_has_an_upper_bound_and_a_finite_one(value: float) -> None:
    whole = WorldParams.model_validate(STATED).model_dump(mode="json")
    paths = list(_numbers(whole))
    assert len(paths) > 30
    for path in paths:
        told = _complaint(**{"__".join(path): value})
        assert told.startswith(f"{'.'.join(path)} = "), told
        assert "\n" not in told
