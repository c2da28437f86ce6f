"""Averages over logged rounds with shares in time: all alike, a sliding window, or exponential forgetting.

Each round counts k times, its share in time: the value is sum k above / sum k below, where above and below are the
round's terms under `ips` (w r over 1), `snips` (w r over w; Swaminathan & Joachims 2015) or `dr` (w (r - q_action) +
q_expected over 1; Dudik, Langford & Li 2011). The normaliser is part of the error, never frozen.
"""

from math import hypot
from typing import Literal, Unpack, get_args

import numpy as np

from driftline.evaluation.arrays import one_of, vector
from driftline.evaluation.claims import claims
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked, Precision, estimated
from driftline.evaluation.off_policy.estimation import clusters_of, rounds_of
from driftline.evaluation.off_policy.estimators._base import built
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Clusters, Terms, delta
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

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
        *few_effective_rounds(rounds, share),
        *mean_weight_off(rounds, share, cluster),
        *moved(rounds, terms, share, time, target, cluster),
    )
    return estimated(method, terms.weighted(share), precision, cluster=cluster, warnings=warnings)


def round_terms(rounds: Rounds, estimator: str) -> Terms:
    """The rounds' terms; `InputError` for an unknown estimator, and for `dr` without its model."""
    one_of("estimator", estimator, get_args(Estimator))
    return built(estimator).terms(rounds)


def for_target(method: str, target: str) -> str:
    """What was done, and the time that the number speaks of."""
    one_of("target", target, get_args(Target))
    return f"{method}, target {target}"


LEAST_EFFECTIVE = 100.0
"""Fewer effective rounds than this are called few."""
CLEAR = 3.0
"""Standard errors from which on the mean weight is called off."""
MOVED = 2.5
"""Standard errors from which on the largest of three differences in time is called a move."""


def few_effective_rounds(rounds: Rounds, share: Floats) -> tuple[str, ...]:
    """Kish's effective sample size (sum k w)^2 / sum (k w)^2 of the rounds used, k being their share in time."""
    load = share * rounds.weight
    used = int(np.count_nonzero(share))
    if not load.any():
        return (
            f"the target policy never takes a logged action in the {used} rounds used: the value is not identified",
        )
    effective = float(load.sum() ** 2 / np.square(load).sum())
    if effective >= LEAST_EFFECTIVE:
        return ()
    return (f"effective sample size {effective:.0f} of {used} rounds used: the interval may be too narrow",)


def mean_weight_off(rounds: Rounds, share: Floats, cluster: Clusters | None) -> tuple[str, ...]:
    """Importance weights average 1 where propensities are right and the target is supported."""
    found = delta(Terms(base=rounds.weight).weighted(share), cluster)
    off, error = abs(found.value - 1.0), found.std_error
    if not off > CLEAR * error or off < 1e-9:
        return ()
    text = (
        f"mean importance weight {found.value:.3g} is {off / error:.1f} standard errors from 1"
        if error
        else f"mean importance weight is {found.value:.3g} in every round, not 1"
    )
    return (f"{text}: propensities are wrong, or the target policy does what was never logged",)


def moved(
    rounds: Rounds, terms: Terms, share: Floats, time: Floats, target: str, cluster: Clusters | None
) -> tuple[str, ...]:
    """Whether the newest half, quarter or eighth of what was averaged (by share) differs from the older rest.

    Values are compared by their errors as if independent, self-normalised where there is no model (less noise); the
    largest of the three differences counts from 2.5 standard errors on. Measured on logs of a still world: 3 % are
    called moving at 3,200 rounds, 6 % at 400.
    """
    if target == "past":
        return ()
    compared = Terms(top=rounds.weighted_reward, bottom=rounds.weight) if terms.base is None else terms
    order = np.argsort(time, kind="stable")
    so_far = np.empty(len(time))
    so_far[order] = np.cumsum(share[order])
    found: list[tuple[float, float]] = []
    for newest in (0.5, 0.25, 0.125):
        newer = so_far > share.sum() * (1.0 - newest)
        old = delta(compared.weighted(np.where(newer, 0.0, share)), cluster)
        new = delta(compared.weighted(np.where(newer, share, 0.0)), cluster)
        error = hypot(old.std_error, new.std_error)
        if error > 0:
            found.append((abs(new.value - old.value) / error, new.value - old.value))
    errors, by = max(found, default=(0.0, 0.0))
    if errors < MOVED:
        return ()
    return (
        f"the value moved by {by:+.3g} ({errors:.1f} standard errors) within the rounds averaged: for {target} it lags",
    )
