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
    needed: those that run the mutant's own line, or one that leads to it. The others are their neighbours: what one
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
        needed, wider = self._running(mutant)
        needed = needed or wider or self._by_import(mutant.file)
        files = {file_of(test) for test in needed | wider}
        seconds = {test: spent for test, spent in self._known.seconds.items() if file_of(test) in files}
        order = sorted(seconds, key=lambda test: (test not in needed, seconds[test], test))
        mirror = _mirror(mutant.file, files)
        near = tuple(test for test in order if file_of(test) in mirror)
        return Candidates(near, tuple(test for test in order if file_of(test) not in mirror), needed)

    def _running(self, mutant: Mutant) -> tuple[frozenset[str], frozenset[str]]:
        """The tests that run a mutant's statement, and tests that run what is around it.

        Of code that no tool sees, those that run what leads to it. The field of a class is led to by whoever reads an
        attribute of that name; around it is whoever mentions the class.
        """
        file, line = mutant.file, mutant.change.line
        module, owner = self._mentions.modules[file], self._mentions.owner(file, line)
        if self._mentions.seen_to_run(file, line):
            around = self._on(file, self._mentions.function_around(file, line))
            return self._on(file, range(mutant.first, mutant.last + 1)), around
        if line in module.fields:
            return self._leading_to(("", module.fields[line])), self._leading_to(owner)
        return self._leading_to(owner), frozenset()

    def _leading_to(self, symbol: Symbol) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        met, waiting = {symbol}, [symbol]
        while waiting:
            here = waiting.pop()
            found |= self._on(here[0], self._seen_lines(here))
            for mention in self._mentions.of[here]:
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

    def _on(self, file: str, lines: Iterable[int]) -> frozenset[str]:
        mask = 0
        for line in lines:
            mask |= 1 << line
        return frozenset(test for test, bits in self._bits(file).items() if bits & mask)

    def _bits_of(self, file: str) -> dict[str, int]:
        return {test: int(bits, 16) for test, bits in self._known.lines.get(file, {}).items()}


def _mirror(file: str, test_files: Iterable[str]) -> set[str]:
    """The test files that bear a source file's name; where there is none, those of the mirrored folder."""
    path = PurePosixPath("tests") / file
    name = f"test_{(path.parent.name if path.stem == '__init__' else path.stem).strip('_')}"
    folder = {each for each in test_files if PurePosixPath(each).parent == path.parent}
    stems = {each: PurePosixPath(each).stem for each in folder}
    named = {each for each, stem in stems.items() if stem == name or stem.startswith(f"{name}_")}
    return named or folder
