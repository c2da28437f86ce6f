"""Between which bounds `driftline tune` searches a parameter of an agent."""

from dataclasses import dataclass, replace
from math import exp, isfinite, log


@dataclass(frozen=True, slots=True)
class Range:
    """A parameter's search range; an agent class states `space: ClassVar[dict[str, Range]]`.

    A best value within 2 % of an edge means that the range was too narrow, unless the edge is natural: a
    bound beyond which the parameter has no meaning (a probability's 0 or 1), or where the method is off.
    """

    low: float
    high: float
    log: bool = False
    """Search evenly in the logarithm."""
    natural_low: bool = False
    natural_high: bool = False
    whole: bool = False
    """Whole numbers only."""

    def __post_init__(self) -> None:
        if not (isfinite(self.low) and isfinite(self.high) and self.low < self.high):
            raise ValueError(f"Range low = {self.low}, high = {self.high}: must be finite, low < high")
        if self.log and self.low <= 0:
            raise ValueError(f"Range low = {self.low}: must be > 0 on a logarithmic scale")

    def at(self, share: float) -> float | int:
        """The value at a share of the way from low (0) to high (1)."""
        value = min(max(self._beyond(share), self.low), self.high)
        return round(value) if self.whole else value

    def share(self, value: float) -> float:
        """How far a value lies between low (0) and high (1)."""
        if self.log:
            return (log(value) - log(self.low)) / (log(self.high) - log(self.low))
        return (value - self.low) / (self.high - self.low)

    def edge(self, value: float, margin: float = 0.02) -> str | None:
        """`low` or `high` where a value lies within `margin` of an edge that is not natural."""
        share = self.share(value)
        if share < margin and not self.natural_low:
            return "low"
        return "high" if share > 1.0 - margin and not self.natural_high else None

    def added(self, edge: str) -> "Range | None":
        """Half a width beyond an edge; a lower edge on a plain scale stops at 0. None if nothing is left."""
        low, high = (self.high, self._beyond(1.5)) if edge == "high" else (self._beyond(-0.5), self.low)
        if edge == "low" and not self.log and self.low >= 0.0:
            low = max(low, 0.0)
        return replace(self, low=low, high=high) if low < high else None

    def widened(self, edge: str) -> "Range":
        """The range with what `added` gives."""
        more = self.added(edge)
        return replace(self, low=min(self.low, more.low), high=max(self.high, more.high)) if more else self

    def _beyond(self, share: float) -> float:
        """The value at any share, below 0 and above 1 too."""
        if self.log:
            return exp(log(self.low) + share * (log(self.high) - log(self.low)))
        return self.low + share * (self.high - self.low)
