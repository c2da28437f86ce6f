"""Estimates whose interval holds as n grows: delta method or bootstrap, nothing else."""

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.off_policy import caution
from driftline.evaluation.off_policy.checks import one_of
from driftline.evaluation.off_policy.intervals.bootstrap import Resampled
from driftline.evaluation.off_policy.intervals.delta import Delta, normal_limits
from driftline.evaluation.off_policy.intervals.precision import INTERVALS, Precision
from driftline.sim.errors import InputError

ASYMPTOTIC = ("normal", "bootstrap")


def need_asymptotic(method: str, precision: Precision) -> None:
    """`InputError` for an interval that this method does not have."""
    one_of("interval", precision.interval, INTERVALS)
    if precision.interval not in ASYMPTOTIC:
        raise InputError(f"interval {precision.interval!r} does not exist for {method}; use 'normal' or 'bootstrap'")


def asymptotic_estimate(
    method: str,
    found: Delta,
    resampled: Resampled | None,
    precision: Precision,
    *,
    clustered: bool,
    warnings: tuple[str, ...] = (),
) -> Estimate:
    """Value, error and limits by the delta method, or from replicates where there are some."""
    name = "bootstrap" if resampled is not None else "delta"
    low, high = (
        normal_limits(found, precision.level, clustered) if resampled is None else (resampled.low, resampled.high)
    )
    return Estimate(
        value=found.value,
        std_error=found.std_error if resampled is None else resampled.std_error,
        low=low,
        high=high,
        n=found.units,
        method=f"{method} ({name}, clustered)" if clustered else f"{method} ({name})",
        warnings=(*warnings, *caution.few_units(found, clustered), *caution.of_bootstrap(resampled)),
    )
