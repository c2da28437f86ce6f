"""`make mutants`: seeded spots, changes of one place, the tests that are asked, and what is concluded."""

import ast
import importlib
import itertools
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT / "benchmarks" / "mutants"

EVERY_KIND = '''
import math

LEAST = 3


def chosen(values, most=10):
    """The first few."""
    total = 0.5
    for value in values[1:most]:
        if value is None or not value > LEAST or False:
            continue
        total += (value - 1) * -2 ** most / math.floor(value)
        values[0] = min(total, value)
        print(value)
    if not values:
        raise ValueError(f"nothing among {len(values) - 1}")
    return round(total, most) if total else -1
'''
NOTHING_TO_CHANGE = '''
"""Longer than 3 lines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, TypeVar

__all__ = ["a" * 2]
Pair = tuple[int, int] | None
Level = Annotated[float, "above 0"]
T = TypeVar("T", bound=int | None)


@dataclass(frozen=True, eq=False)
class Held:
    """With 2 fields."""

    some: Literal[1, 2]
    other: Callable[[int], float]
    """At least 3."""


class Reader(Protocol):
    def read(self, most: int = 3) -> bool:
        return True
'''
FILES = {
    "sim/base.py": (
        "from driftline.sim.kernel import kernel\n\nSCALE = 2.0\n\n\n@kernel\ndef scaled(x):\n    return SCALE * x\n"
    ),
    "sim/user.py": (
        "from driftline.sim.base import scaled\nfrom driftline.sim.kernel import kernel\n\n\n"
        "@kernel\ndef both(x, y):\n    return scaled(x) + y\n\n\n"
        "def called(x):\n    return both(x, 1.0)\n\n\ndef apart(x):\n    return x + 1\n"
    ),
    "sim/kernel.py": "def kernel(function):\n    return function\n",
}


@pytest.fixture(autouse=True)
def _tool_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOL))


def tool(module: str) -> ModuleType:
    return importlib.import_module(module)


def places_that_differ(one: Any, two: Any) -> int:
    """How many topmost nodes or values two trees do not share."""
    if type(one) is not type(two):
        return 1
    if isinstance(one, ast.AST):
        return sum(places_that_differ(getattr(one, name), getattr(two, name)) for name in one._fields)
    if isinstance(one, list):
        if len(one) != len(two):
            return 1
        return sum(itertools.starmap(places_that_differ, zip(one, two, strict=True)))
    return int(one != two)


def rendered(source: str) -> list[Any]:
    return [tool("spots").rendered("sim/a.py", source, change) for change in tool("changes").Changes(source)]


def test_every_change_parses_and_is_of_one_place() -> None:
    found = rendered(EVERY_KIND)
    for mutant in found:
        places = places_that_differ(ast.parse(EVERY_KIND), ast.parse(mutant.mutated))
        assert places == 1 or mutant.change.kind == "order", mutant  # two operands change places
        assert mutant.before != mutant.after
    kinds = {mutant.change.kind for mutant in found}
    operators = {"comparison", "arithmetic", "and/or", "not", "sign", "condition", "order"}
    assert kinds == operators | {"constant", "boolean", "extreme", "slice", "return", "deletion"}


def test_what_is_said_in_an_error_is_never_changed() -> None:
    told = [mutant for mutant in rendered(EVERY_KIND) if "raise" in mutant.before]
    assert [mutant.after for mutant in told] == ["pass"]


def test_texts_types_decorators_and_protocols_are_never_changed() -> None:
    assert list(tool("changes").Changes(NOTHING_TO_CHANGE)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [("x = a * b ** c", "x = a * (b * c)"), ("x = a and b == c", "x = a or b == c"), ("x = -a ** 2", "x = -(a * 2)")],
)
def test_a_change_of_an_operator_keeps_what_is_around_it(before: str, after: str) -> None:
    assert after in [mutant.mutated for mutant in rendered(before)]


def test_the_same_seed_chooses_the_same_mutants_and_another_seed_others() -> None:
    sources, sampled = tool("spots").sources(ROOT), tool("spots").sampled
    some = {file: text for file, text in sources.items() if file.startswith("sim/choice/")}
    first = sampled(some, 0, 12)
    assert first == sampled(dict(reversed(some.items())), 0, 12)
    assert len({(mutant.file, mutant.change.line) for mutant in first}) == 12
    assert [mutant.key for mutant in first] != [mutant.key for mutant in sampled(some, 1, 12)]


def test_an_edit_elsewhere_moves_no_spot() -> None:
    sampled = tool("spots").sampled
    longer = EVERY_KIND.replace("import math\n", "import math\n\n# A comment.\n")
    before, after = (sampled({"sim/a.py": text}, 0, 6) for text in (EVERY_KIND, longer))
    assert [mutant.key for mutant in before] == [mutant.key for mutant in after]


def test_compiled_code_is_stale_when_what_it_was_made_of_changes() -> None:
    mentions = tool("mentions").Mentions(FILES)
    stale = tool("compiled").stale
    assert stale(mentions, [("sim/base.py", "SCALE")]) == {"sim/base.py", "sim/user.py"}
    assert stale(mentions, [("sim/user.py", "both")]) == {"sim/user.py"}
    assert stale(mentions, [("sim/kernel.py", "kernel")]) == {"sim/base.py", "sim/user.py"}


