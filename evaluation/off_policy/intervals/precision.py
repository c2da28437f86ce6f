"""How an interval is asked for."""

from dataclasses import dataclass
from typing import Literal, get_args

from driftline.evaluation.off_policy.checks import one_of, share
from driftline.sim.errors import InputError

IntervalName = Literal["normal", "bootstrap", "hoeffding", "empirical_bernstein", "anytime"]
INTERVALS: tuple[IntervalName, ...] = get_args(IntervalName)
REPLICATES = 1000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known beforehand about the size of rewards and weights. Never take it from the log itself."""

    reward: tuple[float, float] = (0.0, 1.0)
    """Smallest and largest possible reward; the reward model's predictions must keep to it too."""
    weight: float | None = None
    """Largest possible importance weight, such as 1 / smallest propensity."""

    def __post_init__(self) -> None:
        low, high = self.reward
        if not low < high:
            raise InputError(f"bounds.reward is {self.reward}; the first must be below the second")
        if self.weight is not None and not self.weight >= 1.0:
            raise InputError(f"bounds.weight is {self.weight:g}; must be at least 1, since weights are 1 on average")


@dataclass(frozen=True, slots=True)
class Precision:
    """Which interval, at which level.

    `normal`: delta method, normal quantile; with clusters, Student's t with clusters - 1 degrees of freedom.
    `bootstrap`: percentiles over Poisson counts. `hoeffding`, `empirical_bernstein`: hold at every n, given bounds.
    `anytime`: holds at every n at once, so the log may be looked at as often as one likes.
    """

    interval: IntervalName = "normal"
    level: float = LEVEL
    seed: int = 0
    """Of the bootstrap."""
    replicates: int = REPLICATES
    """Of the bootstrap."""
    bounds: Bounds | None = None
    """For the intervals that hold at every n."""

    def __post_init__(self) -> None:
        one_of("interval", self.interval, INTERVALS)
        share("level", self.level)
        if self.replicates < 2:
            raise InputError(f"replicates is {self.replicates}; must be at least 2")
