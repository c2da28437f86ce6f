"""What is said of all mutants together: the table, the share killed, the exit status; what is declared equivalent."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from spots import Mutant
from trial import Result

LEAST_KILLED = 0.9
"""Of the mutants that are not declared equivalent."""
MOST_EQUIVALENT = 0.1
"""Of all mutants."""
FIELDS = ("file", "function", "before", "after", "why")

Key = tuple[str, str, str, str]
Equivalents = dict[Key, str]
"""A mutant's key, and why no test can tell it from the source."""


def equivalents(path: Path) -> Equivalents:
    """Read a YAML list of `file`, `function`, `before`, `after` (as the table shows them) and `why`.

    Raises ValueError for an entry without a reason, or with other fields.
    """
    found: Equivalents = {}
    for number, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")) or [], 1):
        if not isinstance(entry, dict) or set(entry) != set(FIELDS):
            raise ValueError(f"{path.name}, entry {number}: it must state {', '.join(FIELDS)}")
        if not all(isinstance(entry[each], str) and entry[each].strip() for each in FIELDS):
            raise ValueError(f"{path.name}, entry {number}: every field must be a text, the reason too")
        found[entry["file"], entry["function"], entry["before"], entry["after"]] = entry["why"]
    return found


def verdict(mutant: Mutant, result: Result | None, declared: Equivalents) -> str:
    """`equivalent` for one that is declared so and lives; else what the tests said."""
    if result is None:
        return "not tried"
    lives = result.verdict in {"survived", "timed out"}
    return "equivalent" if lives and mutant.key in declared else result.verdict


def table(mutants: Mapping[int, Mutant], results: Mapping[int, Result], declared: Equivalents) -> str:
    """Markdown: place, change, verdict."""
    rows = ["| | place | before | after | verdict |", "|---|---|---|---|---|"]
    for number, mutant in mutants.items():
        result = results.get(number)
        said = verdict(mutant, result, declared)
        if said == "equivalent":
            said = f"equivalent: {declared[mutant.key]}"
        elif result is not None:
            by = " by" if result.verdict == "killed" else ":" if result.how else ""
            said = " ".join(filter(None, [f"{result.verdict}{by}", result.test, result.how]))
        place = f"{mutant.file}:{mutant.change.line} {mutant.change.function}"
        cells = [str(number), place, f"`{mutant.before}`", f"`{mutant.after}`", said]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _counts(
    mutants: Mapping[int, Mutant], results: Mapping[int, Result], declared: Equivalents
) -> tuple[dict[str, int], list[int]]:
    """How many of each verdict; and the numbers of those that are declared equivalent and yet killed."""
    said = {number: verdict(mutant, results.get(number), declared) for number, mutant in mutants.items()}
    counts = {each: list(said.values()).count(each) for each in sorted(set(said.values()))}
    wrong = [number for number, mutant in mutants.items() if mutant.key in declared and said[number] == "killed"]
    return counts, wrong


def share_killed(mutants: Mapping[int, Mutant], results: Mapping[int, Result], declared: Equivalents) -> float:
    """Of the mutants that are not equivalent."""
    counts, _ = _counts(mutants, results, declared)
    asked = len(mutants) - counts.get("equivalent", 0)
    return counts.get("killed", 0) / asked if asked else 1.0


def summary(mutants: Mapping[int, Mutant], results: Mapping[int, Result], declared: Equivalents) -> str:
    """The counts and the share killed, and what is wrong with the declarations."""
    counts, wrong = _counts(mutants, results, declared)
    share = share_killed(mutants, results, declared)
    lines = [f"{len(mutants)} mutants: {', '.join(f'{n} {name}' for name, n in counts.items())}; {share:.1%} killed"]
    lines += [f"{number} is declared equivalent, yet killed" for number in wrong]
    return "\n".join(lines)


def exit_status(mutants: Mapping[int, Mutant], results: Mapping[int, Result], declared: Equivalents) -> int:
    """0 if enough are killed and few enough, rightly, declared equivalent; else 1."""
    counts, wrong = _counts(mutants, results, declared)
    many = counts.get("equivalent", 0) > MOST_EQUIVALENT * len(mutants)
    return int(many or bool(wrong) or share_killed(mutants, results, declared) < LEAST_KILLED)
