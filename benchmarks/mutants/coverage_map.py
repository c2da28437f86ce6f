"""Which test runs which line: a map of the whole suite.

Made once by running the suite under coverage.py with one context a test. It keeps the source it was made
of: after an edit its lines are carried over to where they stand now, and only test files that changed are run again.
"""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from compiled import keep_only, stale
from coverage import CoverageData
from mentions import Mentions
from spots import LAYERS

BATCH = 24
"""Test files run before the map is written: who stops it half-way loses that much."""
HERE = Path(__file__).resolve().parent
CONFIG = "[run]\nbranch = false\nsource =\n" + "".join(f"    {layer}\n" for layer in LAYERS)


@dataclass
class CoverageMap:
    """What each test ran and for how long, and the texts of which that is true."""

    sources: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)
    """Test file: hash of its text."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Test: how long it took."""
    lines: dict[str, dict[str, str]] = field(default_factory=dict)
    """Source file, test: the lines it ran, as bits of a hexadecimal number."""

    @classmethod
    def read(cls, path: Path) -> "CoverageMap":
        """The map in a file; an empty one where there is none."""
        return cls(**json.loads(gzip.decompress(path.read_bytes()))) if path.exists() else cls()

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps(vars(self)).encode(), 6))

    def forget(self, test_files: set[str]) -> None:
        """Drop all that is known of some test files."""
        self.stamps = {file: stamp for file, stamp in self.stamps.items() if file not in test_files}
        self.seconds = {test: spent for test, spent in self.seconds.items() if file_of(test) not in test_files}
        for file, tests in self.lines.items():
            self.lines[file] = {test: bits for test, bits in tests.items() if file_of(test) not in test_files}


def file_of(test: str) -> str:
    """The file that a test's id names."""
    return test.split("::")[0]


def brought_up_to_date(root: Path, build: Path, mentions: Mentions, sources: dict[str, str], jobs: int) -> CoverageMap:
    """The map of the tree as it is now: test files that are new or changed are run, the others remembered.

    Tests that fail as the source stands are named and left out; their files are run again next time.
    """
    path = build / "map.json.gz"
    known = CoverageMap.read(path)
    changed = [file for file in sources if known.sources.get(file) != sources[file]]
    if changed:
        fresh = sources.keys() - stale(mentions, [(file, "") for file in changed])
        for cache in caches(build):
            keep_only(cache, root, fresh)
    stamps = {
        each.relative_to(root).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted((root / "tests").rglob("test_*.py"))
    }
    known = carried_over(known, sources)
    files = {file_of(test) for test in known.seconds}
    known.forget({file for file in files if stamps.get(file, "gone") != known.stamps.get(file)})
    known.write(path)
    wanted = sorted(file for file in stamps if stamps[file] != known.stamps.get(file))
    failed: set[str] = set()
    for batch in [wanted[at : at + BATCH] for at in range(0, len(wanted), BATCH)]:
        print(f"coverage of {len(wanted)} test files: {', '.join(batch)}", flush=True)
        failed |= _add(root, build, batch, jobs, known)
        bad = {file_of(test) for test in failed}
        known.stamps |= {file: stamps[file] for file in batch if file not in bad}
        known.write(path)
    if failed:
        print(f"left out, since they fail without any mutant: {', '.join(sorted(failed))}", flush=True)
    return known


def caches(build: Path) -> list[Path]:
    """The compiler caches that mapping has filled, one a process of pytest."""
    return sorted((build / "numba").glob("*"))


def _add(root: Path, build: Path, batch: list[str], jobs: int, known: CoverageMap) -> set[str]:
    """Run test files under coverage, enter what they ran, and return the tests that failed."""
    config, data, log, asked = (build / name for name in ("coveragerc", "coverage", "watch.jsonl", "asked.txt"))
    config.write_text(CONFIG, encoding="utf-8")
    asked.write_text("\n".join(batch), encoding="utf-8")
    log.write_text("", encoding="utf-8")
    data.unlink(missing_ok=True)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(root / "src"), str(HERE)]),
        "COVERAGE_FILE": str(data),
        "MUTANTS_WATCH": str(log),
        "MUTANTS_NUMBA": str(build / "numba"),
    }
    measured = ["--cov", f"--cov-config={config}", "--cov-context=test", "--cov-report="]
    command = [sys.executable, "-m", "pytest", "-n", str(jobs), "--dist", "loadfile", *measured, "-p", "watch"]
    command += ["-p", "no:cacheprovider", f"@{asked}"]
    with (build / "output.txt").open("w", encoding="utf-8") as output:
        subprocess.run(command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=output, check=False)
    failed = set()
    for fact in map(json.loads, log.read_text(encoding="utf-8").splitlines()):
        if "uncollected" in fact or fact.get("failed"):
            failed.add(fact.get("uncollected") or fact["ends"])
        elif "ends" in fact:
            known.seconds[fact["ends"]] = fact["seconds"]
    measurements = CoverageData(str(data))
    measurements.read()
    for name in measurements.measured_files():
        file = Path(name).resolve().relative_to(root.resolve()).as_posix()
        bits: dict[str, int] = defaultdict(int)
        for line, contexts in measurements.contexts_by_lineno(name).items():
            # "test|setup", "test|run", "test|teardown"; no context at import.
            for context in filter(None, contexts):
                bits[context.rpartition("|")[0]] |= 1 << line
        known.lines.setdefault(file, {}).update(
            (test, f"{ran:x}") for test, ran in bits.items() if test in known.seconds
        )
    return failed


def carried_over(known: CoverageMap, sources: dict[str, str]) -> CoverageMap:
    """The map with each line's bits moved to where that line stands in the source of now."""
    lines = {file: tests for file, tests in known.lines.items() if file in sources}
    for file in lines:
        if known.sources[file] != sources[file]:
            before, after = known.sources[file].splitlines(), sources[file].splitlines()
            blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
            moves = [(each.a + 1, each.b + 1, (1 << each.size) - 1) for each in blocks if each.size]
            lines[file] = {
                test: f"{sum(((int(bits, 16) >> a) & mask) << b for a, b, mask in moves):x}"
                for test, bits in lines[file].items()
            }
    return CoverageMap(sources, known.stamps, known.seconds, lines)
