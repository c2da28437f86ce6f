"""Effects by exposure age: novelty wears off, primacy wears on."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.experiment.arms import checked_codes, checked_values, sums, whole_clusters
from driftline.evaluation.experiment.effect import Effect, checked_level, t_effect
from driftline.evaluation.experiment.levels import Levels, checked_pair, difference
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

ALIKE = 3.0
"""Arms may differ in how many users are left by this many standard errors."""


@dataclass(frozen=True, slots=True)
class AgeCurve:
    """The effect at each exposure age [k], and whether it moves."""

    age: Floats
    effects: tuple[Effect, ...]
    trend: Effect
    """Slope of the effect per unit of age: below 0 novelty, above 0 primacy."""
    warnings: tuple[str, ...] = ()


def by_exposure_age(
    *, value: ArrayLike, arm: ArrayLike, user: ArrayLike, age: ArrayLike, level: float = 0.95
) -> AgeCurve:
    """Mean of B less mean of A among rows of equal age, users being the units.

    value, arm, user: one row a user's period or visit [n]; each user in one arm. age: time since the user's first
    exposure, already cut into a few steps (days, weeks) [n]. The effect at an age compares ratios of sums
    over users (rows may be many per user). `trend`: least squares of the effects on age, every age counting once; its
    error follows each user through all ages, so what a user does at one age is not taken for independent of
    what it does at the next. Only the users still there are compared: a warning says where the arms keep
    them at different rates at the last age, since then the curve mixes effect and selection.
    """
    checked_level(level)
    values, in_b = checked_pair(value, arm)
    users, count = checked_codes("user", user, len(values))
    sides = whole_clusters(users, count, in_b)
    ages = checked_values("age", age, len(values))
    steps, place = np.unique(ages, return_inverse=True)
    if len(steps) < 2:
        raise InputError(f"age takes {len(steps)} value; a curve needs at least 2")
    slope_of = (steps - steps.mean()) / ((steps - steps.mean()) ** 2).sum()
    effects, slope, influence = [], 0.0, np.zeros(count)
    for k, step in enumerate(steps):
        rows = place == k
        levels, on_user = _at_age(values[rows], in_b[rows], users[rows], sides, f"{step:g}")
        effects.append(difference(levels, level=level, method=f"exposure age {step:g} (users as clusters, welch t)"))
        slope += slope_of[k] * effects[-1].value
        influence += slope_of[k] * on_user
    size = int((~sides).sum()), int(sides.sum())
    trend = t_effect(
        value=slope,
        variance=sum(
            n / (n - 1) * float((influence[own] ** 2).sum()) for n, own in zip(size, (~sides, sides), strict=True)
        ),
        df=count - 2.0,
        n=count,
        level=level,
        method="slope of the effect in exposure age (users as clusters, t)",
    )
    return AgeCurve(steps, tuple(effects), trend, _selected(users[place == len(steps) - 1], sides))


def _at_age(values: Floats, in_b: Bools, users: Int64s, sides: Bools, name: str) -> tuple[Levels, Floats]:
    """The arms' levels among these rows, and each user's influence on their difference [users]."""
    found, influence = [], np.zeros(len(sides))
    for label, sign, inside in (("A", -1.0, ~in_b), ("B", 1.0, in_b)):
        own = users[inside]
        if len(np.unique(own)) < 2:
            raise InputError(f"exposure age {name} has fewer than 2 users of arm {label}")
        mean = float(values[inside].mean())
        on_user = sums(own, (values[inside] - mean) / len(own), len(sides))
        influence += sign * on_user
        found.append((mean, on_user[np.unique(own)]))
    (a, own_a), (b, own_b) = found
    return Levels(a, b, own_a, own_b), influence


def _selected(last: Int64s, sides: Bools) -> tuple[str, ...]:
    there = np.zeros(len(sides), dtype=np.bool_)
    there[last] = True
    p_a, p_b = float(there[~sides].mean()), float(there[sides].mean())
    error = sqrt(p_a * (1 - p_a) / (~sides).sum() + p_b * (1 - p_b) / sides.sum())
    if abs(p_b - p_a) <= ALIKE * error:
        return ()
    return (
        f"{p_a:.1%} of A's users and {p_b:.1%} of B's are seen at the last age: the curve mixes effect and selection",
    )
