"""Which tests are asked about a mutant, and in which order."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from coverage_map import CoverageMap, file_of
from mentions import Mentions, Symbol
from spots import Mutant


@dataclass(frozen=True)
class Candidates:
    """Tests in the order in which they are asked.

    near: of the mirrored test file, or, where there is none, of the mirrored folder.
    far: of all other files.
    needed: how many run the mutant's own line, or one that leads to it. The others are their neighbours: what one
        test computes, a fixture or a cache may hand to all tests of its file.
    """

    near: tuple[str, ...]
    far: tuple[str, ...]
    needed: frozenset[str]


class Covering:
    """Finds the tests of a mutant."""

    def __init__(self, root: Path, mentions: Mentions, known: CoverageMap) -> None:
        self._mentions, self._known = mentions, known
        self._bits = lru_cache(maxsize=None)(self._bits_of)
        self._imports = {
            file: mentions.imported((root / file).read_text(encoding="utf-8")) for file in sorted(known.stamps)
        }

    def tests(self, mutant: Mutant) -> Candidates:
        """The mirrored test file first, then the fastest; neighbours last."""
        needed = frozenset(self._running(mutant)) or self._by_import(mutant.file)
        files = {file_of(test) for test in needed}
        seconds = {test: spent for test, spent in self._known.seconds.items() if file_of(test) in files}
        order = sorted(seconds, key=lambda test: (test not in needed, seconds[test], test))
        mirror = _mirror(mutant.file, files)
        near = tuple(test for test in order if file_of(test) in mirror)
        return Candidates(near, tuple(test for test in order if file_of(test) not in mirror), needed)

    def _running(self, mutant: Mutant) -> set[str]:
        """The tests that run a mutant's statement; of code that no tool sees, those that run what leads to it."""
        file, line = mutant.file, mutant.change.line
        if self._mentions.seen_to_run(file, line):
            found = self._on(file, range(mutant.first, mutant.last + 1))
            return found or self._on(file, self._mentions.function_around(file, line))
        found, met = set(), {self._mentions.owner(file, line)}
        waiting = list(met)
        while waiting:
            symbol = waiting.pop()
            found |= self._on(symbol[0], self._seen_lines(symbol))
            for mention in self._mentions.of[symbol]:
                if mention.runs:
                    found |= self._on(mention.by[0], range(mention.first, mention.last + 1))
                elif mention.by not in met:
                    met.add(mention.by)
                    waiting.append(mention.by)
        return found

    def _seen_lines(self, symbol: Symbol) -> Iterable[int]:
        """A class is led to by its methods; a compiled loop inside a function, by the rest of that function."""
        return [line for line in self._mentions.span(symbol) if self._mentions.seen_to_run(symbol[0], line)]

    def _by_import(self, file: str) -> frozenset[str]:
        files = {test for test, sources in self._imports.items() if file in sources} | _mirror(file, self._imports)
        return frozenset(test for test in self._known.seconds if file_of(test) in files)

    def _on(self, file: str, lines: Iterable[int]) -> set[str]:
        mask = 0
        for line in lines:
            mask |= 1 << line
        return {test for test, bits in self._bits(file).items() if bits & mask}

    def _bits_of(self, file: str) -> dict[str, int]:
        return {test: int(bits, 16) for test, bits in self._known.lines.get(file, {}).items()}


def _mirror(file: str, test_files: Iterable[str]) -> set[str]:
    """The test file that mirrors a source file; where there is none, those of the mirrored folder."""
    path = PurePosixPath("tests") / file
    folder = {each for each in test_files if PurePosixPath(each).parent == path.parent}
    named = path.with_name(f"test_{path.stem.strip('_')}.py").as_posix()
    return {named} if named in folder else folder
