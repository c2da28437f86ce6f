"""The manual tells the truth: its examples run, its commands parse, its links lead somewhere."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from driftline.scenarios import api
from driftline.scenarios.agent_names import split_ids
from driftline.scenarios.cli.main import app
from driftline.scenarios.schema import findings, seed_range
from driftline.sim.config.files import parse, scenario_files
from driftline.sim.config.resolve import from_texts

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [page.name for page in PAGES]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SAVED = re.compile(r"# (\w+)\.py\n")


def _blocks(page: Path, language: str) -> list[str]:
    return [body for info, body in FENCE.findall(page.read_text(encoding="utf-8")) if info.strip() == language]


def _commands() -> list[str]:
    lines = [line for page in PAGES for block in _blocks(page, "bash") for line in block.splitlines()]
    return sorted({line.strip() for line in lines if line.strip()})


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "python")], ids=lambda page: page.name)
def test_every_python_example_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One namespace a page. A block that begins with `# name.py` is saved under that name, as its reader would."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    namespace: dict[str, Any] = {"__name__": page.stem}
    for number, block in enumerate(_blocks(page, "python")):
        if saved := SAVED.match(block):
            Path(f"{saved[1]}.py").write_text(block, encoding="utf-8")
            monkeypatch.delitem(sys.modules, saved[1], raising=False)
        else:
            exec(compile(block, f"{page.name}, block {number}", "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_python_example_is_exempt(page: Path) -> None:
    languages = {info.strip() for info, _ in FENCE.findall(page.read_text(encoding="utf-8"))}
    assert languages <= {"python", "bash", "yaml", "text"}


@pytest.mark.parametrize("title", ["Bring your own agent", "Swap only the predictor"])
def test_what_the_readme_promises_takes_at_most_twenty_lines(title: str) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(f"## {title}")[1].split("\n## ")[0]
    saved = next(body for info, body in FENCE.findall(section) if info == "python")
    lines = [line for line in saved.splitlines() if line.strip() and not re.match(r"\s*#|import |from ", line)]
    assert SAVED.match(saved)
    assert len(lines) <= 20


@pytest.mark.parametrize("line", [line for line in _commands() if line.startswith("driftline ")])
def test_every_command_line_parses(line: str) -> None:
    """Options by the parser; scenario, agents, seeds and overrides by the checks that come before any work."""
    arguments = shlex.split(line)[1:]
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    with typer.Context(group) as context:
        name, command, rest = group.resolve_command(context, arguments)
        assert name
        assert command
        stated = command.make_context(name, rest).params
    scenario = stated.get("scenario", stated.get("what"))
    if scenario in scenario_files() and "seeds" in stated:
        # An experiment names two agents, a grading takes those of the scenario.
        named = stated.get("agents") or ",".join(filter(None, (stated.get("a"), stated.get("b")))) or "popularity"
        agents = [agent for agent in split_ids(named) if ":" not in agent.partition("[")[0]]
        api.prepared(scenario, agents, seed_range(stated["seeds"]), from_texts(stated["set_"] or []))


def test_a_wrong_command_line_would_be_noticed() -> None:
    with pytest.raises(Exception, match="--sedes"):
        test_every_command_line_parses("driftline run abrupt_shift --sedes 3")
    with pytest.raises(ValueError, match=r"population\.userz"):
        test_every_command_line_parses("driftline run abrupt_shift --set population.userz=3")


@pytest.mark.parametrize("line", [line for line in _commands() if line.startswith("make ")])
def test_every_make_target_exists(line: str) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(line.split()[1:]) <= set(targets)


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "yaml")], ids=lambda page: page.name)
def test_every_scenario_in_the_manual_is_valid(page: Path) -> None:
    for block in _blocks(page, "yaml"):
        assert findings(parse(block)) == []


def test_the_manual_shows_every_key_of_a_scenario() -> None:
    from driftline.scenarios.schema import Scenario

    shown = parse(_blocks(ROOT / "docs" / "scenarios.md", "yaml")[0])
    for name, field in Scenario.model_fields.items():
        assert name in shown
        fields = getattr(field.annotation, "model_fields", {})
        if name != "candidates":
            assert set(fields) <= set(shown[name] if fields else ()), name


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if link.startswith(("http:", "https:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", FENCE.sub("", target.read_text(encoding="utf-8")), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}, link


def test_every_page_is_on_the_map() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if page.name != "index.md" and f"({page.name})" not in index] == []
