"""A number, how sure it is, and what a reader must know before trusting it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval. NaN limits: the interval cannot be told (fewer than two units)."""

    value: float
    std_error: float
    low: float
    high: float
    n: int
    """How many independent units (users, rounds, slates, seeds) stand behind it."""
    method: str = ""
    """What was estimated and how the interval was made, such as `snips (delta)`."""
    warnings: tuple[str, ...] = ()
    """What speaks against trusting it, one line each; empty where nothing does."""
