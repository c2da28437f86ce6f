"""All estimators of one log at once: weights, diagnostics and bootstrap counts are made once for all."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import nan
from typing import TypeVar, Unpack

from driftline.evaluation.arrays import coded
from driftline.evaluation.bootstrap import Resampled, resample
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import (
    ASYMPTOTIC,
    Asked,
    Precision,
    few_units,
    flat_limits,
    labelled,
    left_out,
    normal_limits,
)
from driftline.evaluation.off_policy.diagnostics import Diagnostics, diagnose
from driftline.evaluation.off_policy.estimators._base import ESTIMATORS, Estimator, built, need_tamed
from driftline.evaluation.off_policy.intervals import (
    bounded_sequence,
    empirical_bernstein,
    hoeffding,
    known,
    per_round,
    weighted_sequence,
    within_reward,
)
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Clusters, Delta, Terms, delta
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

Found = TypeVar("Found")
Method = str | type[Estimator] | Estimator
"""An estimator: by name, as `package.module:Class`, or itself."""


def estimate_all(
    rounds: Rounds,
    *,
    methods: Sequence[Method] | None = None,
    lambdas: Mapping[str, float] | None = None,
    **asked: Unpack[Asked],
) -> dict[str, Estimate]:
    """The value of a target policy by several estimators, each by its name.

    Args:
        rounds: The log, with whatever vectors it has.
        methods: Names, `package.module:Class`, or estimators; default: all that the log's vectors allow and that have
            their `lambda_` given.
        lambdas: `lambda_` by name.
        **asked: `interval`, `level`, `seed`, `replicates`, `bounds`; see `Precision`. Clusters are the log's own.

    Raises:
        InputError: An unknown name, a vector that an estimator needs, an interval that it does not have.

    Examples:
        >>> log = Rounds(reward=[1, 0, 1], pscore=[0.5, 0.5, 0.25], target_pscore=[0.5, 0.25, 0.5])
        >>> {name: round(found.value, 3) for name, found in estimate_all(log).items()}
        {'ips': 1.0, 'snips': 0.857}
    """
    if "cluster" in asked:
        raise InputError("cluster is one of the log's vectors; state it in Rounds(cluster=...)")
    for name in lambdas or {}:
        if ":" not in name:
            need_tamed(name)
    return estimates(rounds, estimators(rounds, methods, lambdas), Precision.of(asked))


def estimators(
    rounds: Rounds, methods: Sequence[Method] | None, lambdas: Mapping[str, float] | None
) -> dict[str, Estimator]:
    """The estimators by name, built with their `lambda_`; by default all that the log allows."""
    given = lambdas or {}
    if methods is None:
        methods = [name for name in ESTIMATORS.names() if _possible(ESTIMATORS.find(name), rounds, name in given)]
        methods += [name for name in given if ":" in name]
    found = {}
    for each in methods:
        name = each if isinstance(each, str) else built(each).name
        found[name] = built(each, given.get(name))
    return found


def _possible(kind: type[Estimator], rounds: Rounds, stated: bool) -> bool:
    """Whether its vectors are there; replay only if asked for, tamed weights only with a `lambda_`."""
    if not kind.unasked or (kind.untamed is not None and not stated):
        return False
    return all(getattr(rounds, name) is not None for name in kind.needs)


def rounds_of(
    asked: Asked,
    reward: Floats,
    pscore: Floats | None = None,
    target_pscore: Floats | None = None,
    q_action: Floats | None = None,
    q_expected: Floats | None = None,
    embedding_weight: Floats | None = None,
) -> Rounds:
    """The log that an estimator's own arguments make, with the clusters that it was asked for."""
    return Rounds(
        reward=reward,
        pscore=pscore,
        target_pscore=target_pscore,
        q_action=q_action,
        q_expected=q_expected,
        embedding_weight=embedding_weight,
        cluster=asked.get("cluster"),
    )


def estimated_by(estimator: Estimator, rounds: Rounds, asked: Asked) -> Estimate:
    """One estimate."""
    return estimates(rounds, {estimator.name: estimator}, Precision.of(asked))[estimator.name]


def clusters_of(rounds: Rounds) -> Clusters | None:
    """The log's clusters by number, where it has some."""
    return None if rounds.cluster is None else coded("cluster", rounds.cluster)


