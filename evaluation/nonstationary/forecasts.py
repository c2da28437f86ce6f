"""Forecasting a policy's value: fit a curve to its past values by period, and read it off at the next one."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import Literal, get_args

import numpy as np

from driftline.evaluation.arrays import between_0_and_1, one_of, vector, whole_numbers
from driftline.evaluation.claims import claims
from driftline.evaluation.estimate import FLAT, LEVEL, Estimate, t_quantile
from driftline.evaluation.importance.weights import weight_warnings
from driftline.evaluation.nonstationary.time_weighted import (
    USED,
    Estimator,
    for_target,
    round_terms,
)
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

Basis = Callable[[Floats, float], Floats]
"""(period numbers [m], span) -> columns [m, p]. Periods count from 0; span is what time is scaled by."""


def polynomial(degree: int = 1) -> Basis:
    """1, t, ..., t^degree of scaled time; degree 1 is the straight line of Chandak et al. 2020, degree 0 a mean.

    Examples:
        >>> polynomial(1)(np.array([0.0, 1.0, 2.0]), 2.0).tolist()
        [[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]
    """
    _at_least("degree", degree, 0)

    def columns(period: Floats, span: float) -> Floats:
        return np.asarray((period / span)[:, None] ** np.arange(degree + 1))

    return columns


def cosine(terms: int = 3) -> Basis:
    """cos(pi j t), j = 0..terms - 1, of scaled time: the Fourier basis of Chandak et al. 2020, by their code.

    Examples:
        >>> cosine(2)(np.array([0.0, 1.0]), 1.0).round(4).tolist()
        [[1.0, 1.0], [1.0, -1.0]]
    """
    _at_least("terms", terms, 1)

    def columns(period: Floats, span: float) -> Floats:
        return np.cos(np.pi * np.outer(period / span, np.arange(terms)))

    return columns


def seasonal(length: float, harmonics: int = 1, degree: int = 0) -> Basis:
    """A polynomial in time with sines and cosines of a season of `length` periods (7 for a week of days).

    Examples:
        >>> seasonal(4)(np.array([0.0, 1.0]), 1.0).round(4).tolist()
        [[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """
    _at_least("harmonics", harmonics, 1)
    if not length > 2 * harmonics:
        raise InputError(f"length is {length} periods; {harmonics} harmonics need more than {2 * harmonics}")
    trend = polynomial(degree)

    def columns(period: Floats, span: float) -> Floats:
        angle = 2 * np.pi * np.outer(period, np.arange(1, harmonics + 1)) / length
        return np.hstack([trend(period, span), np.sin(angle), np.cos(angle)])

    return columns


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise InputError(f"{name} is {value}; at least {least} is needed")


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
    """The whole number of `length`s since `start` that each time [n] lies in: floor((time - start) / length).

    Examples:
        >>> periods([0.2, 0.9, 1.5], length=1.0).tolist()
        [0, 0, 1]
    """
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
    """The estimate of every period by its own rounds alone. period: [n] integers; other arrays as everywhere.

    Examples:
        >>> log = {"reward": [0.0, 1.0, 1.0, 2.0], "pscore": [0.5] * 4, "target_pscore": [0.5] * 4}
        >>> per_period(**log, period=np.array([0, 0, 1, 1])).value.tolist()
        [0.5, 1.5]
    """
    rounds = Rounds(reward=reward, pscore=pscore, target_pscore=target_pscore, q_action=q_action, q_expected=q_expected)
    return _by_period(rounds, estimator, period)


def _by_period(rounds: Rounds, estimator: Estimator, period: Int64s) -> PeriodValues:
    label, place = np.unique(whole_numbers("period", period, len(rounds)), return_inverse=True)
    terms = round_terms(rounds, estimator)
    bottom = np.ones(len(rounds)) if terms.bottom is None else terms.bottom
    top = np.sum([each for each in (terms.base, terms.top) if each is not None], axis=0)
    count, below = _sums(place, np.ones(len(place))), _sums(place, bottom)
    value = _divide(_sums(place, top), below)
    off = top - np.where(np.isnan(value), 0.0, value)[place] * bottom
    spread = _sums(place, np.square(off)) * _divide(count, count - 1.0)
    return PeriodValues(
        label.astype(np.int64),
        value,
        _divide(np.sqrt(spread), below),
        count.astype(np.int64),
        _sums(place, rounds.weight),
    )


def _sums(place: Int64s, values: Floats) -> Floats:
    return np.asarray(np.bincount(place, values), dtype=np.float64)


def _divide(above: Floats, below: Floats) -> Floats:
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


Form = Literal["ols", "nis"]
COMFORTABLE = 3
"""Periods per fitted column below which the interval is called shaky."""


@claims("times", unbiased_in="still", equivariant=True)
def prognosticator(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    period: Int64s,
    basis: Basis | None = None,
    form: Form = "ols",
    ahead: int = 1,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    level: float = LEVEL,
) -> Estimate:
    """The mean value of the `ahead` periods after the log's last, by regression on time (Chandak et al. 2020).

    ols (their eq. 5, Pro-OLS): per-period ips means Y_k (doubly robust ones with a model) are regressed on basis(k),
    every period alike: value = basis(next) (B'B)^-1 B'Y. Unbiased if the value is in the basis' span. nis (their
    Pro-WLS): rounds are regressed with importance weights, which equals weighted least squares of the per-period snips
    values with the periods' sums of weights; consistent, less variance. A basis of one constant gives the mean of
    per-period ips (ols) and snips over all rounds (nis).

    Time is scaled by K + ahead + 5 % of K as in the authors' code.

    Interval: Student's t with K - p degrees of freedom and the HC3 sandwich (MacKinnon & White 1985), the period being
    the unit, so a user who comes in many periods does not count as independent rounds within one, but periods are taken
    as independent of each other.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        period: When each round was [n]: whole numbers, evenly spaced in time (see `periods`).
        basis: What curves may be fitted, such as `seasonal(7)`; a straight line where not given.
        form: `ols` or `nis`.
        ahead: How many periods after the log's last, at least 1.
        q_action: A reward model's predictions for the logged actions [n]; `ols` only.
        q_expected: Its means under the target policy [n]; `ols` only.
        level: Of the interval, in (0, 1).

    Raises:
        InputError: Fewer periods than basis columns, a basis that the periods cannot tell apart, ahead below 1, a model
            for `nis`; unequal lengths, an unusable value.

    Examples:
        >>> log = {"reward": [0.0, 1.0, 1.0, 2.0], "pscore": [0.5] * 4, "target_pscore": [0.5] * 4}
        >>> round(prognosticator(**log, period=np.array([0, 1, 2, 3])).value, 4)
        2.5
    """
    one_of("form", form, get_args(Form))
    if ahead < 1:
        raise InputError(f"ahead is {ahead}; at least 1 period is needed")
    between_0_and_1("level", level)
    with_model = q_action is not None or q_expected is not None
    if form == "nis" and with_model:
        raise InputError("form 'nis' weights rounds and takes no reward model: leave out q_action and q_expected")
    estimator: Estimator = "snips" if form == "nis" else "dr" if with_model else "ips"
    rounds = Rounds(reward=reward, pscore=pscore, target_pscore=target_pscore, q_action=q_action, q_expected=q_expected)
    values = _by_period(rounds, estimator, period)
    load = values.weight if form == "nis" else np.ones(len(values.period))
    return _forecast(values, load, basis or polynomial(1), ahead, level, rounds, f"prognosticator {form} {estimator}")


def _forecast(
    values: PeriodValues, load: Floats, basis: Basis, ahead: int, level: float, rounds: Rounds, method: str
) -> Estimate:
    number = (values.period - values.period[0]).astype(np.float64)
    seen = int(number[-1]) + 1
    span = float(seen + ahead + int(0.05 * seen))
    columns = basis(number, span)
    wanted = basis(np.arange(seen, seen + ahead, dtype=np.float64), span).mean(axis=0)
    known = load > 0
    _check_enough(int(known.sum()), columns[known])
    value, error = weighted_forecast(columns[known], values.value[known], load[known], wanted)
    method = method if ahead == 1 else f"{method}, mean of {ahead} periods"
    label = f"{for_target(method, 'next_period')} (HC3 over periods)"
    k, p = int(known.sum()), columns.shape[1]
    warnings = _cautions(k, p, seen, ahead, rounds)
    if np.ptp(values.value[known]) == 0.0:
        return Estimate(value, 0.0, nan, nan, k, label, (*warnings, f"spread: {FLAT}"))
    if np.isnan(error):
        return Estimate(value, nan, nan, nan, k, label, warnings)
    reach = t_quantile(0.5 + level / 2, k - p) * error
    return Estimate(value, error, value - reach, value + reach, k, label, warnings)


def weighted_forecast(columns: Floats, value: Floats, load: Floats, wanted: Floats) -> tuple[float, float]:
    """Weighted least squares read off at `wanted` [p], with its HC3 error. columns [K, p]; value, load [K].

    With c = load * columns (columns' load columns)^-1 wanted, the forecast is sum c_k value_k and the variance
    sum (c_k residual_k / (1 - h_k))^2, h_k being the leverages. NaN error for K = p or a leverage of 1.
    """
    root = np.sqrt(load)[:, None]
    q, r = np.linalg.qr(columns * root)
    pull = (root[:, 0]) * (q @ np.linalg.solve(r.T, wanted))
    forecast = float((pull * value).sum())
    if len(value) <= columns.shape[1]:
        return forecast, nan
    fitted = (q @ (q.T @ (root[:, 0] * value))) / root[:, 0]
    slack = 1.0 - np.square(q).sum(axis=1)
    if slack.min() < 1e-9:
        return forecast, nan
    return forecast, float(np.sqrt(np.square(pull * (value - fitted) / slack).sum()))


def _check_enough(k: int, columns: Floats) -> None:
    p = columns.shape[1]
    if k < p:
        raise InputError(f"{k} periods have a value; the basis has {p} columns and needs at least {p} periods")
    rank = int(np.linalg.matrix_rank(columns))
    if rank < p:
        raise InputError(f"the basis has {p} columns of which these {k} periods tell only {rank} apart")


def _cautions(k: int, p: int, seen: int, ahead: int, rounds: Rounds) -> tuple[str, ...]:
    warnings = []
    if k <= p:
        warnings.append(f"{k} periods for {p} fitted columns: the curve meets every period, no interval can be told")
    elif k < COMFORTABLE * p:
        warnings.append(
            f"{k} periods for {p} fitted columns: too few for a reliable interval ({COMFORTABLE * p} wanted)"
        )
    if k < seen:
        warnings.append(f"{seen - k} of {seen} periods have no usable round and were left out")
    if ahead > 1:
        warnings.append(f"carried {ahead} periods beyond the log: right only if the curve holds that long")
    return (*warnings, *weight_warnings(rounds.weight, USED))
