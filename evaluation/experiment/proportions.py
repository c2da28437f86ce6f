"""The difference of two shares: who clicked, who came back."""

from math import sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from driftline.evaluation.experiment.effect import Effect, checked_level, critical
from driftline.evaluation.experiment.levels import checked_pair
from driftline.evaluation.experiment.tails import few_units
from driftline.sim.errors import InputError, hint

ProportionInterval = Literal["newcombe", "wald", "agresti_caffo"]
THIN = 5.0


def proportions(
    value: ArrayLike, arm: ArrayLike, *, interval: ProportionInterval = "newcombe", level: float = 0.95
) -> Effect:
    """Share of ones in B less that in A.

    value: 0 or 1 a unit [n]. `newcombe`: hybrid of the two Wilson score intervals (Newcombe 1998, method 10),
    which stays sensible for rare rewards; `wald`: unpooled normal; `agresti_caffo`: Wald after one success and one
    failure are added to each arm, centred there (Agresti & Caffo 2000). `std_error` is the unpooled one,
    sqrt(sum p (1 - p) / n); `statistic` and `p_value` are those of the pooled z test, so they may differ from
    the interval at the margin. Warns where an expected cell of the 2 x 2 table is below 5.
    """
    checked_level(level)
    if interval not in get_args(ProportionInterval):
        raise InputError(f"interval {interval!r} is unknown; {hint(interval, get_args(ProportionInterval))}")
    values, in_b = checked_pair(value, arm)
    wrong = np.flatnonzero((values != 0.0) & (values != 1.0))
    if len(wrong):
        raise InputError(
            f"value must be 0 or 1, got {values[wrong[0]]} at row {wrong[0]}; for other numbers take welch"
        )
    hits = (float(values[~in_b].sum()), float(values[in_b].sum()))
    units = (int((~in_b).sum()), int(in_b.sum()))
    low, high = _limits(hits, units, interval, critical(level))
    p_a, p_b = hits[0] / units[0], hits[1] / units[1]
    error = sqrt(p_a * (1 - p_a) / units[0] + p_b * (1 - p_b) / units[1])
    pooled = sum(hits) / sum(units)
    null = sqrt(pooled * (1 - pooled) * (1 / units[0] + 1 / units[1]))
    statistic = (p_b - p_a) / null if null > 0.0 else 0.0
    return Effect(
        p_b - p_a,
        error,
        low,
        high,
        sum(units),
        f"difference of proportions ({interval}; pooled z)",
        (*few_units(*units), *_thin_cells(pooled, units, interval)),
        statistic,
        2.0 * float(ndtr(-abs(statistic))),
    )


def _thin_cells(pooled: float, units: tuple[int, int], interval: str) -> tuple[str, ...]:
    least = min(pooled, 1.0 - pooled) * min(units)
    if least >= THIN:
        return ()
    return (f"an expected cell is {least:.1f}, below 5: the z test and the {interval} interval are rough",)


def _limits(hits: tuple[float, float], units: tuple[int, int], interval: str, z: float) -> tuple[float, float]:
    if interval == "agresti_caffo":
        hits, units = (hits[0] + 1.0, hits[1] + 1.0), (units[0] + 2, units[1] + 2)
    (p_a, p_b), (n_a, n_b) = (hits[0] / units[0], hits[1] / units[1]), units
    gap = p_b - p_a
    if interval != "newcombe":
        reach = z * sqrt(p_a * (1 - p_a) / n_a + p_b * (1 - p_b) / n_b)
        return max(gap - reach, -1.0), min(gap + reach, 1.0)
    (low_a, high_a), (low_b, high_b) = wilson(hits[0], n_a, z), wilson(hits[1], n_b, z)
    return gap - sqrt((p_b - low_b) ** 2 + (high_a - p_a) ** 2), gap + sqrt((high_b - p_b) ** 2 + (p_a - low_a) ** 2)


def wilson(hits: float, n: int, z: float) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927)."""
    share, room = hits / n, z * z / n
    centre = (share + room / 2) / (1 + room)
    reach = sqrt(share * (1 - share) * room + room * room / 4) / (1 + room)
    # exact at the ends, where rounding would leave 1e-17
    return (0.0 if hits == 0 else centre - reach), (1.0 if hits == n else centre + reach)
