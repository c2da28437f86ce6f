"""The numbers of the composed agent that can be tuned."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FullNumbers:
    """What can be tuned about the composed agent, its tracker apart."""

    judgement: float = 2.0
    """Weight of a rating, or of a trusted read comment, as evidence of interest."""
    quality_shrink: float = 2.0
    appeal_shrink: float = 2.5
    doubt: float = 1.0
    """How far the tracker's posterior is believed to spread, in its own standard deviations; 0: not at all."""
    ridge: float = 20.0
    """Of the stack, in events."""
    window: int = 6_000
    """Latest visits that the stack is fitted on."""
    refit_days: float = 3.0
    retrain_days: float = 12.0
    retrain_takes: float = 0.5
    """Simulated days until a retraining lands."""


NUMBERS = FullNumbers()
"""The defaults."""
