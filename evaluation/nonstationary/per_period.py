"""One off-policy estimate per period of the log: what forecasts are fitted on, and a curve to look at."""

from dataclasses import dataclass

import numpy as np

from driftline.evaluation.nonstationary.round_terms import Estimator, RoundTerms, round_terms
from driftline.evaluation.off_policy.checks import vector, whole_numbers
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


@dataclass(frozen=True, slots=True)
class PeriodValues:
    """Arrays are [K], one entry for each period that has rounds."""

    period: Int64s
    """The period's number as given."""
    value: Floats
    """NaN where the target policy takes none of the period's logged actions (snips)."""
    std_error: Floats
    """Sandwich error within the period, rounds taken as independent; NaN for a single round."""
    rounds: Int64s
    weight: Floats
    """Sum of the importance weights."""


def periods(time: Floats, length: float, start: float = 0.0) -> Int64s:
    """The whole number of `length`s since `start` that each time [n] lies in: floor((time - start) / length)."""
    if not length > 0:
        raise InputError(f"length is {length}; it must be above 0, in the unit of time")
    return np.floor((vector("time", time) - start) / length).astype(np.int64)


def per_period(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    period: Int64s,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    estimator: Estimator = "ips",
) -> PeriodValues:
    """The estimate of every period by its own rounds alone. period: [n] integers; other arrays as everywhere."""
    terms = round_terms(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        estimator=estimator,
    )
    return by_period(terms, period)


def by_period(terms: RoundTerms, period: Int64s) -> PeriodValues:
    """As `per_period`, from the rounds' terms."""
    numbers = whole_numbers("period", period, len(terms.above))
    label, place = np.unique(numbers, return_inverse=True)
    rounds, below = _sums(place, np.ones(len(place))), _sums(place, terms.below)
    value = _divide(_sums(place, terms.above), below)
    off = terms.above - np.where(np.isnan(value), 0.0, value)[place] * terms.below
    spread = _sums(place, np.square(off)) * _divide(rounds, rounds - 1.0)
    return PeriodValues(
        label.astype(np.int64),
        value,
        _divide(np.sqrt(spread), below),
        rounds.astype(np.int64),
        _sums(place, terms.weight),
    )


def _sums(place: Int64s, values: Floats) -> Floats:
    return np.asarray(np.bincount(place, values), dtype=np.float64)


def _divide(above: Floats, below: Floats) -> Floats:
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out
