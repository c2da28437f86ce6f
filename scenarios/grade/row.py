"""One verdict of one method in one replication, beside the truth."""

from dataclasses import dataclass

from driftline.evaluation.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Row:
    """A number, its interval and the truth it was after."""

    family: str
    """`off_policy` or `experiment`."""
    method: str
    target: str
    """What it is a number of: past, present, next_period; or a truth of experiments and a training."""
    policy: str
    """Target policy, or design and training."""
    value: float
    std_error: float
    low: float
    high: float
    truth: float
    warned: bool

    @classmethod
    def of(cls, family: str, method: str, target: str, policy: str, found: Estimate, truth: float) -> "Row":
        """From an estimate."""
        return cls(
            family,
            method,
            target,
            policy,
            found.value,
            found.std_error,
            found.low,
            found.high,
            truth,
            bool(found.warnings),
        )
