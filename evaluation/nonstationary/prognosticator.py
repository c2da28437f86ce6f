"""Forecasting a policy's value: fit a curve to its past values and read it off at the next period."""

from math import nan
from typing import Literal, get_args

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import t_quantile
from driftline.evaluation.nonstationary import cautions
from driftline.evaluation.nonstationary.bases import Basis, polynomial
from driftline.evaluation.nonstationary.per_period import PeriodValues, by_period
from driftline.evaluation.nonstationary.round_terms import Estimator, RoundTerms, round_terms
from driftline.evaluation.nonstationary.targets import labelled
from driftline.evaluation.off_policy.checks import one_of, share
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

Form = Literal["ols", "nis"]
COMFORTABLE = 3
"""Periods per fitted column below which the interval is called shaky."""


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
    level: float = 0.95,
) -> Estimate:
    """The mean value of the `ahead` periods after the log's last, by regression on time (Chandak et al. 2020).

    period: [n] whole numbers, evenly spaced in time (see `periods`). basis: a straight line where not given.

    ols (their eq. 5, Pro-OLS): per-period ips means Y_k (doubly robust ones where q_action and q_expected are given)
    are regressed on basis(k), every period alike: value = basis(next) (B'B)^-1 B'Y. Unbiased if the value is in the
    basis' span. nis (their Pro-WLS): rounds are regressed with importance weights, which equals weighted least
    squares of the per-period snips values with the periods' sums of weights; consistent, less variance. A basis of one
    constant gives the mean of per-period ips (ols) and snips over all rounds (nis).

    Time is scaled by K + ahead + 5 % of K as in the authors' code. Interval: Student's t with K - p degrees of
    freedom and the HC3 sandwich (MacKinnon & White 1985), the period being the unit, so a user who comes in many
    periods does not count as independent rounds within one, but periods are taken as independent of each other.
    InputError: fewer periods than basis columns, a basis that the periods cannot tell apart, ahead below 1.
    """
    one_of("form", form, get_args(Form))
    if ahead < 1:
        raise InputError(f"ahead is {ahead}; at least 1 period is needed")
    share("level", level)
    with_model = q_action is not None or q_expected is not None
    if form == "nis" and with_model:
        raise InputError("form 'nis' weights rounds and takes no reward model: leave out q_action and q_expected")
    estimator: Estimator = "snips" if form == "nis" else "dr" if with_model else "ips"
    terms = round_terms(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        estimator=estimator,
    )
    values = by_period(terms, period)
    load = values.weight if form == "nis" else np.ones(len(values.period))
    return _forecast(values, load, basis or polynomial(1), ahead, level, terms, f"prognosticator {form} {estimator}")


def _forecast(
    values: PeriodValues, load: Floats, basis: Basis, ahead: int, level: float, terms: RoundTerms, method: str
) -> Estimate:
    number = (values.period - values.period[0]).astype(np.float64)
    seen = int(number[-1]) + 1
    span = float(seen + ahead + int(0.05 * seen))
    columns = basis(number, span)
    wanted = basis(np.arange(seen, seen + ahead, dtype=np.float64), span).mean(axis=0)
    known = load > 0
    _check_enough(int(known.sum()), columns[known])
    value, error = weighted_forecast(columns[known], values.value[known], load[known], wanted)
    label = labelled(method if ahead == 1 else f"{method}, mean of {ahead} periods", "next_period", "HC3 over periods")
    k, p = int(known.sum()), columns.shape[1]
    warnings = _cautions(k, p, seen, ahead, terms, wanted, columns[known])
    if np.isnan(error):
        return Estimate(value, nan, nan, nan, k, label, tuple(warnings))
    reach = t_quantile(0.5 + level / 2, k - p) * error
    return Estimate(value, error, value - reach, value + reach, k, label, tuple(warnings))


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


def _cautions(k: int, p: int, seen: int, ahead: int, terms: RoundTerms, wanted: Floats, columns: Floats) -> list[str]:
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
    everything = np.ones(len(terms.above))
    return warnings + cautions.few_effective_rounds(terms, everything) + cautions.mean_weight_off(terms, everything)
