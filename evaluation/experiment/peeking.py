"""A/A streams, looked at after every unit: how often does a method cry wolf?"""

from collections.abc import Callable
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment.effect import checked_level, critical
from driftline.evaluation.experiment.proportions import wilson
from driftline.evaluation.experiment.running import Running, checked_start, streams
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

Method = Callable[[Floats, Int64s], Running]
Draw = Callable[[np.random.Generator, int], Floats]


def peeked(
    method: Method,
    *,
    streams: int = 1000,
    n: int = 5000,
    start: int = 50,
    draw: Draw | None = None,
    share: float = 0.5,
    seed: int = 0,
) -> Estimate:
    """Share of A/A streams in which `method`, looked at after every unit from `start` to n, ever excludes 0.

    method: of (value [n], arm [n]) -> `Running`. draw: of (generator, n) -> values, standard normal by default.
    Each unit goes to B with probability `share`. Stream k is drawn by a generator seeded with (seed, k), whatever the
    number of streams. Wilson's interval; n counts streams. A method that promises 95 % may exclude 0 in 5 %.
    """
    if streams < 1 or not 1 <= start <= n:
        raise InputError(f"need at least 1 stream and 1 <= start <= n, got {streams} streams, start {start}, n {n}")
    alarms = 0
    for k in range(streams):
        rng = np.random.default_rng([seed, k])
        arm = (rng.random(n) < share).astype(np.int64)
        value = rng.standard_normal(n) if draw is None else draw(rng, n)
        alarms += bool(method(value, arm).excludes_zero(start).any())
    rate = alarms / streams
    low, high = wilson(alarms, streams, critical(0.95))
    return Estimate(
        rate, sqrt(rate * (1 - rate) / streams), low, high, streams, "false alarms of peeked A/A streams (wilson)"
    )


def peeked_t(value: ArrayLike, arm: ArrayLike, *, start: int = 50, level: float = 0.95) -> Running:
    """The ordinary interval (Welch's error, normal) after every unit.

    Right at any one n fixed beforehand, wrong for whoever looks again and stops when it pleases; here so that the
    checks of the others have something to catch.
    """
    checked_level(level)
    seen = streams(value, arm)
    checked_start(start, len(seen.n))
    known = (seen.n >= start) & (seen.std_error > 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = np.where(known, critical(level) * seen.std_error, np.inf)
        p_value = np.where(known, 2.0 * ndtr(-np.abs(seen.value / seen.std_error)), 1.0)
    centre = np.where(known, seen.value, 0.0)
    warning = "a fixed-sample interval: looking more than once breaks it"
    return Running(
        seen.n,
        seen.value,
        seen.std_error,
        centre - reach,
        centre + reach,
        p_value,
        "difference of means so far (normal, not valid under peeking)",
        (warning,),
    )
