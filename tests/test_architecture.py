"""ARCHITECTURE.md tells the truth: its tree is the tree, and what its walks name is there."""

import ast
import re
from pathlib import Path

import pytest
from write_architecture import LAYERS, PAGE, ROOT, first_line, folders, page

TEXT = PAGE.read_text(encoding="utf-8")
STOP = re.compile(r"`((?:sim|agents|evaluation|scenarios)/[\w/]+\.py)(?::([\w.]+))?`")
"""A stop of a walk: `file.py` or `file.py:name`."""
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def defined(source: str) -> set[str]:
    """Every function, class, method and constant of a module, methods as `Class.method`."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            members = node.body if isinstance(node, ast.ClassDef) else []
            found |= {f"{node.name}.{each.name}" for each in members if isinstance(each, ast.FunctionDef)}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for each in targets for name in ast.walk(each) if isinstance(name, ast.Name)}
    return found


def test_the_tree_is_that_of_the_folders() -> None:
    assert page(TEXT) == TEXT, "write it anew: make architecture"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_says_in_one_line_what_it_is(path: Path) -> None:
    line = first_line(path)
    assert line.endswith((".", "?", ")", "`", ":"))
    assert len(line) <= 120


def test_every_folder_that_holds_modules_is_a_package() -> None:
    assert [folder for layer in LAYERS for folder in folders(layer) if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("title", re.findall(r"^### (A .*)$", TEXT, re.MULTILINE))
def test_every_stop_of_a_walk_is_there(title: str) -> None:
    walk = TEXT.split(f"### {title}\n")[1].split("\n### ")[0].split("\n## ")[0]
    stops = STOP.findall(walk)
    assert len(stops) >= 5
    for file, name in stops:
        assert (ROOT / file).is_file(), file
        assert not name or name in defined((ROOT / file).read_text(encoding="utf-8")), f"{file}:{name}"


def test_there_are_five_walks() -> None:
    assert len(re.findall(r"^### A .*$", TEXT, re.MULTILINE)) == 5
