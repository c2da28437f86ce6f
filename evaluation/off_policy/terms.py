"""The terms of every estimator by name, and how estimators tame large importance weights."""

from collections.abc import Mapping
from math import inf, sqrt
from typing import Literal, get_args

import numpy as np

from driftline.evaluation.arrays import one_of
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Terms
from driftline.sim.errors import InputError
from driftline.sim.types import Floats


def clipped(weight: Floats, lambda_: float) -> Floats:
    """min(w, lambda_) (Strehl, Langford, Li & Kakade 2010)."""
    return np.minimum(weight, lambda_)


def switched(weight: Floats, lambda_: float) -> Floats:
    """w where w <= lambda_, else 0 (Wang, Agarwal & Dudik 2017)."""
    return weight * (weight <= lambda_)


def shrunk(weight: Floats, lambda_: float) -> Floats:
    """lambda_ w / (w^2 + lambda_), optimistic shrinkage; w itself for an infinite lambda_ (Su et al. 2020)."""
    return weight if lambda_ == inf else lambda_ * weight / (weight * weight + lambda_)


def power_mean(weight: Floats, lambda_: float) -> Floats:
    """w / (1 - lambda_ + lambda_ w), the power mean of order -1 (Metelli, Russo & Restelli 2021).

    With lambda_ = 1 every weight counts as 1, and a weight of 0 as 0 (the limit from below).
    """
    below = 1.0 - lambda_ + lambda_ * weight
    return np.divide(weight, below, out=np.zeros_like(weight), where=below > 0)


def largest_shrunk(largest: float, lambda_: float) -> float:
    """The largest value that `shrunk` takes on [0, largest]: it peaks at w = sqrt(lambda_) with sqrt(lambda_) / 2."""
    if lambda_ == inf:
        return largest
    peak = min(largest, sqrt(lambda_))
    return lambda_ * peak / (peak * peak + lambda_) if peak > 0 else 0.0


Method = Literal[
    "replay",
    "dm",
    "ips",
    "clipped_ips",
    "snips",
    "dr",
    "sndr",
    "switch_dr",
    "dros",
    "sub_gaussian_ips",
    "sub_gaussian_dr",
    "mips",
    "offcem",
]
METHODS: tuple[Method, ...] = get_args(Method)
MODEL_BASED = ("dm", "dr", "sndr", "switch_dr", "dros", "sub_gaussian_dr", "offcem")
"""Methods that need a reward model."""
MARGINAL = ("mips", "offcem")
"""Methods that weigh what an action is like (`embedding_weight`) instead of which it is."""
SELF_NORMALISED = ("replay", "snips", "sndr")
"""Methods that divide by a sum that is itself random."""
TAMED = {"clipped_ips": inf, "switch_dr": inf, "dros": inf, "sub_gaussian_ips": 0.0, "sub_gaussian_dr": 0.0}
"""Methods that tame large weights, and the `lambda_` at which they do not."""


def method_lambda(method: Method, lambdas: Mapping[str, float] | None) -> float:
    """The method's `lambda_`, checked; by default the one at which weights are left as they are."""
    lambda_ = float((lambdas or {}).get(method, TAMED.get(method, inf)))
    upper = 1.0 if method.startswith("sub_gaussian") else inf
    if not 0.0 <= lambda_ <= upper:
        raise InputError(f"lambda_ of {method} is {lambda_:g}; must be between 0 and {upper:g}")
    return lambda_


def terms(rounds: Rounds, method: Method, lambda_: float = inf) -> Terms:
    """The terms of one estimator; `lambda_` is read by those that tame weights."""
    one_of("method", method, METHODS)
    if method == "replay":
        return _replay(rounds)
    if method == "mips":
        return Terms(top=rounds.need("embedding_weight", method) * rounds.reward)
    if method == "dm":
        return Terms(base=rounds.need("q_expected", method))
    if method == "offcem":
        base, weight = rounds.need("q_expected", method), rounds.need("embedding_weight", method)
        rounds.need("q_action", method)
        return Terms(base=base, top=weight * rounds.residual)
    for name in ("pscore", "target_pscore"):
        rounds.need(name, method)
    if method not in MODEL_BASED:
        bottom = rounds.weight if method == "snips" else None
        plain = method in ("ips", "snips") or lambda_ == TAMED[method]
        top = rounds.weighted_reward if plain else tamed(rounds.weight, method, lambda_) * rounds.reward
        return Terms(top=top, bottom=bottom)
    base = rounds.need("q_expected", method)
    rounds.need("q_action", method)
    bottom = rounds.weight if method == "sndr" else None
    plain = method in ("dr", "sndr") or lambda_ == TAMED[method]
    top = rounds.weighted_residual if plain else tamed(rounds.weight, method, lambda_) * rounds.residual
    return Terms(base=base, top=top, bottom=bottom)


def tamed(weight: Floats, method: Method, lambda_: float) -> Floats:
    """The weights that a method uses instead of the importance weights [n]."""
    match method:
        case "clipped_ips":
            return clipped(weight, lambda_)
        case "switch_dr":
            return switched(weight, lambda_)
        case "dros":
            return shrunk(weight, lambda_)
        case "sub_gaussian_ips" | "sub_gaussian_dr":
            return power_mean(weight, lambda_)
        case _:
            return weight


def largest_tamed(largest: float, method: Method, lambda_: float) -> float:
    """The largest weight that a method can use where importance weights are at most `largest`."""
    match method:
        case "clipped_ips" | "switch_dr":
            return min(largest, lambda_)
        case "dros":
            return largest_shrunk(largest, lambda_)
        case "sub_gaussian_ips" | "sub_gaussian_dr":
            return largest / (1.0 - lambda_ + lambda_ * largest) if largest > 0 else 0.0
        case _:
            return largest


def _replay(rounds: Rounds) -> Terms:
    target = rounds.need("target_pscore", "replay")
    neither = np.flatnonzero((target > 0.0) & (target < 1.0))
    if neither.size:
        at = int(neither[0])
        raise InputError(
            f"target_pscore[{at}] is {target[at]:g}; replay needs a deterministic target policy (0 or 1), "
            "for a random one use ips, snips or dr"
        )
    match = target >= 1.0
    if not match.any():
        raise InputError(f"target_pscore is 0 in all {len(rounds):,} rounds: the target policy matches none of them")
    return Terms(top=match * rounds.reward, bottom=match.astype(np.float64), used=match)
