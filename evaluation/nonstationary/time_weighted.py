"""What one round adds to an estimate: a numerator and a denominator, the same for every weighting in time.

Which time a number speaks of: the logged past, the present, or the period that comes next.

Averages over logged rounds with shares in time: all alike, a sliding window, or exponential forgetting.

What speaks against trusting a number under drift, as plain lines.
"""

from dataclasses import dataclass, replace
from math import hypot, nan, sqrt
from typing import Literal, get_args

import numpy as np

from driftline.evaluation.estimate import Estimate, normal_reach
from driftline.evaluation.off_policy.rounds import codes, one_of, probabilities, propensities, vector, whole_numbers
from driftline.evaluation.off_policy.rounds import share as check_share
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

Estimator = Literal["ips", "snips", "dr"]


@dataclass(frozen=True, slots=True)
class RoundTerms:
    """Per round [n]: the value over any set of rounds is the sum of `above` over the sum of `below`."""

    above: Floats
    below: Floats
    weight: Floats
    """Importance weight, target_pscore / pscore."""
    cluster: Int64s | None
    """Dense numbers of the clusters, or null: every round for itself."""
    reward: Floats
    plain: bool
    """Whether there is no reward model in it."""


def round_terms(
    *,
    reward: Floats,
    pscore: Floats,
    target_pscore: Floats,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    cluster: Int64s | None = None,
    estimator: Estimator = "snips",
) -> RoundTerms:
    """Checks the columns and reduces them to two numbers a round.

    With w = target_pscore / pscore: ips adds w r over 1; snips adds w r over w (Swaminathan & Joachims 2015);
    dr adds w (r - q_action) + q_expected over 1 (Dudik, Langford & Li 2011). All arrays [n]. InputError: unequal
    lengths, no rounds, a value that is not finite, pscore outside (0, 1], target_pscore outside [0, 1], an unknown
    estimator, dr without both reward-model columns.
    """
    one_of("estimator", estimator, get_args(Estimator))
    reward = vector("reward", reward)
    n = len(reward)
    weight = probabilities("target_pscore", target_pscore, n) / propensities("pscore", pscore, n)
    groups = None if cluster is None else codes(whole_numbers("cluster", cluster, n))[0]
    if estimator == "snips":
        return RoundTerms(weight * reward, weight, weight, groups, reward, True)
    if estimator == "ips":
        return RoundTerms(weight * reward, np.ones(n), weight, groups, reward, True)
    if q_action is None or q_expected is None:
        missing = "q_action" if q_action is None else "q_expected"
        raise InputError(f"estimator 'dr' needs q_action and q_expected; {missing} is missing")
    missed = reward - vector("q_action", q_action, n)
    return RoundTerms(weight * missed + vector("q_expected", q_expected, n), np.ones(n), weight, groups, reward, False)


Target = Literal["past", "present", "next_period"]
"""`past`: mean over all logged rounds. `present`: the newest rounds. `next_period`: the period after the last."""


def labelled(method: str, target: str, interval: str) -> str:
    """The `Estimate.method` of this layer: what was done, the target, and how the interval was made."""
    one_of("target", target, get_args(Target))
    return f"{method}, target {target} ({interval})"


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
    value, error = weighted_ratio(terms, share)
    warnings = few_effective_rounds(terms, share)
    units = units_used(share, terms)
    if np.isnan(error):
        warnings.append(f"{units} independent unit stands behind it: no interval can be told")
        return Estimate(value, nan, nan, nan, units, label, tuple(warnings))
    warnings += mean_weight_off(terms, share) + moved(terms, share, time, target)
    reach = normal_reach(error, level)
    return Estimate(value, error, value - reach, value + reach, units, label, tuple(warnings))


LEAST_EFFECTIVE = 100.0
"""Fewer effective rounds than this are called few."""
CLEAR = 3.0
"""Standard errors from which on the mean weight is called off."""
MOVED = 2.5
"""Standard errors from which on the largest of three differences in time is called a move."""


