"""Averages over logged rounds with shares in time: all alike, a sliding window, or exponential forgetting."""

from math import nan

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import normal_reach
from driftline.evaluation.nonstationary import cautions
from driftline.evaluation.nonstationary.round_terms import Estimator, RoundTerms, round_terms
from driftline.evaluation.nonstationary.targets import Target, labelled
from driftline.evaluation.off_policy.checks import share as check_share
from driftline.evaluation.off_policy.checks import vector
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def past_average(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    time: Floats,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    estimator: Estimator = "snips",
    target: Target = "past",
    cluster: Int64s | None = None,
    level: float = 0.95,
) -> Estimate:
    """The stationary estimator over all rounds: right for `past`; for another target it warns where values moved.

    time: [n], any unit. Interval: normal, by the sandwich over clusters (rounds where there are none); the
    normaliser of snips is part of it, never frozen.
    """
    terms = round_terms(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        cluster=cluster,
        estimator=estimator,
    )
    time = vector("time", time, len(terms.above))
    return time_weighted(terms, np.ones(len(time)), time, f"past_average {estimator}", target, level)


def sliding_window(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    time: Floats,
    width: float,
    now: float | None = None,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    estimator: Estimator = "snips",
    target: Target = "present",
    cluster: Int64s | None = None,
    level: float = 0.95,
) -> Estimate:
    """The stationary estimator over the rounds with now - width < time <= now (Garivier & Moulines 2011).

    time, width, now: one unit, usually days; `now` is the newest round where not given, later rounds are left out.
    Unbiased (ips, dr) for the window's mean, so for the present as far as nothing moved within the window; a
    forecast only if nothing moves at all. InputError: width not above 0, no round in the window.
    """
    terms = round_terms(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        cluster=cluster,
        estimator=estimator,
    )
    time = vector("time", time, len(terms.above))
    if not width > 0:
        raise InputError(f"width is {width}; it must be above 0, in the unit of time")
    end = float(time.max()) if now is None else float(now)
    share = ((time > end - width) & (time <= end)).astype(np.float64)
    if not share.any():
        raise InputError(
            f"no round has {end - width:g} < time <= {end:g}; times run from {time.min():g} to {time.max():g}"
        )
    return time_weighted(terms, share, time, f"sliding_window {estimator} of {width:g}", target, level)


def discounted(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    time: Floats,
    half_life: float,
    now: float | None = None,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    estimator: Estimator = "snips",
    target: Target = "present",
    cluster: Int64s | None = None,
    level: float = 0.95,
) -> Estimate:
    """All rounds up to now, each with the share 2^(-(now - time) / half_life) (Kocsis & Szepesvari 2006, discounting).

    time, half_life, now: one unit, usually days; the discount factor of one unit is 2^(-1 / half_life). The shares
    are normalised by their sum (ips, dr) or by the weighted sum (snips). A value that moves steadily is followed with
    a lag of half_life / log 2 units. InputError: half_life not above 0, no round up to `now`.
    """
    terms = round_terms(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        cluster=cluster,
        estimator=estimator,
    )
    time = vector("time", time, len(terms.above))
    if not half_life > 0:
        raise InputError(f"half_life is {half_life}; it must be above 0, in the unit of time")
    end = float(time.max()) if now is None else float(now)
    if not (time <= end).any():
        raise InputError(f"no round has time <= {end:g}; times run from {time.min():g} to {time.max():g}")
    # ages count from the newest round used: the same shares, and none underflows where now lies far ahead
    newest = float(time[time <= end].max())
    share = np.where(time <= end, np.exp2(-np.maximum(newest - time, 0.0) / half_life), 0.0)
    return time_weighted(terms, share, time, f"discounted {estimator}, half-life {half_life:g}", target, level)


def time_weighted(
    terms: RoundTerms, share: Floats, time: Floats, method: str, target: Target, level: float
) -> Estimate:
    """The weighted ratio with its normal interval and everything that speaks against it. share: [n], >= 0."""
    check_share("level", level)
    label = labelled(method, target, "sandwich")
    value, error = cautions.weighted_ratio(terms, share)
    warnings = cautions.few_effective_rounds(terms, share)
    units = cautions.units_used(share, terms)
    if np.isnan(error):
        warnings.append(f"{units} independent unit stands behind it: no interval can be told")
        return Estimate(value, nan, nan, nan, units, label, tuple(warnings))
    warnings += cautions.mean_weight_off(terms, share) + cautions.moved(terms, share, time, target)
    reach = normal_reach(error, level)
    return Estimate(value, error, value - reach, value + reach, units, label, tuple(warnings))
