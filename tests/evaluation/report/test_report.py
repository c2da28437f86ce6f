"""The report of a fabricated run: its sections, figures, tables and stories."""

import re
import shutil
from collections.abc import Iterator
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest
import yaml
from fabricated_run import TOPICS, fabricate

from driftline.evaluation.metrics import METRICS
from driftline.evaluation.report.curves import group_regret
from driftline.evaluation.report.page import write_report
from driftline.evaluation.report.style import FigureWarning, check_csv, series_faults
from driftline.evaluation.report.tables import HEADLINE
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.metrics import metrics
from driftline.sim.errors import RunFolderError

SERIES = {
    "regret_over_time": ("agent",),
    "reward_over_time": ("agent",),
    "regret_by_group": ("group",),
    "adaptation": ("agent",),
    "interest": ("user", "source"),
}
AGENTS = ("full", "moving_average", "full[evolution=slow]", "popularity", "oracle")
SECTIONS = ("headline", "time", "groups", "adaptation", "interest", "paired", "costs", "facts")


class Page(HTMLParser):
    """Ids, open tags and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.ids += [str(named["id"])] if "id" in named else []
        self.links += [str(named[key]) for key in ("href", "src", "xlink:href") if key in named]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = fabricate(tmp_path_factory.mktemp("run"), agents=AGENTS, seeds=(5, 6), users=36)
    assert write_report(path) == path / "report.html"
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_the_report_has_every_section_and_figure(page: Page) -> None:
    assert set(SECTIONS) <= set(page.ids)
    assert {f"figure-{name}" for name in SERIES} <= set(page.ids)
    assert page.tags.count("svg") == len(SERIES)
    assert "faults" not in page.ids


def test_the_report_is_one_file_without_scripts_or_addresses(folder: Path, page: Page) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "://" not in text
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert "@import" not in text
    assert page.links
    assert all(link.startswith("#") for link in page.links)


def test_every_address_inside_the_page_leads_somewhere_and_ids_are_unique(folder: Path, page: Page) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    targets = {link[1:] for link in page.links} | set(re.findall(r"url\(#([^)]+)\)", text))
    assert targets <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.parametrize("name", SERIES)
def test_no_figure_has_an_empty_or_constant_series(folder: Path, name: str) -> None:
    check_csv(folder / "figures" / f"{name}.csv", SERIES[name])
    drawing = (folder / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    assert drawing.count("<svg") == 1
    assert "<path" in drawing


@pytest.mark.parametrize("name", SERIES)
def test_a_series_made_constant_or_empty_is_found(folder: Path, tmp_path: Path, name: str) -> None:
    series = SERIES[name]
    data = pl.read_csv(folder / "figures" / f"{name}.csv")
    victim = data.row(0, named=True)
    own = pl.all_horizontal([pl.col(column) == victim[column] for column in series])
    for spoilt in (pl.lit(0.25), pl.lit(None, pl.Float64)):
        file = tmp_path / f"{name}.csv"
        data.with_columns(value=pl.when(own).then(spoilt).otherwise("value")).write_csv(file)
        with pytest.raises(RunFolderError, match=rf"{name}.csv: figure {name}: {series[0]} .* (is constant|no value)"):
            check_csv(file, series)
    data.clear().write_csv(tmp_path / f"{name}.csv")
    with pytest.raises(RunFolderError, match="has no data"):
        check_csv(tmp_path / f"{name}.csv", series)


def test_lost_figures_are_named(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"nothing\.csv is missing"):
        check_csv(tmp_path / "nothing.csv", ("agent",))
    (tmp_path / "blank.csv").touch()
    with pytest.raises(RunFolderError, match=r"blank\.csv is empty"):
        check_csv(tmp_path / "blank.csv", ("agent",))
    assert series_faults("x", pl.DataFrame({"value": [1.0]}), ("agent",)) == ["figure x lacks the column 'agent'"]
    assert series_faults("x", pl.DataFrame({"value": [1.0, 1.0]}), ()) == []


def test_agents_stand_in_order_of_regret_and_the_best_rival_is_bold(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    table = text[text.index('id="headline"') : text.index('id="more"')]
    rows = re.findall(r"<tr><td>([^<]+)</td>(.*?)</tr>", table, re.DOTALL)
    assert [agent for agent, _ in rows] == ["oracle", "full", "full[evolution=slow]", "moving_average", "popularity"]
    bold = {agent: cells.count("best") for agent, cells in rows}
    assert bold["oracle"] == 0
    assert bold["full"] >= 5


def test_more_measures_are_folded_away_and_leave_the_headline_alone(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    more = text[text.index('<details id="more">') : text.index("</details>")]
    head = text[text.index('id="headline"') : text.index('<details id="more">')]
    assert "<summary>" in more
    assert len(re.findall(r'<th class="number">', head)) <= len(HEADLINE) == 8
    others = [measure for measure in METRICS.values() if measure.id not in HEADLINE and measure.section != "cost"]
    for measure in others:
        assert f"<dt>{measure.title}</dt>" not in unescape(head)
    titles = set(re.findall("<dt>([^<]+)</dt>", unescape(more)))
    assert {"dynamic regret", "topic recall", "coverage", "diversity", "change of topic entropy"} <= titles
    descriptive = [k for k, measure in enumerate(m for m in others if m.title in titles) if measure.better is None]
    rows = re.findall(r"<tr><td>[^<]+</td>(.*?)</tr>", more, re.DOTALL)
    assert len(rows) == len(AGENTS)
    for row in rows:
        bold = [k for k, cell in enumerate(re.findall("<td class=.([^>]+).>", row)) if "best" in cell]
        assert not set(bold) & set(descriptive)
    assert "number best" in more


def test_every_whisker_of_the_group_figure_is_inside_its_panel() -> None:
    pooled = [
        {"agent": agent, "seed": None, "metric": "regret", "window": window, "value": mean, "low": 0.1, "high": high}
        for agent, mean in (("full", 0.2), ("popularity", 0.3))
        for window, high in (("all", 0.4), ("group:calm", 0.4), ("group:wild", 3.0))
    ]
    figure = group_regret(pl.DataFrame(pooled))
    for axes in figure.draw(figure.data).axes:
        assert axes.get_xlim()[0] == 0.0
        assert axes.get_xlim()[1] >= 3.0


def test_the_report_shows_what_users_read_and_wrote(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    story = text[text.index('id="interest"') : text.index('id="paired"')]
    assert story.count('<table class="reading">') == 3
    assert story.count('class="turn"') == 3
    assert "&amp; more: story" in story
    assert "loved it, read it twice" in story


def test_the_same_folder_gives_the_same_report(folder: Path, tmp_path: Path) -> None:
    before = (folder / "report.html").read_bytes()
    other = tmp_path / "copy"
    shutil.copytree(folder, other)
    write_report(other)
    assert (other / "report.html").read_bytes() == before


def test_a_run_without_changes_says_why_parts_are_missing(tmp_path: Path) -> None:
    fabricate(tmp_path, agents=("full", "popularity"), seeds=(5,), users=15, jumps=False)
    page = Page(write_report(tmp_path).read_text(encoding="utf-8"))
    assert "figure-adaptation" not in page.ids
    assert "figure-interest" in page.ids
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No user's interest jumped" in text.replace("&#39;", "'")
    assert "adaptation delay</dt>" not in text
    assert not (tmp_path / "figures/adaptation.csv").exists()


def test_one_agent_and_one_seed_make_a_report_too(tmp_path: Path) -> None:
    fabricate(tmp_path, agents=("full",), seeds=(5,), users=15, visits=15)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "nobody to compare it with" in text
    assert "says nothing about other worlds" in " ".join(text.split())


def test_metrics_on_disk_are_used_where_there_are_any(tmp_path: Path) -> None:
    fabricate(tmp_path, agents=("full", "popularity"), seeds=(5,), users=15, visits=15)
    table = metrics(RunFolder(tmp_path))
    marked = pl.when(pl.col("metric") == "ctr").then(0.12345).otherwise("value")
    table.with_columns(value=marked).write_parquet(tmp_path / "metrics.parquet")
    assert "0.123" in write_report(tmp_path).read_text(encoding="utf-8")


def test_a_series_that_never_moves_is_warned_of_and_written_into_the_report(tmp_path: Path) -> None:
    fabricate(tmp_path, agents=("full", "popularity"), seeds=(5,), users=15, visits=15)
    file = tmp_path / "truth/popularity/5/visits.parquet"
    pl.read_parquet(file).with_columns(reward=pl.lit(0.5)).write_parquet(file)
    with pytest.warns(FigureWarning, match="reward_over_time: agent popularity is constant at 0.5"):
        text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "agent popularity is constant at 0.5" in text


def test_a_negative_regret_is_warned_of(tmp_path: Path) -> None:
    fabricate(tmp_path, agents=("full",), seeds=(5,), users=15, visits=15)
    file = tmp_path / "truth/full/5/values.parquet"
    values = pl.read_parquet(file)
    wrong = pl.when(pl.int_range(pl.len()) < 3).then(pl.col("value_shown") - 1.0).otherwise("value_best")
    values.with_columns(value_best=wrong).write_parquet(file)
    with pytest.warns(FigureWarning, match="full, seed 5: 3 visits have a negative regret"):
        write_report(tmp_path)


def test_names_are_words_whatever_signs_stand_in_them(tmp_path: Path) -> None:
    odd = {"jumping": "$x^2 <b>&{%", "calm": "a$b$c_{", TOPICS[0]: "<script>$\\alpha"}
    folder = fabricate(tmp_path, agents=AGENTS[:2], seeds=(5,), users=36)
    resolved = yaml.safe_load((folder / "resolved.yaml").read_text())
    for key in ("groups", "topics"):
        resolved[key] = [odd.get(name, name) for name in resolved[key]]
    (folder / "resolved.yaml").write_text(yaml.safe_dump(resolved))
    text = write_report(folder).read_text(encoding="utf-8")
    assert "<script>$" not in text
    assert "<b>&{%" not in text
    for name in (odd["jumping"], odd["calm"]):
        assert escape(name, quote=False) in text
    ET.fromstring((folder / "figures" / "regret_by_group.svg").read_text(encoding="utf-8"))
