"""How an interval is asked for, and made from an estimator's terms: delta method or bootstrap."""

from dataclasses import dataclass
from math import inf, isnan, nan
from typing import Any, Literal, TypedDict, get_args

from driftline.evaluation.arrays import between_0_and_1, coded, one_of
from driftline.evaluation.bootstrap import Resampled, resample
from driftline.evaluation.estimate import BOUNDED, FLAT, LEVEL, Estimate, t_quantile, unvaried
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
    flat: tuple[float, float] = (nan, nan),
    warnings: tuple[str, ...] = (),
) -> Estimate:
    """The estimate of one estimator's terms with a `normal` or `bootstrap` interval.

    unit: what a row is, such as slates. flat: limits where terms do not vary (`flat_limits`). warnings: what else
    speaks against the number. `InputError` for another interval: it needs to know the range of the terms.
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
        method,
        found,
        drawn,
        precision,
        kind=kind,
        clustered=cluster is not None,
        unit=unit,
        flat=flat,
        warnings=warnings,
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
    flat: tuple[float, float] = (nan, nan),
    warnings: tuple[str, ...] = (),
) -> Estimate:
    """Value, error and limits by the delta method, or from replicates where there are some; `flat` without spread."""
    unit = "clusters" if clustered else unit
    if found.std_error == 0.0:
        low, high, drawn = *flat, None
    else:
        low, high = normal_limits(found, precision.level, clustered) if drawn is None else (drawn.low, drawn.high)
    return Estimate(
        value=found.value,
        std_error=found.std_error if drawn is None else drawn.std_error,
        low=low,
        high=high,
        n=found.units,
        method=labelled(method, kind if drawn is None else "bootstrap", clustered),
        warnings=(*warnings, *few_units(found, unit, limits=flat), *left_out(drawn)),
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
SKEWED = 0.3
"""A skewness of the mean above this, that of 11 rare and equal units, is named. Measured: docs/off-policy.md."""


def few_units(found: Delta, unit: str, *, limits: tuple[float, float] | None = None) -> tuple[str, ...]:
    """Intervals that rest on few units, on a few of many, or on values that do not vary (`limits`: what they left)."""
    if isnan(found.value):
        return (f"value: it cannot be told from {found.units:,} {unit}; a normaliser is 0",)
    if found.units < 2:
        return (f"units: {found.units} of {unit}; no interval can be told",)
    few = (f"units: only {found.units} {unit}; the interval is rough",) if found.units < FEW_UNITS else ()
    if found.std_error == 0.0:
        return (*few, f"spread: {FLAT if limits is None or isnan(limits[0]) else BOUNDED}")
    if not few and found.skew > SKEWED:
        rests = f"spread: a few of {found.units:,} {unit} decide value and error (skewness {found.skew:.2f} of the mean"
        return (f"{rests}, above {SKEWED:g}); the interval misses more often than it says",)
    return few


def flat_limits(
    value: float, n: float, reward: tuple[float, float], precision: Precision, *, weighed: bool = True
) -> tuple[float, float]:
    """Limits of a policy's value from rounds that all earned `value`: exact by the bounds, else NaN.

    n: rounds; unequal shares k count as sum k / max k (Jensen: log(1 - p) is concave). reward: smallest and largest of
    the rounds that the target policy weighs. Other rewards have at most the probability q of `unvaried` in the log, and
    `bounds.weight` times that under the target policy. NaN where rewards differ or a bound is not known.

    Examples:
        >>> low, high = flat_limits(0.0, 100, (0.0, 0.0), Precision(bounds=Bounds((0.0, 1.0), weight=2.0)))
        >>> low, round(high, 4)
        (0.0, 0.059)
    """
    bounds = precision.bounds
    if bounds is None or isnan(value) or reward[0] != reward[1] or abs(value - reward[0]) > 1e-12 * abs(value):
        return nan, nan
    weight = bounds.weight if weighed else 1.0
    if weight is None:
        return nan, nan
    low, high = bounds.reward
    at = reward[0]
    below, above = unvaried(at, n, (low, high), precision.level)
    return max(low, at - weight * (at - below)), min(high, at + weight * (above - at))


def left_out(drawn: Resampled | None) -> tuple[str, ...]:
    """Replicates that could not be computed."""
    if drawn is None or not drawn.undefined:
        return ()
    return (f"bootstrap: in {drawn.undefined} replicates no weight was drawn; they are left out",)
