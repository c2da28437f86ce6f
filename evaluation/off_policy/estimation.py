"""All estimators of one log at once: weights, diagnostics and bootstrap counts are made once for all."""

from collections.abc import Mapping, Sequence
from math import nan

from driftline.evaluation.arrays import codes
from driftline.evaluation.bootstrap import Resampled, resample
from driftline.evaluation.estimate import LEVEL, Estimate
from driftline.evaluation.interval import (
    ASYMPTOTIC,
    REPLICATES,
    Bounds,
    IntervalName,
    Precision,
    few_units,
    labelled,
    left_out,
    normal_limits,
)
from driftline.evaluation.off_policy import diagnostics
from driftline.evaluation.off_policy.diagnostics import Diagnostics, diagnose
from driftline.evaluation.off_policy.intervals import (
    confidence_sequence,
    empirical_bernstein,
    hoeffding,
    per_round,
    term_range,
)
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.off_policy.terms import (
    MARGINAL,
    METHODS,
    MODEL_BASED,
    SELF_NORMALISED,
    TAMED,
    Method,
    method_lambda,
    terms,
)
from driftline.evaluation.terms import Clusters, Delta, Terms, delta
from driftline.sim.errors import InputError, hint


def estimate_all(
    rounds: Rounds,
    *,
    methods: Sequence[Method] | None = None,
    lambdas: Mapping[str, float] | None = None,
    interval: IntervalName = "normal",
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = REPLICATES,
    bounds: Bounds | None = None,
) -> dict[str, Estimate]:
    """The value of a target policy by several estimators.

    methods: default all that the log's vectors allow and that have their `lambda_` given. lambdas: `lambda_` by
    method. The other arguments: see `Precision`.
    """
    precision = Precision(interval, level, seed, replicates, bounds)
    chosen = tuple(methods) if methods is not None else possible(rounds, lambdas)
    for name in lambdas or {}:
        if name not in TAMED:
            raise InputError(f"lambdas: {name!r} has no lambda_; {hint(name, TAMED)}")
    return estimates(rounds, {each: method_lambda(each, lambdas) for each in chosen}, precision)


def estimate(rounds: Rounds, method: Method, precision: Precision, lambda_: float | None = None) -> Estimate:
    """One estimate."""
    given: dict[str, float] = {} if lambda_ is None else {method: lambda_}
    return estimates(rounds, {method: method_lambda(method, given)}, precision)[method]


def possible(rounds: Rounds, lambdas: Mapping[str, float] | None) -> tuple[Method, ...]:
    """The methods for which the vectors are there; replay only if asked for, tamed weights only with a `lambda_`."""
    weighted = rounds.pscore is not None and rounds.target_pscore is not None
    modelled = rounds.q_expected is not None

    def there(method: Method) -> bool:
        if method == "replay" or (method in TAMED and method not in (lambdas or {})):
            return False
        if method == "dm":
            return modelled
        known = rounds.embedding_weight is not None if method in MARGINAL else weighted
        return known and (method not in MODEL_BASED or (modelled and rounds.q_action is not None))

    return tuple(method for method in METHODS if there(method))


def clusters_of(rounds: Rounds) -> Clusters | None:
    """The log's clusters by number, where it has some."""
    return None if rounds.cluster is None else codes("cluster", rounds.cluster)


def estimates(rounds: Rounds, lambdas: Mapping[Method, float], precision: Precision) -> dict[str, Estimate]:
    """One estimate for each method and its `lambda_`."""
    cluster = clusters_of(rounds)
    if cluster is not None and precision.interval not in ASYMPTOTIC:
        raise InputError(
            f"interval {precision.interval!r} needs independent rounds; with clusters use 'normal' or 'bootstrap'"
        )
    several = {method: terms(rounds, method, lambda_) for method, lambda_ in lambdas.items()}
    weighed = any(method not in ("dm", "replay", *MARGINAL) for method in lambdas)
    found = diagnose(rounds, cluster=cluster) if weighed else None
    drawn: Sequence[Resampled | None] = [None] * len(several)
    if precision.interval == "bootstrap":
        drawn = resample(
            [*several.values()],
            cluster,
            seed=precision.seed,
            replicates=precision.replicates,
            level=precision.level,
        )
    return {
        method: _estimate(rounds, method, one, lambdas[method], precision, cluster, found, resampled)
        for (method, one), resampled in zip(several.items(), drawn, strict=True)
    }


def _estimate(
    rounds: Rounds,
    method: Method,
    one: Terms,
    lambda_: float,
    precision: Precision,
    cluster: Clusters | None,
    weights: Diagnostics | None,
    resampled: Resampled | None,
) -> Estimate:
    clustered = cluster is not None
    found = delta(one, cluster)
    if method in MARGINAL:
        weights = diagnose(rounds, weight=rounds.need("embedding_weight", method), cluster=cluster)
    low, high = _limits(rounds, method, one, lambda_, precision, found, resampled, clustered)
    return Estimate(
        value=found.value,
        std_error=found.std_error if resampled is None else resampled.std_error,
        low=low,
        high=high,
        n=found.units,
        method=labelled(method, _interval_name(method, precision.interval), clustered),
        warnings=(
            *diagnostics.of_weights(method, weights, rounds),
            *few_units(found, "clusters" if clustered else "rounds"),
            *diagnostics.modelled(rounds, method, lambda_, found.std_error),
            *left_out(resampled),
        ),
    )


def _limits(
    rounds: Rounds,
    method: Method,
    one: Terms,
    lambda_: float,
    precision: Precision,
    found: Delta,
    resampled: Resampled | None,
    clustered: bool,
) -> tuple[float, float]:
    interval, bounds, level = precision.interval, precision.bounds, precision.level
    if resampled is not None:
        return resampled.low, resampled.high
    if interval == "normal":
        return normal_limits(found, level, clustered)
    if interval == "anytime":
        limits = confidence_sequence(rounds, one, method, lambda_=lambda_, bounds=bounds, level=level)
        return float(limits.low[-1]), float(limits.high[-1])
    low, high = term_range(rounds, method, lambda_, bounds, interval)
    if found.units < 2:
        return nan, nan
    holds = hoeffding if interval == "hoeffding" else empirical_bernstein
    return holds(per_round(one), low, high, level)


def _interval_name(method: Method, interval: IntervalName) -> str:
    return "delta" if interval == "normal" and method in SELF_NORMALISED else interval.replace("_", " ")
