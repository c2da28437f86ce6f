"""Averages over logged rounds with shares in time: all alike, a sliding window, or exponential forgetting.

Each round counts k times, its share in time: the value is sum k above / sum k below, where above and below are the
round's terms under `ips` (w r over 1), `snips` (w r over w; Swaminathan & Joachims 2015) or `dr` (w (r - q_action) +
q_expected over 1; Dudik, Langford & Li 2011). The normaliser is part of the error, never frozen.
"""

from math import nan, sqrt
from typing import Literal, Unpack, get_args

import numpy as np

from driftline.evaluation.arrays import one_of, vector
from driftline.evaluation.claims import claims
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.importance.weights import weight_warnings
from driftline.evaluation.interval import Asked, Precision, estimated, flat_limits
from driftline.evaluation.off_policy.estimation import clusters_of, rounds_of
from driftline.evaluation.off_policy.estimators._base import built
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Clusters, Terms
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats

Estimator = Literal["ips", "snips", "dr"]
Target = Literal["past", "present", "next_period"]
"""`past`: mean over all logged rounds. `present`: the newest rounds. `next_period`: the period after the last."""


@claims("times", unbiased_in="still", equivariant=True)
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
    **asked: Unpack[Asked],
) -> Estimate:
    """The stationary estimator over all rounds: right for `past`; for another target it warns where values moved.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        time: When each round was [n], in any unit.
        q_action: A reward model's predictions for the logged actions [n]; needed by `dr`.
        q_expected: Its means under the target policy [n]; needed by `dr`.
        estimator: `ips`, `snips` or `dr`.
        target: Which time is meant: `past`, `present` or `next_period`.
        **asked: `interval` (normal or bootstrap), `level`, `seed`, `replicates`, `cluster` [n]; see `Asked`.

    Raises:
        InputError: Unequal lengths, an unusable value, an unknown name, `dr` without its model.

    Examples:
        >>> log = {"reward": [1.0, 0.0, 1.0, 1.0], "pscore": [0.5] * 4, "target_pscore": [0.5, 0.5, 0.25, 0.75]}
        >>> past_average(**log, time=[0, 1, 2, 3]).value
        0.75
    """
    rounds = rounds_of(asked, reward, pscore, target_pscore, q_action, q_expected)
    time = vector("time", time, len(rounds))
    return time_weighted(rounds, estimator, np.ones(len(time)), time, f"past_average {estimator}", target, asked)


@claims("times", unbiased_in="still", equivariant=True)
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
    **asked: Unpack[Asked],
) -> Estimate:
    """The stationary estimator over the rounds with now - width < time <= now (Garivier & Moulines 2011).

    Unbiased (ips, dr) for the window's mean, so for the present as far as nothing moved within the window; a
    forecast only if nothing moves at all.

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        time: When each round was [n], in any unit, usually days.
        width: Of the window, above 0, in that unit.
        now: The window's end; the newest round where not given. Later rounds are left out.
        q_action: A reward model's predictions for the logged actions [n]; needed by `dr`.
        q_expected: Its means under the target policy [n]; needed by `dr`.
        estimator: `ips`, `snips` or `dr`.
        target: Which time is meant: `past`, `present` or `next_period`.
        **asked: See `Asked`.

    Raises:
        InputError: As `past_average`; width not above 0; no round in the window.

    Examples:
        >>> log = {"reward": [1.0, 0.0, 1.0, 1.0], "pscore": [0.5] * 4, "target_pscore": [0.5] * 4}
        >>> sliding_window(**log, time=[0, 1, 2, 3], width=2).value
        1.0
    """
    rounds = rounds_of(asked, reward, pscore, target_pscore, q_action, q_expected)
    time = vector("time", time, len(rounds))
    if not width > 0:
        raise InputError(f"width is {width}; it must be above 0, in the unit of time")
    end = float(time.max()) if now is None else float(now)
    share = ((time > end - width) & (time <= end)).astype(np.float64)
    if not share.any():
        raise InputError(
            f"no round has {end - width:g} < time <= {end:g}; times run from {time.min():g} to {time.max():g}"
        )
    return time_weighted(rounds, estimator, share, time, f"sliding_window {estimator} of {width:g}", target, asked)


@claims("times", unbiased_in="still", equivariant=True)
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
    **asked: Unpack[Asked],
) -> Estimate:
    """All rounds up to now, each with the share 2^(-(now - time) / half_life) (Kocsis & Szepesvari 2006, discounting).

    The shares are normalised by their sum (ips, dr) or by the weighted sum (snips). A value that moves steadily is
    followed with a lag of half_life / log 2 units; the discount factor of one unit is 2^(-1 / half_life).

    Args:
        reward: What the logged actions earned [n]; finite.
        pscore: Their probabilities under the logging policy [n], in (0, 1].
        target_pscore: Their probabilities under the target policy [n], in [0, 1].
        time: When each round was [n], in any unit, usually days.
        half_life: Age at which a round counts half, above 0, in that unit.
        now: Ages count from here; the newest round where not given. Later rounds are left out.
        q_action: A reward model's predictions for the logged actions [n]; needed by `dr`.
        q_expected: Its means under the target policy [n]; needed by `dr`.
        estimator: `ips`, `snips` or `dr`.
        target: Which time is meant: `past`, `present` or `next_period`.
        **asked: See `Asked`.

    Raises:
        InputError: As `past_average`; half_life not above 0; no round up to `now`.

    Examples:
        >>> log = {"reward": [1.0, 0.0], "pscore": [0.5] * 2, "target_pscore": [0.5] * 2}
        >>> round(discounted(**log, time=[0, 1], half_life=1).value, 4)
        0.3333
    """
    rounds = rounds_of(asked, reward, pscore, target_pscore, q_action, q_expected)
    time = vector("time", time, len(rounds))
    if not half_life > 0:
        raise InputError(f"half_life is {half_life}; it must be above 0, in the unit of time")
    end = float(time.max()) if now is None else float(now)
    if not (time <= end).any():
        raise InputError(f"no round has time <= {end:g}; times run from {time.min():g} to {time.max():g}")
    # ages count from the newest round used: the same shares, and none underflows where now lies far ahead
    newest = float(time[time <= end].max())
    share = np.where(time <= end, np.exp2(-np.maximum(newest - time, 0.0) / half_life), 0.0)
    method = f"discounted {estimator}, half-life {half_life:g}"
    return time_weighted(rounds, estimator, share, time, method, target, asked)


