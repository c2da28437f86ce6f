"""How an interval is asked for, and made from an estimator's terms: delta method or bootstrap."""

from dataclasses import dataclass
from math import inf, isnan, nan
from typing import Any, Literal, TypedDict, get_args

from driftline.evaluation.arrays import between_0_and_1, coded, one_of
from driftline.evaluation.bootstrap import Resampled, resample
from driftline.evaluation.estimate import LEVEL, Estimate, t_quantile
from driftline.evaluation.terms import Clusters, Delta, Terms, delta
from driftline.sim.errors import InputError, hint

IntervalName = Literal["normal", "bootstrap", "hoeffding", "empirical_bernstein", "anytime"]
INTERVALS: tuple[IntervalName, ...] = get_args(IntervalName)
ASYMPTOTIC: tuple[IntervalName, ...] = ("normal", "bootstrap")
"""Intervals that hold as n grows; every estimator has them."""
REPLICATES = 1000


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


class Asked(TypedDict, total=False):
    """What every estimator may be asked beside its arrays: the fields of `Precision`, and whose row each is."""

    interval: IntervalName
    level: float
    seed: int
    replicates: int
    bounds: Bounds | None
    cluster: Any
    """Whose row it is (user) [n], numbers or texts; None: each its own. Rows of one cluster are not independent."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Which interval, at which level.

    `normal`: delta method, normal quantile; with clusters, Student's t with clusters - 1 degrees of freedom.
    `bootstrap`: percentiles over Poisson counts. `hoeffding`, `empirical_bernstein`: hold at every n, given bounds.
    `anytime`: holds at every n at once, so the log may be looked at as often as one likes.
    """

    interval: IntervalName = "normal"
    level: float = LEVEL
    """In (0, 1)."""
    seed: int = 0
    """Of the bootstrap."""
    replicates: int = REPLICATES
    """Of the bootstrap, at least 2."""
    bounds: Bounds | None = None
    """For the intervals that hold at every n."""

    def __post_init__(self) -> None:
        one_of("interval", self.interval, INTERVALS)
        between_0_and_1("level", self.level)
        if self.replicates < 2:
            raise InputError(f"replicates is {self.replicates}; must be at least 2")

    @classmethod
    def of(cls, asked: Asked) -> "Precision":
        """From what an estimator was asked; `InputError` for an option that does not exist."""
        legal = [*Asked.__annotations__]
        for name in asked:
            if name not in legal:
                raise InputError(f"{name!r} is no option of an estimator; {hint(name, legal)}")
        return cls(**{name: value for name, value in asked.items() if name != "cluster"})  # type: ignore[arg-type]


def whose(asked: Asked, n: int) -> Clusters | None:
    """The clusters of n rows, where there are some."""
    cluster = asked.get("cluster")
    return None if cluster is None else coded("cluster", cluster, n)


def estimated(
    method: str,
    terms: Terms,
    precision: Precision,
    *,
    cluster: Clusters | None = None,
    unit: str = "rounds",
    warnings: tuple[str, ...] = (),
) -> Estimate:
    """The estimate of one estimator's terms with a `normal` or `bootstrap` interval.

    unit: what a row is, such as slates. warnings: what else speaks against the number. `InputError` for another
    interval: it needs to know the range of the terms.
    """
    need_asymptotic(method, precision)
    found = delta(terms, cluster)
    drawn = None
    if precision.interval == "bootstrap":
        drawn = resample([terms], cluster, seed=precision.seed, replicates=precision.replicates, level=precision.level)[
            0
        ]
    kind = "normal" if terms.bottom is None else "delta"
    return judged(
        method, found, drawn, precision, kind=kind, clustered=cluster is not None, unit=unit, warnings=warnings
    )


def judged(
    method: str,
    found: Delta,
    drawn: Resampled | None,
    precision: Precision,
    *,
    kind: str = "delta",
    clustered: bool = False,
    unit: str = "rounds",
    warnings: tuple[str, ...] = (),
) -> Estimate:
    """Value, error and limits by the delta method, or from replicates where there are some."""
    unit = "clusters" if clustered else unit
    low, high = normal_limits(found, precision.level, clustered) if drawn is None else (drawn.low, drawn.high)
    return Estimate(
        value=found.value,
        std_error=found.std_error if drawn is None else drawn.std_error,
        low=low,
        high=high,
        n=found.units,
        method=labelled(method, kind if drawn is None else "bootstrap", clustered),
        warnings=(*warnings, *few_units(found, unit), *left_out(drawn)),
    )


def labelled(method: str, interval: str, clustered: bool) -> str:
    """The `Estimate.method`: what was estimated, and how the interval was made."""
    return f"{method} ({interval}, clustered)" if clustered else f"{method} ({interval})"


def need_asymptotic(method: str, precision: Precision) -> None:
    """`InputError` for an interval that this method does not have."""
    if precision.interval not in ASYMPTOTIC:
        raise InputError(f"interval {precision.interval!r} does not exist for {method}; use 'normal' or 'bootstrap'")


def normal_limits(found: Delta, level: float, clustered: bool) -> tuple[float, float]:
    """Symmetric limits: normal quantile, or Student's t with clusters - 1 degrees of freedom."""
    if found.units < 2:
        return nan, nan
    reach = t_quantile(0.5 + level / 2, found.units - 1 if clustered else inf) * found.std_error
    return found.value - reach, found.value + reach


FEW_UNITS = 30
"""Units below this."""
FEW_EFFECTIVE_UNITS = 35.0
"""The variance rests on fewer units than this, or than a sixth of all where that is less (a third is normal)."""


def few_units(found: Delta, unit: str) -> tuple[str, ...]:
    """Intervals that rest on few units, or on a few of many."""
    if isnan(found.value):
        return (f"value: it cannot be told from {found.units:,} {unit}; a normaliser is 0",)
    if found.units < 2:
        return (f"units: {found.units} of {unit}; no interval can be told",)
    if found.units < FEW_UNITS:
        return (f"units: only {found.units} {unit}; the interval is rough",)
    if found.std_error == 0.0 or isnan(found.effective_units):
        return (f"spread: all {unit} say the same; the standard error of 0 says nothing",)
    if found.effective_units < min(FEW_EFFECTIVE_UNITS, found.units / 6):
        rests = f"spread: the standard error rests on about {found.effective_units:.1f} of {found.units:,} {unit}"
        return (f"{rests}; the interval is too narrow more often than it says",)
    return ()


def left_out(drawn: Resampled | None) -> tuple[str, ...]:
    """Replicates that could not be computed."""
    if drawn is None or not drawn.undefined:
        return ()
    return (f"bootstrap: in {drawn.undefined} replicates no weight was drawn; they are left out",)