def test_only_entries_of_other_files_are_carried_into_the_cache_of_a_mutant(tmp_path: Path) -> None:
    compiled = tool("compiled")
    for below in (Path(), Path("worker-0")):
        folder = tmp_path / "all" / below / compiled._folder(tmp_path / "here", "sim/user.py")
        folder.mkdir(parents=True)
        for name in ("user.both-5.py311.nbi", "user.both-5.py311.1.nbc", "base.scaled-7.py311.nbi"):
            (folder / name).write_text(name)
    compiled.carry(tmp_path / "all", tmp_path / "here", tmp_path / "some", tmp_path / "there", {"sim/base.py"})
    there = compiled._folder(tmp_path / "there", "sim/base.py")
    carried = {path.relative_to(tmp_path / "some").as_posix() for path in (tmp_path / "some").rglob("*.nb?")}
    assert carried == {f"{there}/base.scaled-7.py311.nbi", f"worker-0/{there}/base.scaled-7.py311.nbi"}


def mapped(lines: dict[str, dict[str, list[int]]], seconds: dict[str, float]) -> Any:
    bits = {
        file: {test: f"{sum(1 << line for line in ran):x}" for test, ran in tests.items()}
        for file, tests in lines.items()
    }
    return tool("coverage_map").CoverageMap(FILES, {}, seconds, bits)


def test_compiled_code_is_covered_by_the_tests_that_run_its_callers_and_the_mirrored_file_comes_first() -> None:
    seconds = {"tests/sim/test_user.py::test_slow": 9.0, "tests/sim/test_base.py::test_a": 3.0}
    seconds |= {"tests/test_far.py::test_quick": 0.1, "tests/test_far.py::test_neighbour": 0.01}
    callers = {test: [11] for test in seconds if not test.endswith("neighbour")}
    covering = tool("covering").Covering(
        ROOT, tool("mentions").Mentions(FILES), mapped({"sim/user.py": callers}, seconds)
    )
    source = FILES["sim/base.py"]
    mutants = [tool("spots").rendered("sim/base.py", source, each) for each in tool("changes").Changes(source)]
    for mutant in mutants:  # of SCALE and of the kernel that reads it
        found = covering.tests(mutant)
        assert found.near == ("tests/sim/test_base.py::test_a",)
        assert found.far == (
            "tests/test_far.py::test_quick",
            "tests/sim/test_user.py::test_slow",
            "tests/test_far.py::test_neighbour",
        )
        assert found.needed == set(callers)


def test_a_line_of_plain_python_is_covered_by_the_tests_that_run_it() -> None:
    seconds = {"tests/sim/test_user.py::test_apart": 1.0, "tests/sim/test_base.py::test_a": 1.0}
    known = mapped({"sim/user.py": {"tests/sim/test_user.py::test_apart": [15]}}, seconds)
    covering = tool("covering").Covering(ROOT, tool("mentions").Mentions(FILES), known)
    source = FILES["sim/user.py"]
    mutant = next(each for each in rendered(source) if each.change.function == "apart")
    found = covering.tests(tool("spots").rendered("sim/user.py", source, mutant.change))
    assert (found.near, found.far) == (("tests/sim/test_user.py::test_apart",), ())


def test_the_map_follows_lines_that_move() -> None:
    known = mapped({"sim/user.py": {"tests/a.py::test_a": [11, 15]}}, {"tests/a.py::test_a": 1.0})
    moved = FILES["sim/user.py"].replace("def called", "# one\n# two\ndef called").replace("x + 1\n", "x + 2\n")
    now = tool("coverage_map").carried_over(known, FILES | {"sim/user.py": moved})
    assert int(now.lines["sim/user.py"]["tests/a.py::test_a"], 16) == 1 << 13  # the other line is another one now


def test_an_equivalent_must_name_a_reason(tmp_path: Path) -> None:
    equivalents = tool("verdicts").equivalents
    path = tmp_path / "equivalents.yaml"
    entry = "- file: sim/a.py\n  function: f\n  before: x < 1\n  after: x <= 1\n"
    path.write_text(f"{entry}  why: x is never 1\n")
    assert equivalents(path) == {("sim/a.py", "f", "x < 1", "x <= 1"): "x is never 1"}
    for reasonless in (entry, f"{entry}  why: ''\n", f"{entry}  why:\n"):
        path.write_text(reasonless)
        with pytest.raises(ValueError, match="entry 1"):
            equivalents(path)


def test_the_list_of_equivalents_can_be_read() -> None:
    found = tool("verdicts").equivalents(TOOL / "equivalents.yaml")
    assert len(found) == len(yaml.safe_load((TOOL / "equivalents.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("results", "declared", "status"),
    [
        ("kkkkkkkkks", "", 0),
        ("kkkkkkkkss", "", 1),
        ("kkkkkkkkkt", "", 0),
        ("kkkkkkkktt", "", 1),
        ("kkkkkkkkkv", "", 0),
        ("kkkkkkkksv", "", 1),
        ("kkkkkkkkks", "9", 0),
        ("kkkkkkkkss", "89", 1),  # two of ten declared
        ("kkkkkkkkkk", "9", 1),  # declared, yet killed
    ],
)
def test_the_exit_status_follows_from_the_share_killed_and_the_share_declared(
    results: str, declared: str, status: int
) -> None:
    verdicts, result = tool("verdicts"), tool("trial").Result
    names = {"k": "killed", "s": "survived", "t": "timed out", "v": "void"}
    mutants = dict(enumerate(tool("spots").sampled({"sim/a.py": EVERY_KIND}, 0, 10)))
    said = {number: result(names[letter], "tests/a.py::test_a") for number, letter in enumerate(results)}
    reasons = {mutants[int(number)].key: "for a reason" for number in declared}
    assert verdicts.exit_status(mutants, said, reasons) == status
    assert len(verdicts.table(mutants, said, reasons).splitlines()) == 2 + len(mutants)
