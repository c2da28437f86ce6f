"""A verdict as table, JSON and page: the same numbers in all, and a page that needs no network."""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import shop_log

import driftline
from driftline.scenarios.cli import main
from driftline.scenarios.own_log.verdict import Verdict

OPE = (
    "ope log.csv --policy shop:policy --columns reward=clicked,action=item,pscore=prob,user=uid,time=day --context age"
)
AB = "ab log.csv --columns user=uid,arm=variant,value=revenue,before=pre --share .6"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    (tmp_path / "shop.py").write_text(shop_log.POLICY, encoding="utf-8")
    return tmp_path


def _printed(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main.main(line.split())
    assert left.value.code == 0
    return capsys.readouterr().out


def _verdict(command: str) -> Verdict:
    if command == "ab":
        columns = {"user": "uid", "arm": "variant", "value": "revenue", "before": "pre"}
        return driftline.ab("log.csv", columns=columns, share=0.6)
    columns = {**shop_log.COLUMNS, "time": "day"}
    return driftline.ope("log.csv", "shop:policy", columns=columns, context=["age"])


@pytest.mark.parametrize(("command", "line"), [("ope", OPE), ("ab", AB)])
def test_json_holds_everything_that_python_returns(
    here: Path, capsys: pytest.CaptureFixture[str], command: str, line: str
) -> None:
    (shop_log.trial(1000) if command == "ab" else shop_log.decisions()).write_csv(here / "log.csv")
    said = json.loads(_printed(f"{line} --json", capsys))
    found = _verdict(command)
    assert said == json.loads(json.dumps(found.document()))
    assert len(said["estimates"]) == len(found.findings)
    for row, finding in zip(said["estimates"], found.findings, strict=True):
        assert row["value"] == finding.estimate.value
        assert row["warnings"] == list(finding.estimate.warnings)
    lines = {text for row in (*said["estimates"], *said["checks"]) for text in row["warnings"]}
    assert lines == set(said["warnings"])
    assert lines


@pytest.mark.parametrize(("command", "line"), [("ope", OPE), ("ab", AB)])
def test_the_table_numbers_every_warning(
    here: Path, capsys: pytest.CaptureFixture[str], command: str, line: str
) -> None:
    (shop_log.trial(1000) if command == "ab" else shop_log.decisions()).write_csv(here / "log.csv")
    printed = _printed(line, capsys)
    found = _verdict(command)
    for number, warning in enumerate(found.warnings, start=1):
        assert f"{number:>3}  {warning}" in printed
        assert any(str(number) in str(row["see"]).split() for row in (*found.rows(), *found.check_rows()))
    for row in found.rows():
        assert str(row["estimator" if command == "ope" else "arm"]) in printed


class _References(HTMLParser):
    """Everything that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = ("src", "href", "xlink:href", "data", "action", "srcset", "poster")
        self.found += [value for name, value in attrs if name in names and value and not value.startswith("#")]


@pytest.mark.parametrize(("command", "line"), [("ope", OPE), ("ab", AB)])
def test_the_page_needs_no_network_and_says_all(
    here: Path, capsys: pytest.CaptureFixture[str], command: str, line: str
) -> None:
    (shop_log.trial(1000) if command == "ab" else shop_log.decisions()).write_csv(here / "log.csv")
    assert _printed(f"{line} --html page.html", capsys).endswith("page: page.html\n")
    text = (here / "page.html").read_text(encoding="utf-8")
    references = _References()
    references.feed(text)
    assert references.found == []
    assert not {"script", "link", "iframe", "img"} & set(references.tags)
    assert references.tags.count("svg") == 1
    assert re.findall(r"url\((?!#)|@import|https?://(?!www\.w3\.org/)", text) == []
    found = _verdict(command)
    for finding in found.findings:
        assert f">{finding.about}<" in text
        assert finding.estimate.method in text
        assert f"{finding.estimate.value:.4g}" in text
    assert text.count("<li>") == len(found.warnings)
    assert (found.answer != "") == (command == "ab")
    if found.answer:
        assert text.index("No verdict") < text.index("Can the log be trusted?")
    assert ('class="alarm"' in text) == bool(found.alarm)
    assert found.write_page(here / "again.html").read_text(encoding="utf-8") == text


def test_names_from_the_log_are_escaped(here: Path) -> None:
    log = shop_log.trial(60).with_columns(variant=shop_log.trial(60)["variant"].replace({"B": "<script>x</script>"}))
    found = driftline.ab(log, columns={"user": "uid", "arm": "variant", "value": "revenue"})
    text = found.write_page(here / "page.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_number_without_an_interval_is_null_in_json_and_a_dash_on_the_page(here: Path) -> None:
    log = shop_log.trial(40).with_columns(revenue=1.0)
    found = driftline.ab(log, columns={"user": "uid", "arm": "variant", "value": "revenue"}, metrics=["ratio"])
    row = found.document()["estimates"][0]
    assert (row["low"], row["p_value"]) == (None, None)
    json.dumps(found.document(), allow_nan=False)
    assert "– to –" in found.write_page(here / "page.html").read_text(encoding="utf-8")
    with pytest.raises(KeyError, match="no estimate 'ips'"):
        found["ips"]
