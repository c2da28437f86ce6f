"""How many users an experiment needs, and what it can see."""

from dataclasses import dataclass
from math import ceil, inf, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from driftline.evaluation.arrays import between_0_and_1, vector
from driftline.evaluation.experiment._levels import critical
from driftline.sim.errors import InputError

MOST = 1e12
"""More units than this are refused."""


def power(
    *,
    n: int,
    effect: float,
    sd: float | None = None,
    sd_b: float | None = None,
    rate: float | None = None,
    share: float = 0.5,
    level: float = 0.95,
) -> float:
    """Probability that a two-sided test at `level` on n units in all shows a true effect.

    Either `sd` (a mean: Student's t with n - 2 degrees of freedom by the noncentral t, or Welch's where `sd_b`
    differs) or `rate`, A's share of ones (z with the pooled variance under no effect and the unpooled one under
    the effect; Fleiss 1981). effect: absolute, B less A. share: B's share of the units. For a ratio metric take
    `sd=ratio_sd(...)`; after CUPED multiply sd by sqrt(1 - variance reduction). InputError for illegal numbers.

    Example:
        >>> from driftline.evaluation.experiment import power
        >>> round(power(n=400, effect=0.3, sd=1.0), 3)
        0.849
    """
    plan = _checked(sd, sd_b, rate, share, level)
    _check_effect(plan, effect)
    _check_units(n, share)
    return plan.power(n, effect)


def sample_size(
    *,
    effect: float,
    target: float = 0.8,
    sd: float | None = None,
    sd_b: float | None = None,
    rate: float | None = None,
    share: float = 0.5,
    level: float = 0.95,
) -> int:
    """The fewest units in all with which `power` reaches `target`; arguments as there.

    Example:
        >>> from driftline.evaluation.experiment import sample_size
        >>> sample_size(effect=0.02, rate=0.1)
        7682
    """
    plan = _checked(sd, sd_b, rate, share, level)
    _check_effect(plan, effect)
    _check_target(target, level)
    if effect == 0.0:
        raise InputError("effect must not be 0: no number of units shows that nothing is there")
    low = high = 3.0 / min(share, 1.0 - share)
    while plan.power(high, effect) < target:
        low, high = high, 2.0 * high
        if high > MOST:
            raise InputError(f"an effect of {effect:g} needs more than {MOST:g} units")
    found = ceil(low)
    first, last = found, ceil(high)
    while first < last:
        middle = (first + last) // 2
        first, last = (first, middle) if plan.power(middle, effect) >= target else (middle + 1, last)
    return first


def minimum_effect(
    *,
    n: int,
    target: float = 0.8,
    sd: float | None = None,
    sd_b: float | None = None,
    rate: float | None = None,
    share: float = 0.5,
    level: float = 0.95,
) -> float:
    """The smallest effect above 0 that n units in all show with probability `target`; NaN where none does.

    Arguments as in `power`. For rates it is an increase.

    Example:
        >>> from driftline.evaluation.experiment import minimum_effect
        >>> round(minimum_effect(n=400, sd=1.0), 3)
        0.281
    """
    from scipy.optimize import brentq

    plan = _checked(sd, sd_b, rate, share, level)
    _check_units(n, share)
    _check_target(target, level)
    if plan.rate is not None:
        high = 1.0 - plan.rate
        if plan.power(n, high) < target:
            return float("nan")
    else:
        assert plan.sd is not None
        high = max(plan.sd, plan.sd_b or 0.0)
        while plan.power(n, high) < target:
            high *= 2.0
    return float(brentq(lambda effect: plan.power(n, effect) - target, 0.0, high, xtol=1e-14 * high, rtol=1e-13))


def ratio_sd(numerator: ArrayLike, denominator: ArrayLike) -> float:
    """Per-unit standard deviation of a ratio metric: that of (numerator - R denominator) / mean denominator.

    From a log of one arm [n]; divisor n - 1. For `power`, `sample_size` and `minimum_effect`.

    Example:
        >>> from driftline.evaluation.experiment import ratio_sd
        >>> round(ratio_sd([1, 2, 0, 3], [2, 2, 1, 4]), 3)
        0.27
    """
    above = vector("numerator", numerator)
    below = vector("denominator", denominator, len(above))
    if len(above) < 2 or not below.sum() > 0.0:
        raise InputError(
            f"a ratio needs at least 2 units and denominators above 0, got {len(above)} and {below.sum():g}"
        )
    return float(np.std(above - above.sum() / below.sum() * below, ddof=1) / below.mean())


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a test compares: a mean with a standard deviation, or a rate."""

    sd: float | None
    sd_b: float | None
    rate: float | None
    share: float
    level: float

    def power(self, n: float, effect: float) -> float:
        """Probability that the two-sided test rejects, on either side."""
        n_a, n_b = n * (1.0 - self.share), n * self.share
        if self.rate is not None:
            return self._of_rates(n_a, n_b, effect)
        assert self.sd is not None
        if self.sd_b is None:
            df = n - 2.0
            shift = effect / (self.sd * sqrt(1.0 / n_a + 1.0 / n_b))
        else:
            parts = self.sd**2 / n_a, self.sd_b**2 / n_b
            df = sum(parts) ** 2 / (parts[0] ** 2 / (n_a - 1.0) + parts[1] ** 2 / (n_b - 1.0))
            shift = effect / sqrt(sum(parts))
        at = critical(self.level, df)
        # scipy's noncentral t loses digits, or is NaN, far out, where the normal is the same
        if df > 1e6:
            return float(ndtr(shift - at) + ndtr(-at - shift))
        from scipy.stats import nct

        return float(nct.sf(at, df, abs(shift)) + np.nan_to_num(nct.cdf(-at, df, abs(shift))))

    def _of_rates(self, n_a: float, n_b: float, effect: float) -> float:
        assert self.rate is not None
        p_a, p_b = self.rate, self.rate + effect
        pooled = (n_a * p_a + n_b * p_b) / (n_a + n_b)
        null = sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
        error = sqrt(p_a * (1 - p_a) / n_a + p_b * (1 - p_b) / n_b)
        if not error > 0.0:
            return 1.0
        at = critical(self.level) * null
        return float(ndtr((effect - at) / error) + ndtr((-at - effect) / error))


def _checked(sd: float | None, sd_b: float | None, rate: float | None, share: float, level: float) -> _Plan:
    between_0_and_1("level", level)
    if (sd is None) == (rate is None):
        raise InputError("give either sd (of a mean) or rate (of a share), not both and not neither")
    if rate is not None and sd_b is not None:
        raise InputError("sd_b belongs to sd; a rate has its own variance")
    for name, number in (("sd", sd), ("sd_b", sd_b)):
        if number is not None and not 0.0 < number < inf:
            raise InputError(f"{name} must be above 0, got {number}")
    if rate is not None:
        between_0_and_1("rate", rate)
    between_0_and_1("share", share)
    return _Plan(sd, sd_b, rate, share, level)


def _check_effect(plan: _Plan, effect: float) -> None:
    if not np.isfinite(effect):
        raise InputError(f"effect must be finite, got {effect}")
    if plan.rate is not None and not 0.0 <= plan.rate + effect <= 1.0:
        raise InputError(f"rate + effect must lie in [0, 1], got {plan.rate + effect:g}")


def _check_units(n: float, share: float) -> None:
    if not n * min(share, 1.0 - share) >= 2.0:
        raise InputError(f"n = {n} leaves fewer than 2 units in an arm")


def _check_target(target: float, level: float) -> None:
    if not 1.0 - level < target < 1.0:
        raise InputError(f"target must lie between {1.0 - level:g} and 1, got {target}")
