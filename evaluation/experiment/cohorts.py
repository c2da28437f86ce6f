"""Effects by cohort: does it work for the newcomers too?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from driftline.evaluation.experiment.arms import checked_codes
from driftline.evaluation.experiment.effect import Effect, checked_level
from driftline.evaluation.experiment.levels import checked_pair, difference, mean_levels
from driftline.sim.errors import InputError


@dataclass(frozen=True, slots=True)
class CohortEffects:
    """One effect a cohort, and whether they differ."""

    cohort: tuple[str, ...]
    effects: tuple[Effect, ...]
    heterogeneity: float
    """Cochran's Q: sum (effect_c - weighted mean)^2 / error_c^2; chi-square with cohorts - 1 if all are equal."""
    p_value: float
    """Of equal effects. Look at single cohorts only where this is small, and adjust (`holm`)."""


def by_cohort(*, value: ArrayLike, arm: ArrayLike, cohort: ArrayLike, level: float = 0.95) -> CohortEffects:
    """Welch's difference in each cohort, with Cochran's test that they are one (Cochran 1954).

    value, arm: [n]. cohort: labels known before the experiment (country, week of joining) [n], sorted. InputError: a
    cohort with fewer than 2 units of an arm, or values that do not vary in it.
    """
    checked_level(level)
    values, in_b = checked_pair(value, arm)
    codes, count = checked_codes("cohort", cohort, len(values))
    labels = np.unique(np.asarray(cohort))
    effects = []
    for k in range(count):
        rows = codes == k
        b = int(in_b[rows].sum())
        if min(b, int(rows.sum()) - b) < 2:
            raise InputError(
                f"cohort {labels[k]!s} has {int(rows.sum()) - b} units of A and {b} of B; at least 2 are needed"
            )
        effect = difference(
            mean_levels(values[rows], in_b[rows]), level=level, method=f"cohort {labels[k]!s} (welch t)"
        )
        if not effect.std_error > 0.0:
            raise InputError(f"cohort {labels[k]!s}: the values do not vary; there is no error to weigh it by")
        effects.append(effect)
    found = np.array([effect.value for effect in effects])
    weight = np.array([effect.std_error**-2 for effect in effects])
    q = float(weight @ (found - weight @ found / weight.sum()) ** 2)
    p_value = float(chdtrc(count - 1, q)) if count > 1 else float("nan")
    return CohortEffects(tuple(str(label) for label in labels), tuple(effects), q, p_value)