def estimates(rounds: Rounds, several: Mapping[str, Estimator], precision: Precision) -> dict[str, Estimate]:
    """One estimate for each estimator, by name."""
    cluster = clusters_of(rounds)
    if cluster is not None and precision.interval not in ASYMPTOTIC:
        raise InputError(
            f"interval {precision.interval!r} needs independent rounds; with clusters use 'normal' or 'bootstrap'"
        )
    whole = {name: _asked(name, partial(each.estimate, rounds, precision)) for name, each in several.items()}
    terms = {name: _terms(name, several[name], rounds) for name, found in whole.items() if found is None}
    drawn: dict[str, Resampled] = {}
    if precision.interval == "bootstrap" and terms:
        seed, replicates, level = precision.seed, precision.replicates, precision.level
        resampled = resample([*terms.values()], cluster, seed=seed, replicates=replicates, level=level)
        drawn = dict(zip(terms, resampled, strict=True))
    weights: dict[int, Diagnostics] = {}
    made = {}
    for name, found in whole.items():
        made[name] = found or _estimate(
            rounds, several[name], terms[name], precision, cluster, weights, drawn.get(name)
        )
    return made


def _asked(name: str, call: Callable[[], Found]) -> Found:
    """What an estimator answers; it may be anybody's own and raise anything."""
    try:
        return call()
    except InputError:
        raise
    except Exception as problem:
        lines = str(problem).splitlines() or ["no message"]
        raise InputError(f"estimator {name!r} failed: {type(problem).__name__}: {lines[0]}") from problem


def _terms(name: str, estimator: Estimator, rounds: Rounds) -> Terms:
    found = _asked(name, lambda: estimator.terms(rounds))
    if not isinstance(found, Terms) or found.n != len(rounds):
        n = found.n if isinstance(found, Terms) else type(found).__name__
        raise InputError(f"terms of estimator {name!r} are {n}; must be Terms of {len(rounds)} rows")
    return found


def _estimate(
    rounds: Rounds,
    estimator: Estimator,
    terms: Terms,
    precision: Precision,
    cluster: Clusters | None,
    weights: dict[int, Diagnostics],
    drawn: Resampled | None,
) -> Estimate:
    clustered = cluster is not None
    found = delta(terms, cluster)
    drawn = None if found.std_error == 0.0 else drawn
    low, high = _limits(rounds, estimator, terms, precision, found, drawn, clustered)
    kind = precision.interval.replace("_", " ")
    weight = estimator.weight(rounds)
    said: tuple[str, ...] = ()
    if weight is not None:
        if id(weight) not in weights:
            weights[id(weight)] = diagnose(rounds, weight=weight, cluster=cluster)
        said = weights[id(weight)].warnings()
    return Estimate(
        value=found.value,
        std_error=found.std_error if drawn is None else drawn.std_error,
        low=low,
        high=high,
        n=found.units,
        method=labelled(estimator.name, "delta" if kind == "normal" and terms.bottom is not None else kind, clustered),
        warnings=(
            *said,
            *few_units(found, "clusters" if clustered else "rounds", limits=(low, high)),
            *estimator.cautions(rounds, found.std_error),
            *left_out(drawn),
        ),
    )


def _limits(
    rounds: Rounds,
    estimator: Estimator,
    terms: Terms,
    precision: Precision,
    found: Delta,
    drawn: Resampled | None,
    clustered: bool,
) -> tuple[float, float]:
    interval, bounds, level = precision.interval, precision.bounds, precision.level
    if found.std_error == 0.0 and interval in ASYMPTOTIC:
        return (nan, nan) if clustered else flat_rounds(rounds, estimator, found, precision)
    if drawn is not None:
        return drawn.low, drawn.high
    if interval == "normal":
        return normal_limits(found, level, clustered)
    if interval == "anytime" and estimator.plain:
        low, high = within_reward(rounds, ("reward",), known(bounds, interval))
        weight = estimator.weight(rounds)
        assert weight is not None
        limits = weighted_sequence(rounds.reward, weight, low, high, level)
        return float(limits.low[-1]), float(limits.high[-1])
    low, high = estimator.term_range(rounds, bounds, interval)
    if interval == "anytime":
        limits = bounded_sequence(per_round(terms), low, high, level)
        return float(limits.low[-1]), float(limits.high[-1])
    if found.units < 2:
        return nan, nan
    holds = hoeffding if interval == "hoeffding" else empirical_bernstein
    return holds(per_round(terms), low, high, level)


def flat_rounds(rounds: Rounds, estimator: Estimator, found: Delta, precision: Precision) -> tuple[float, float]:
    """Limits where an estimator's terms do not vary; NaN for a model's promise, which no reward bears out."""
    weight = estimator.weight(rounds)
    taken = rounds.target_pscore if weight is None and "target_pscore" in estimator.needs else weight
    earned = rounds.reward if taken is None else rounds.reward[taken > 0]
    if taken is None or not len(earned):
        return nan, nan
    reward = float(earned.min()), float(earned.max())
    return flat_limits(found.value, found.units, reward, precision, weighed=weight is not None)
