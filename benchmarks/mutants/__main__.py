"""Mutation testing: does a test fail when one place of the source is changed?

Usage: make mutants, or python benchmarks/mutants [--count 100] [--seed 0] [--jobs 2] [--limit 60] [--only 3,17]

Chooses `count` lines of the source by a seed, changes one place in each, and runs the tests that cover it until one
fails, all have passed, or `limit` seconds are over. Prints a table and the share killed, and leaves both in
build/mutants/table.md. Exit status 1 if that share is below 90 % of the mutants not declared equivalent, if more than
10 % are declared so, or if a test kills one that is.

The first run maps which test covers which line, about one and a half runs of the suite; later runs do so only for
test files that changed. Mutants that no test can tell from the source are declared in equivalents.yaml, with a reason.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from coverage_map import brought_up_to_date, caches
from covering import Covering
from mentions import Mentions
from spots import Mutant, sampled, sources
from trial import Result, Worker
from verdicts import equivalents, exit_status, summary, table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "mutants"
PATIENCE = 600.0
"""Seconds for all killing tests together, once more without mutants."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=100, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried side by side")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds a mutant")
    parser.add_argument("--only", default="", help="numbers of the table, with commas: these alone")
    parser.add_argument("--list", action="store_true", help="name the mutants and stop")
    stated = parser.parse_args(arguments)
    declared = equivalents(HERE / "equivalents.yaml")
    texts = sources(ROOT)
    mutants = dict(enumerate(sampled(texts, stated.seed, stated.count), 1))
    if stated.only:
        mutants = {number: mutants[number] for number in map(int, stated.only.split(","))}
    if stated.list:
        print(table(mutants, {}, declared))
        return 0
    BUILD.mkdir(parents=True, exist_ok=True)
    results = tried(mutants, texts, stated.jobs, stated.limit)
    found = table(mutants, results, declared) + "\n\n" + summary(mutants, results, declared)
    (BUILD / "table.md").write_text(found + "\n", encoding="utf-8")
    print(found)
    return exit_status(mutants, results, declared)


def tried(mutants: Mapping[int, Mutant], texts: dict[str, str], jobs: int, limit: float) -> dict[int, Result]:
    """What became of each mutant. A test that kills must pass without the mutant, or it has killed nothing."""
    mentions = Mentions(texts)
    known = brought_up_to_date(ROOT, BUILD, mentions, texts, jobs)
    covering = Covering(ROOT, mentions, known)
    idle: SimpleQueue[Worker] = SimpleQueue()
    for number in range(jobs):
        worker = Worker(ROOT, BUILD / f"worker-{number}", mentions, known.seconds)
        worker.prepare(caches(BUILD), set(texts))
        idle.put(worker)

    def one(numbered: tuple[int, Mutant]) -> tuple[int, Result]:
        number, mutant = numbered
        worker = idle.get()
        try:
            result = worker.run(mutant, covering.tests(mutant), limit)
        finally:
            idle.put(worker)
        said = f"{result.verdict} {result.test} {result.how}".rstrip()
        print(f"{number:>4} {mutant.file}:{mutant.change.line} {said} ({result.seconds:.0f} s)", flush=True)
        return number, result

    with ThreadPoolExecutor(jobs) as pool:
        results = dict(pool.map(one, mutants.items()))
    killers = {each.test for each in results.values() if each.verdict == "killed"}
    void = idle.get().fail_here(sorted(killers), PATIENCE) if killers else set()
    return {
        number: replace(each, verdict="void", how="the test fails without it too") if each.test in void else each
        for number, each in results.items()
    }


if __name__ == "__main__":
    sys.exit(main())
