"""Hooks of the documentation site: what MkDocs cannot be told in mkdocs.yml.

Pages at the top of the repository (README.md and the like) are pages of the site, and links to them and from them lead
there. Headings get the anchors that GitHub gives them. A page that would fetch anything from another host stops the
build.
"""

import os
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

TOP = Path(__file__).resolve().parent.parent
DOCS = TOP / "docs"
LICENCE = TOP / "LICENSE"
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
FETCHED = {"src", "srcset", "data", "poster", "xlink:href"}
"""Attributes whose address a browser fetches by itself; `href` only where `FETCHING` says so."""
FETCHING = {"image", "link", "use"}
STYLE_ADDRESS = re.compile(r"(?:url\(|@import)\s*[\"']?([^\"')\s]+)")


def on_config(config: "MkDocsConfig") -> "MkDocsConfig":
    """Anchors as on GitHub; pages at the top of the repository that the navigation does not name come last in it."""
    from pymdownx.slugs import slugify

    named = str(config.nav)
    config.nav += [uri for path in sorted(TOP.glob("*.md")) if (uri := _uri(path)) and f"'{uri}'" not in named]
    config.mdx_configs.setdefault("toc", {})["slugify"] = slugify(case="lower")
    return config


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """The pages at the top, and the licence."""
    from mkdocs.structure.files import File

    for path in (*sorted(TOP.glob("*.md")), LICENCE):
        files.append(File.generated(config, _uri(path) or "", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: "Page", config: "MkDocsConfig", files: "Files") -> str:
    """Links between repository files become links between pages; a link to source code becomes its name."""
    source = Path(str(page.file.abs_src_path))
    here = Path(page.file.src_uri).parent

    def moved(link: re.Match[str]) -> str:
        path = (source.parent / link[2]).resolve()
        if not path.exists():  # MkDocs says so
            return link[0]
        uri = _uri(path)
        return f"[{link[1]}]({Path(os.path.relpath(uri, here)).as_posix()}{link[3] or ''})" if uri else f"`{link[1]}`"

    parts = FENCE.split(markdown)
    return "".join(part if part.startswith("```") else LINK.sub(moved, part) for part in parts)


def on_post_build(config: "MkDocsConfig") -> None:
    """Exit where a page asks another host for something."""
    if found := list(foreign_requests(Path(config.site_dir))):
        sys.exit("\n".join(f"{path}: asks another host for {address}" for path, address in found))


def foreign_requests(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files of a site, and the addresses elsewhere that a browser would fetch for them without being asked."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".html", ".svg", ".css"}:
            text = path.read_text(encoding="utf-8")
            addresses = STYLE_ADDRESS.findall(text) if path.suffix == ".css" else _Addresses.of(text)
            for address in addresses:
                if address.startswith(("http:", "https:", "//")):
                    yield path, address


class _Addresses(HTMLParser):
    """What a page's elements and styles make a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    @classmethod
    def of(cls, text: str) -> list[str]:
        parser = cls()
        parser.feed(text)
        return [*parser.found, *STYLE_ADDRESS.findall(" ".join(re.findall(r"<style.*?</style>", text, re.DOTALL)))]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        stated = {name: value or "" for name, value in attrs}
        wanted = FETCHED | ({"href"} if tag in FETCHING and stated.get("rel") != "canonical" else set())
        for name in wanted & stated.keys():
            self.found += [each.split()[0] for each in stated[name].split(",") if each.split()]
        self.found += STYLE_ADDRESS.findall(stated.get("style", ""))


def _uri(path: Path) -> str | None:
    """A file's place in the site; None where it has none."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    if path == LICENCE:
        return "license.txt"
    return f"{path.stem.lower()}.md" if path.parent == TOP and path.suffix == ".md" else None
