"""What came of a comparison in many worlds: differences, whether their sign holds, and the count in a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.metrics import METRICS
from driftline.evaluation.run.paired import Comparison
from driftline.scenarios.api import Run
from driftline.scenarios.vary.variations import Change

Verdict = Literal["holds", "reversed", "zero", "same"]
"""`same`: the very numbers of the base world, which confirm nothing."""
COMPARED: tuple[str, ...] = ("reward", "regret")
"""Regret last: it is the primary one, and what stands last is read."""
BASE = "base"
STAR = "*"


@dataclass(frozen=True, slots=True)
class Sign:
    """The sign of an estimated difference."""

    direction: int
    """1, -1, or 0 for exactly 0 (and for what is not a number)."""
    excludes_zero: bool
    """Whether the 95 % interval lies on one side of 0; False where there is no interval."""

    @classmethod
    def of(cls, found: Estimate) -> "Sign":
        """From a difference with its interval."""
        told = isfinite(found.low) and isfinite(found.high)
        return cls((found.value > 0.0) - (found.value < 0.0), told and (found.low > 0.0 or found.high < 0.0))

    def verdict(self, base: "Sign") -> Verdict:
        """What has become of the base world's sign."""
        if self.direction == 0 or base.direction == 0:
            return "zero"
        return "holds" if self.direction == base.direction else "reversed"


@dataclass(frozen=True, slots=True)
class SignCount:
    """In how many varied worlds the sign of b - a is that of the base world."""

    metric: str
    a: str
    b: str
    base: Sign
    signs: Mapping[str, Sign]
    """By variation."""
    same: frozenset[str] = frozenset()
    """Variations whose numbers are the base world's own, to the last bit: left out of every count."""

    @property
    def counted(self) -> int:
        """How many variations say something."""
        return len(self.signs) - len(self.same)

    def verdict(self, name: str) -> Verdict:
        """What one variation says."""
        return "same" if name in self.same else self.signs[name].verdict(self.base)

    def those(self, verdict: Verdict, excludes_zero: bool | None = None) -> tuple[str, ...]:
        """The variations of this verdict; with `excludes_zero`, those whose interval does so, or does not."""
        return tuple(
            name
            for name, sign in self.signs.items()
            if self.verdict(name) == verdict and excludes_zero in (None, sign.excludes_zero)
        )

    def sentence(self) -> str:
        """The count in words."""
        if self.base.direction == 0:
            return f"{self.metric}: {self.a} and {self.b} do not differ in the base world; there is no sign to hold"
        good = 1 if METRICS[self.metric].better == "high" else -1
        how = "better" if self.base.direction == good else "worse"
        sure = "significantly so" if self.base.excludes_zero else "but its interval has 0 in it"
        parts = [f"{self.metric}: {self.b} is {how} than {self.a} in the base world, {sure}"]
        if self.counted:
            holds, surely = self.those("holds"), self.those("holds", excludes_zero=True)
            worlds = "worlds" if self.counted > 1 else "world"
            parts.append(f"the sign holds in {len(holds)} of {self.counted} varied {worlds}")
            parts.append(f"significantly so in {len(surely)}")
        parts += [
            f"{words} in {len(names)} ({', '.join(names)})"
            for words, names in (
                ("reversed with an interval that excludes 0", self.those("reversed", excludes_zero=True)),
                ("reversed with 0 in the interval", self.those("reversed", excludes_zero=False)),
                ("exactly 0", self.those("zero")),
            )
            if names
        ]
        if same := self.those("same"):
            parts.append(f"not counted: {', '.join(same)} (the base world's very numbers for these agents)")
        return "; ".join(parts)