def few_effective_rounds(terms: RoundTerms, share: Floats) -> list[str]:
    """Kish's effective sample size (sum k w)^2 / sum (k w)^2 of the rounds used, k being their share in time."""
    load = share * terms.weight
    used = int(np.count_nonzero(share))
    if not load.any():
        return [f"the target policy never takes a logged action in the {used} rounds used: the value is not identified"]
    effective = float(load.sum() ** 2 / np.square(load).sum())
    if effective >= LEAST_EFFECTIVE:
        return []
    return [f"effective sample size {effective:.0f} of {used} rounds used: the interval may be too narrow"]


def mean_weight_off(terms: RoundTerms, share: Floats) -> list[str]:
    """Importance weights average 1 where propensities are right and the target is supported."""
    total = share.sum()
    mean = float((share * terms.weight).sum() / total)
    error = clustered_error(share * (terms.weight - mean) / total, share, terms)
    if not abs(mean - 1.0) > CLEAR * error or abs(mean - 1.0) < 1e-9:
        return []
    text = (
        f"mean importance weight {mean:.3g} is {abs(mean - 1.0) / error:.1f} standard errors from 1"
        if error
        else (f"mean importance weight is {mean:.3g} in every round, not 1")
    )
    return [f"{text}: propensities are wrong, or the target policy does what was never logged"]


def moved(terms: RoundTerms, share: Floats, time: Floats, target: str) -> list[str]:
    """Whether the newest half, quarter or eighth of what was averaged (by share) differs from the older rest.

    Values are compared by their sandwich errors as if independent, self-normalised where there is no model (less
    noise); the largest of the three differences counts from 2.5 standard errors on. Measured on logs of a still world:
    3 % are called moving at 3,200 rounds, 6 % at 400.
    """
    if target == "past":
        return []
    compared = replace(terms, above=terms.weight * terms.reward, below=terms.weight) if terms.plain else terms
    order = np.argsort(time, kind="stable")
    so_far = np.empty(len(time))
    so_far[order] = np.cumsum(share[order])
    found: list[tuple[float, float]] = []
    for newest in (0.5, 0.25, 0.125):
        newer = so_far > share.sum() * (1.0 - newest)
        old, old_error = weighted_ratio(compared, np.where(newer, 0.0, share))
        new, new_error = weighted_ratio(compared, np.where(newer, share, 0.0))
        error = hypot(old_error, new_error)
        if error > 0:
            found.append((abs(new - old) / error, new - old))
    errors, by = max(found, default=(0.0, 0.0))
    if errors < MOVED:
        return []
    return [
        f"the value moved by {by:+.3g} ({errors:.1f} standard errors) within the rounds averaged: for {target} it lags"
    ]


def weighted_ratio(terms: RoundTerms, share: Floats) -> tuple[float, float]:
    """sum k above / sum k below over rounds, and its sandwich error; NaN where nothing is below."""
    below = float((share * terms.below).sum())
    if below == 0.0:
        return float("nan"), float("nan")
    value = float((share * terms.above).sum()) / below
    return value, clustered_error(share * (terms.above - value * terms.below) / below, share, terms)


def clustered_error(influence: Floats, share: Floats, terms: RoundTerms) -> float:
    """Root of G / (G - 1) times the sum of squared cluster sums of the influence; NaN for fewer than two units."""
    units = units_used(share, terms)
    if units < 2:
        return float("nan")
    summed = influence if terms.cluster is None else np.bincount(terms.cluster, influence)
    return sqrt(units / (units - 1) * float(np.square(summed).sum()))


def units_used(share: Floats, terms: RoundTerms) -> int:
    """Clusters (rounds, where there are none) with any share."""
    used = share > 0
    return int(np.count_nonzero(used)) if terms.cluster is None else len(np.unique(terms.cluster[used]))
