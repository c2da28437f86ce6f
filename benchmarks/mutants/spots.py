"""The seeded choice of mutants.

A spot is a line of the source; a mutant is one change at it.
"""

import ast
import hashlib
import itertools
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from changes import Change, Changes, Place

LAYERS = ("sim", "agents", "evaluation", "scenarios")
CONTEXT = 50
"""Characters shown on either side of a change."""


@dataclass(frozen=True)
class Mutant:
    """A change of a file, its statement (lines `first` to `last`), and the whole text that is to be run.

    `before` and `after` are the statement's text, cropped around the change.
    """

    file: str
    change: Change
    first: int
    last: int
    before: str
    after: str
    mutated: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names it in the list of equivalents: it survives changes elsewhere in the file."""
        return self.file, self.change.function, self.before, self.after


def sources(root: Path) -> dict[str, str]:
    """Every source file below `root`, by its path there."""
    paths = sorted(path for layer in LAYERS for path in (root / layer).rglob("*.py"))
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def rendered(file: str, source: str, change: Change) -> Mutant | None:
    """The mutant of a change, bracketed where precedence asks for it; None where it would reach beyond its place."""
    raw = source.encode()
    tried = [(change.start, change.end, change.text)]
    node = _at(ast.parse(source), change.path)
    if isinstance(node, ast.expr):
        start, end = Changes(source).span(node)
        inside = raw[start : change.start].decode() + change.text + raw[change.end : end].decode()
        tried.append((start, end, f"({inside})"))
    for start, end, text in tried:
        mutated = (raw[:start] + text.encode() + raw[end:]).decode()
        if changes_one_place(source, mutated, change.path):
            first, last = _statement(source, change)
            longer = mutated.count("\n") - source.count("\n")
            before, after = _cropped(_lines(source, first, last), _lines(mutated, first, last + longer))
            return Mutant(file, change, first, last, before, after, mutated)
    return None


def _statement(source: str, change: Change) -> tuple[int, int]:
    """First and last line of the innermost statement; of one with a body, its head alone."""
    node, first, last = ast.parse(source), change.line, change.line
    for depth in range(1, len(change.path) + 1):
        inner = _at(node, change.path[:depth])
        if isinstance(inner, ast.stmt):
            body = getattr(inner, "body", None)
            first, last = inner.lineno, inner.end_lineno or inner.lineno
            if isinstance(body, list):
                last = max(first, body[0].lineno - 1)
    # In the `case` of a match or the head of an `elif`, the change stands for itself.
    return (first, last) if first <= change.line <= last else (change.line, change.line)


def _lines(text: str, first: int, last: int) -> str:
    return " ".join(" ".join(text.splitlines()[first - 1 : last]).split())


def _cropped(before: str, after: str) -> tuple[str, str]:
    """Both texts with at most `CONTEXT` characters around what differs."""
    head = _same(before, after)
    tail = min(_same(before[::-1], after[::-1]), min(len(before), len(after)) - head)
    start = 0 if head <= CONTEXT else head - CONTEXT
    rest = 0 if tail <= CONTEXT else tail - CONTEXT
    left, right = "..." if start else "", "..." if rest else ""
    return f"{left}{before[start : len(before) - rest]}{right}", f"{left}{after[start : len(after) - rest]}{right}"


def changes_one_place(source: str, mutated: str, path: Place) -> bool:
    """Whether two texts parse, differ as trees, and differ below one node only."""
    try:
        trees = ast.parse(source), ast.parse(mutated)
        if ast.dump(trees[0]) == ast.dump(trees[1]):
            return False
        for tree in trees:
            field, at = path[-1]
            parent = _at(tree, path[:-1])
            if at is None:
                setattr(parent, field, ast.Pass())
            else:
                getattr(parent, field)[at] = ast.Pass()
    except (SyntaxError, AttributeError, IndexError, TypeError):
        return False
    return ast.dump(trees[0]) == ast.dump(trees[1])


def _at(tree: ast.AST, path: Place) -> ast.AST:
    for field, at in path:
        tree = getattr(tree, field) if at is None else getattr(tree, field)[at]
    return tree


def _same(one: str, two: str) -> int:
    """How many characters two texts begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def sampled(sources: dict[str, str], seed: int, count: int) -> list[Mutant]:
    """`count` mutants on `count` lines, all lines that allow one being equally likely.

    A line's rank is a hash of the seed, its file, its function and its text: an edit elsewhere moves no other spot.
    """
    ranks: dict[str, tuple[str, list[Change]]] = {}
    for file, source in sources.items():
        lines = source.splitlines()
        by_line: dict[int, list[Change]] = defaultdict(list)
        for change in Changes(source):
            by_line[change.line].append(change)
        for line, changes in by_line.items():
            name = f"{seed}|{file}|{changes[0].function}|{lines[line - 1].strip()}"
            number = next(n for n in itertools.count() if f"{name}|{n}" not in ranks)
            ranks[f"{name}|{number}"] = file, changes
    found: list[Mutant] = []
    for name in sorted(ranks, key=_hash):
        file, changes = ranks[name]
        # The kind first, then one of its kind: a line full of numbers is not always about a number.
        kinds = {kind: _hash(f"{name}|{kind}") for kind in {change.kind for change in changes}}
        order = sorted(changes, key=lambda each: (kinds[each.kind], _hash(f"{name}|{each.column}|{each.text}")))
        mutants = (rendered(file, sources[file], change) for change in order)
        if (mutant := next((each for each in mutants if each), None)) is not None:
            found.append(mutant)
        if len(found) == count:
            break
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
