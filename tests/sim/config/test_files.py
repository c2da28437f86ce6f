"""Scenario files are found by name and read with clear errors."""

from pathlib import Path

import pytest

from driftline.sim.config.files import find_scenario, parse, read_mapping, read_scenario, scenario_files
from driftline.sim.errors import InputError


def _complaint(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as problem:
        read_mapping(path)
    return str(problem.value)


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a\n")
    assert read_mapping(path) == {"name": "a"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"# only a remark\n", "the file is empty"),
        (b"- a\n- b\n", "must be a mapping of keys to values, not a list"),
        (b"name; a\n", "must be a mapping of keys to values, not a str"),
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "line 4: key 'c' appears twice"),
        (b"a: 1\n\tb: 2\n", "line 2, column 1: not valid YAML: a tab stands where YAML wants spaces"),
        (b"a: [1, 2\n", "not valid YAML"),
        (b"a: \xff\n", "not UTF-8 text (byte 3)"),
        (b"1: a\n", "key 1 must be text"),
        (b"a: 2020-13-45\n", "not valid YAML: month must be in 1..12"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path, content: bytes, words: str) -> None:
    line = _complaint(tmp_path / "world.yaml", content)
    assert line.startswith(f"{tmp_path / 'world.yaml'}: ")
    assert words in line
    assert "\n" not in line


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scenario file '.*nowhere.yaml' does not exist"):
        find_scenario(tmp_path / "nowhere.yaml")
    with pytest.raises(InputError, match="is a folder, not a scenario file"):
        find_scenario(tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("true", True),
        ("1e3", 1000.0),
        ("2.5e-3", 0.0025),
        ("7", 7),
        ("null", None),
    ],
)
def test_words_and_numbers_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    assert parse(text) == value
    assert type(parse(text)) is type(value)


def test_an_unknown_name_gets_the_nearest_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cold_start.yaml").write_text("name: cold_start\n")
    monkeypatch.setenv("DRIFTLINE_SCENARIOS", str(tmp_path))
    with pytest.raises(InputError) as problem:
        find_scenario("cold_strat")
    assert str(problem.value) == "scenario 'cold_strat' is unknown; did you mean 'cold_start'?"


def test_own_folders_are_listed_beside_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRIFTLINE_SCENARIOS", raising=False)
    packaged = set(scenario_files())
    assert "abrupt_shift" in packaged
    (tmp_path / "mine.yml").write_text("name: mine\n")
    monkeypatch.setenv("DRIFTLINE_SCENARIOS", str(tmp_path))
    assert set(scenario_files()) == packaged | {"mine"}
    assert read_scenario("mine") == {"name": "mine"}


def test_two_files_of_one_name_and_a_missing_folder_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "abrupt_shift.yaml").write_text("name: abrupt_shift\n")
    monkeypatch.setenv("DRIFTLINE_SCENARIOS", str(tmp_path))
    with pytest.raises(InputError, match="scenario 'abrupt_shift' exists twice"):
        scenario_files()
    monkeypatch.setenv("DRIFTLINE_SCENARIOS", str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"DRIFTLINE_SCENARIOS: folder '.*gone' does not exist"):
        scenario_files()


def test_a_run_folder_stands_for_the_scenario_it_resolved(tmp_path: Path) -> None:
    (tmp_path / "resolved.yaml").write_text("agents: [full]\nscenario:\n  name: again\n")
    assert read_scenario(tmp_path) == {"name": "again"}
    assert read_scenario(tmp_path / "resolved.yaml") == {"name": "again"}
