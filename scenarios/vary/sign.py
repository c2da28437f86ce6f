"""Does a difference keep its sign? One verdict a world, and their count in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.run.paired import Outcome

Verdict = Literal["holds", "reversed", "zero", "same"]
"""`same`: the very numbers of the base world, which confirm nothing."""
GOOD: Mapping[Outcome, int] = {"reward": 1, "regret": -1}
"""The sign of b - a that means that b is the better one."""


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

    metric: Outcome
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
        how = "better" if self.base.direction == GOOD[self.metric] else "worse"
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