@dataclass(frozen=True)
class VariedWorld:
    """One world's run and its paired comparisons."""

    name: str
    """`base`, or the variation's name."""
    changes: tuple[Change, ...]
    note: str
    run: Run
    found: Mapping[str, Comparison]
    """By metric."""

    @classmethod
    def of(
        cls, name: str, changes: tuple[Change, ...], note: str, run: Run, pair: tuple[str, str], seeds: Sequence[int]
    ) -> "VariedWorld":
        """Compare the two agents of a finished run, in these of its seeds."""
        return cls(name, changes, note, run, {metric: run.compare(*pair, metric, seeds) for metric in COMPARED})

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of this world, in plain words."""
        told = (*([self.note] if self.note else []), *(note for each in self.found.values() for note in each.notes))
        return tuple(dict.fromkeys(told))


@dataclass(frozen=True)
class Varied:
    """A comparison in the base world and in its variations; every number is b - a, paired by user and seed."""

    a: str
    b: str
    worlds: Mapping[str, VariedWorld]
    """By name, the base world first."""
    skipped: Mapping[str, str]
    """Variations that the scenario cannot have, and why."""

    def signs(self, metric: str) -> SignCount:
        """In how many variations the sign of the base world holds."""
        base, *others = self.worlds.values()
        return SignCount(
            metric=metric,
            a=self.a,
            b=self.b,
            base=Sign.of(base.found[metric].difference),
            signs={each.name: Sign.of(each.found[metric].difference) for each in others},
            same=frozenset(
                each.name
                for each in others
                if all(each.found[one].effects.equals(base.found[one].effects) for one in COMPARED)
            ),
        )

    def table(self) -> list[dict[str, object]]:
        """One row a world: the differences with their intervals and, starred where one excludes 0, the verdict."""
        counts = {metric: self.signs(metric) for metric in COMPARED}
        rows = []
        for world in self.worlds.values():
            row: dict[str, object] = {"world": world.name}
            for metric in COMPARED:
                difference = world.found[metric].difference
                row |= _cells(metric, difference)
                row[f"sign of {metric}"] = _sign_in_words(counts[metric], world.name, Sign.of(difference))
            rows.append(row)
        return rows

    def lines(self) -> Iterator[str]:
        """What stands below the table: changes, what was skipped, notes, and the counts last."""
        yield f"{STAR} the 95 % interval excludes 0"
        for world in self.worlds.values():
            if world.changes:
                yield f"{world.name}: {'; '.join(map(str, world.changes))}"
        for name, reason in self.skipped.items():
            yield f"skipped {name}: {reason}"
        notes: dict[str, list[str]] = {}
        for world in self.worlds.values():
            for note in world.notes:
                notes.setdefault(note, []).append(world.name)
        for note, names in notes.items():
            yield f"note: {note}" + ("" if len(names) == len(self.worlds) else f" ({', '.join(names)})")
        for metric in COMPARED:
            yield self.signs(metric).sentence()

    def record(self) -> dict[str, object]:
        """All of it for a program, in what JSON can hold."""
        counts = {metric: self.signs(metric) for metric in COMPARED}
        return {
            "a": self.a,
            "b": self.b,
            "worlds": [self._world_record(world, counts) for world in self.worlds.values()],
            "skipped": dict(self.skipped),
            "signs": {metric: _count_record(counts[metric]) for metric in COMPARED},
        }

    def _world_record(self, world: VariedWorld, counts: Mapping[str, SignCount]) -> dict[str, object]:
        row: dict[str, object] = {
            "world": world.name,
            "overrides": {change.key: change.after for change in world.changes},
            "folder": str(world.run.folder),
            "notes": list(world.notes),
        }
        for metric in COMPARED:
            found = world.found[metric]
            sign = Sign.of(found.difference)
            row |= {f"{metric}_{side}": _number(found.effects[side].mean()) for side in ("a", "b")}
            row |= _cells(metric, found.difference)
            row |= {f"{metric}_ratio": _number(found.ratio.value)}
            row |= {f"{metric}_sign": sign.direction, f"{metric}_excludes_zero": sign.excludes_zero}
            row[f"{metric}_verdict"] = None if world.name == BASE else counts[metric].verdict(world.name)
        return row


def _count_record(count: SignCount) -> dict[str, object]:
    return {
        "counted": count.counted,
        "holds": list(count.those("holds")),
        "holds_significantly": list(count.those("holds", excludes_zero=True)),
        "reversed": list(count.those("reversed")),
        "reversed_significantly": list(count.those("reversed", excludes_zero=True)),
        "same": list(count.those("same")),
        "sentence": count.sentence(),
    }


def _cells(metric: str, found: Estimate) -> dict[str, object]:
    return {metric: _number(found.value), f"{metric}_low": _number(found.low), f"{metric}_high": _number(found.high)}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _sign_in_words(count: SignCount, name: str, sign: Sign) -> str:
    own = {1: "positive", -1: "negative", 0: "zero"}[sign.direction]
    words = own if name == BASE else count.verdict(name)
    return f"{words} {STAR}" if sign.excludes_zero else words