def time_weighted(
    rounds: Rounds, estimator: Estimator, share: Floats, time: Floats, method: str, target: Target, asked: Asked
) -> Estimate:
    """The estimator with shares in time [n], at least 0, and everything that speaks against it."""
    precision, cluster = Precision.of(asked), clusters_of(rounds)
    method = for_target(method, target)
    terms = round_terms(rounds, estimator)
    warnings = (
        *weight_warnings(rounds.weight, USED, cluster=cluster, share=share),
        *moved(rounds, terms, share, time, target, cluster),
    )
    flat = (nan, nan) if cluster is not None else _flat(rounds, terms, share, precision)
    return estimated(method, terms.weighted(share), precision, cluster=cluster, flat=flat, warnings=warnings)


def _flat(rounds: Rounds, terms: Terms, share: Floats, precision: Precision) -> tuple[float, float]:
    """Limits where the rounds used, each with its share, all earned the same."""
    earned = rounds.reward[(share > 0) & (rounds.weight > 0)]
    if precision.bounds is None or not len(earned) or earned.min() != earned.max():
        return nan, nan
    value, alike = terms.weighted(share).value(), float(share.sum() / share.max())
    return flat_limits(value, alike, (float(earned[0]), float(earned[0])), precision)


def round_terms(rounds: Rounds, estimator: str) -> Terms:
    """The rounds' terms; `InputError` for an unknown estimator, and for `dr` without its model."""
    one_of("estimator", estimator, get_args(Estimator))
    return built(estimator).terms(rounds)


def for_target(method: str, target: str) -> str:
    """What was done, and the time that the number speaks of."""
    one_of("target", target, get_args(Target))
    return f"{method}, target {target}"


USED = "rounds used"
MOVED = 2.5
"""Standard errors from which on the largest of three differences in time is called a move."""


def moved(
    rounds: Rounds, terms: Terms, share: Floats, time: Floats, target: str, cluster: Clusters | None
) -> tuple[str, ...]:
    """Whether the newest half, quarter or eighth of what was averaged (by share) differs from the older rest.

    Values are compared as if nothing moved: the error is that of all rounds about their common value, as in the test of
    two shares with a pooled variance, or that of the two parts where it is larger (clusters); an eighth without
    rewards so has the error that the others tell. A part is compared only where at least 5 units' worth are expected
    to carry its variance ((sum psi^2)^2 / sum psi^4, times its share). Self-normalised where there is no model (less
    noise); the largest of the three differences counts from 2.5 standard errors on.
    """
    if target == "past":
        return ()
    compared = Terms(top=rounds.weighted_reward, bottom=rounds.weight) if terms.base is None else terms
    above = np.sum([part for part in (compared.base, compared.top) if part is not None], axis=0)
    below = np.ones(len(time)) if compared.bottom is None else compared.bottom
    total = float((share * below).sum())
    if not total > 0.0:
        return ()
    off = above - float((share * above).sum()) / total * below
    order = np.argsort(time, kind="stable")
    so_far = np.empty(len(time))
    so_far[order] = np.cumsum(share[order])
    errors, by = 0.0, 0.0
    for newest in (0.5, 0.25, 0.125):
        newer = so_far > share.sum() * (1.0 - newest)
        found, error = _difference(off, below, share, newer, cluster)
        if error > 0.0 and newest * _carriers(_by_cluster(share * off, cluster)) >= CARRIED:
            errors, by = max((errors, by), (abs(found) / error, found))
    if errors < MOVED:
        return ()
    return (
        f"the value moved by {by:+.3g} ({errors:.1f} standard errors) within the rounds averaged: for {target} it lags",
    )


CARRIED = 5.0
"""Units' worth that are expected to carry a part's variance, as the rule of five for counts."""


def _difference(
    off: Floats, below: Floats, share: Floats, newer: Bools, cluster: Clusters | None
) -> tuple[float, float]:
    """The newer part's value less the older one's, and its error if both had the common value; 0 for an empty part."""
    new, old = (float((share * below)[part].sum()) for part in (newer, ~newer))
    if not (new > 0.0 and old > 0.0):
        return 0.0, 0.0
    contrast = share * np.where(newer, 1.0 / new, -1.0 / old)
    pooled = float((share * off**2).sum() / share.sum() * (contrast**2).sum())
    parts = float((_by_cluster(contrast * off, cluster) ** 2).sum())
    return float((contrast * off).sum()), sqrt(max(pooled, parts))


def _by_cluster(values: Floats, cluster: Clusters | None) -> Floats:
    return values if cluster is None else np.bincount(cluster[0], values, cluster[1]).astype(np.float64, copy=False)


def _carriers(values: Floats) -> float:
    squares = values**2
    fourths = float((squares**2).sum())
    return float(squares.sum()) ** 2 / fourths if fourths > 0.0 else 0.0
