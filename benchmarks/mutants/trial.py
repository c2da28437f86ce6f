"""One mutant against its tests, in a copy of the tree and with a compiler cache that a worker keeps for itself."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compiled import carry, emptied, stale
from coverage_map import file_of
from covering import Candidates
from mentions import Mentions
from spots import Mutant

HERE = Path(__file__).resolve().parent
MEMORY = 12 << 30
"""Bytes; an endless loop may allocate."""
SLACK = 3.0
"""Tests take longer when they are mapped, under coverage and with everything to be compiled."""
HUNG = 10.0
"""A test hangs that has taken half the time left, and so many times what it usually takes."""
OK, INTERRUPTED, INTERNAL_ERROR, NOT_FOUND, NO_TESTS = 0, 2, 3, 4, 5
"""pytest's exit status."""


@dataclass(frozen=True)
class Result:
    """What became of a mutant: `killed`, `survived` or `timed out`; by which test; how; after how many seconds."""

    verdict: str
    test: str = ""
    how: str = ""
    seconds: float = 0.0


class Worker:
    """Tries mutants one after the other."""

    def __init__(self, root: Path, folder: Path, mentions: Mentions, usual: dict[str, float]) -> None:
        self._root, self._folder, self._mentions, self._usual = root, folder, mentions, usual
        self.tree, self._cache = folder / "tree", folder / "numba"
        self._tried = 0

    def prepare(self, warm: Sequence[Path], fresh: set[str]) -> None:
        """Bring the copy up to date; `warm` caches serve the source files in `fresh`."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=self._root, capture_output=True, check=True, text=True).stdout.split("\0")
        wanted = {name for name in names if name and os.path.lexists(self._root / name)}
        self.tree.mkdir(parents=True, exist_ok=True)
        for path in [each for each in self.tree.rglob("*") if each.is_symlink() or each.is_file()]:
            if path.relative_to(self.tree).as_posix() not in wanted and "__pycache__" not in path.parts:
                path.unlink()
        for name in sorted(wanted):
            _copy(self._root / name, self.tree / name)
        emptied(self._cache)
        for cache in warm:
            carry(cache, self._root, self._cache, self.tree, fresh)

    def run(self, mutant: Mutant, candidates: Candidates, limit: float) -> Result:
        """Ask tests until one fails, all have passed, or `limit` seconds are over."""
        begun = time.monotonic()
        missed: set[str] = set()
        with self._changed(mutant) as cache:
            for tests in (candidates.near, candidates.far):
                left = limit - (time.monotonic() - begun)
                asked = self._within(tests, SLACK * left)
                missed |= set(tests) - set(asked)
                found = self._ask(asked, left, cache) if asked else None
                if found is not None:
                    return replace(found, seconds=time.monotonic() - begun)
        spent = time.monotonic() - begun
        if unmet := missed & candidates.needed:
            return Result("timed out", how=f"{len(unmet)} covering tests not reached", seconds=spent)
        return Result("survived", how=f"{len(candidates.needed)} covering tests", seconds=spent)

    def fail_here(self, tests: Sequence[str], limit: float) -> set[str]:
        """Of some tests, those that do not pass without any mutant."""
        facts, _ = self._pytest(sorted(tests), limit, self._cache, stop=False)
        return set(tests) - {fact["ends"] for fact in facts if "ends" in fact and not fact["failed"]}

    @contextmanager
    def _changed(self, mutant: Mutant) -> Iterator[Path]:
        """The mutant in place, and the compiler cache to be used: its own where compiled code can tell it apart."""
        path = self.tree / mutant.file
        before, stat = path.read_bytes(), path.stat()
        owner = self._mentions.owner(mutant.file, mutant.change.line)
        without = stale(self._mentions, [owner])
        cache = self._cache
        if without:
            cache = emptied(self._folder / "numba-of-mutant")
            carry(self._cache, self.tree, cache, self.tree, self._mentions.modules.keys() - without)
        self._tried += 1
        path.write_text(mutant.mutated, encoding="utf-8")
        # A time of its own: Python's caches know a file by its size and the second of its last change.
        os.utime(path, (stat.st_atime, stat.st_mtime + self._tried))
        try:
            yield cache
        finally:
            path.write_bytes(before)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    def _within(self, tests: Sequence[str], seconds: float) -> list[str]:
        """As many tests as usually take that long."""
        found: list[str] = []
        for test in tests:
            seconds -= self._usual[test]
            if seconds < 0:
                break
            found.append(test)
        return found

    def _ask(self, tests: Sequence[str], left: float, cache: Path) -> Result | None:
        """Run tests; None if all pass in time."""
        facts, status = self._pytest(tests, left, cache)
        if status == NOT_FOUND and not facts:
            # The mutant changed what a test is parametrised by, and so its id.
            facts, status = self._pytest(sorted({file_of(test) for test in tests}), left, cache)
        for fact in facts:
            if fact.get("failed"):
                return Result("killed", fact["ends"])
            if "uncollected" in fact:
                first = next((test for test in tests if file_of(test) == fact["uncollected"]), tests[0])
                return Result("killed", first, "at import")
        begun = {fact["begins"]: fact["at"] for fact in facts if "begins" in fact}
        for fact in facts:
            begun.pop(fact.get("ends", ""), None)
        running, since = next(iter(begun.items()), ("", 0.0))
        if status is None:
            # Code that is compiled anew may take its time: then nobody can say that it hangs.
            patience = max(left / 2, HUNG * self._usual.get(running, left))
            if running and cache == self._cache and time.time() - since > patience:
                return Result("killed", running, "hangs")
            return Result("timed out", running, "running" if running else "before the first test")
        if status < 0 or status in {INTERRUPTED, INTERNAL_ERROR}:
            return Result("killed", running or tests[0], "crash")
        if status not in {OK, NO_TESTS}:
            raise RuntimeError(f"pytest ended with status {status}; see {self._folder / 'output.txt'}")
        return None

    def _pytest(
        self, tests: Sequence[str], limit: float, cache: Path, *, stop: bool = True
    ) -> tuple[list[dict[str, Any]], int | None]:
        """What `watch` wrote, and pytest's exit status; None if it ran out of time."""
        log, asked, output = (self._folder / name for name in ("watch.jsonl", "asked.txt", "output.txt"))
        log.write_text("", encoding="utf-8")
        asked.write_text("\n".join(tests), encoding="utf-8")
        plain = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "--tb=short", "-p", "watch"]
        command = [sys.executable, "-m", "pytest", *plain, f"--basetemp={self._folder / 'tmp'}", f"@{asked}"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {
            "PYTHONPATH": os.pathsep.join([str(self.tree / "src"), str(HERE)]),
            "NUMBA_CACHE_DIR": str(cache),
            "MUTANTS_WATCH": str(log),
        }
        with output.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(
                [*command, "-x"] if stop else command,
                cwd=self.tree,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            if hasattr(resource, "prlimit"):  # Linux
                resource.prlimit(process.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
            status: int | None = None
            try:
                status = process.wait(max(limit, 0.0))
            except subprocess.TimeoutExpired:
                pass
            finally:
                # With it the processes that it started.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()], status


def _copy(path: Path, to: Path) -> None:
    """Copy a file or a link with its time; one that is there already stays."""
    if os.path.lexists(to):
        here, there = path.lstat(), to.lstat()
        if (here.st_mtime_ns, here.st_size) == (there.st_mtime_ns, there.st_size) and not path.is_symlink():
            return
        to.unlink()
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, to, follow_symlinks=False)
