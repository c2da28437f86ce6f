"""A log of single decisions: rounds in the order of time, and everything that is estimated from them.

That is each estimator's value, how much more the target earns than the logging policy did (from the same rounds, so
paired), and, in a log with times, whether that value has moved and what it may be next.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from driftline.evaluation.arrays import one_of
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import ASYMPTOTIC, INTERVALS, IntervalName, Precision, estimated
from driftline.evaluation.nonstationary import past_average, prognosticator, sliding_window
from driftline.evaluation.off_policy import Bounds, Estimator, Rounds
from driftline.evaluation.off_policy.estimation import clusters_of, estimates, estimators
from driftline.evaluation.off_policy.estimators._base import built, need_tamed
from driftline.evaluation.reward_model import cross_fitted
from driftline.evaluation.terms import Terms
from driftline.scenarios.own_log.log_file import codes, labels, numbers
from driftline.scenarios.own_log.roles import Decisions, Target, weight_checks
from driftline.scenarios.own_log.verdict import Check, Finding
from driftline.sim.data.tables import TEXT, Table
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats, Int64s

OVER_LOG = "value over the log"
GAIN = "gain over the logged policy"
LOGGED = "logged policy"
PERIODS = 10
"""How many periods a log is cut into where no length is stated."""
ROUNDING = 1e-9
"""A time this near to the start of a period, as a share of its length, lies on it."""
LINE = 2
"""Periods with a value that a straight line needs."""
MODELS = ("auto", "ridge", "logistic", "hist_gradient_boosting", "none")
FOLDS = 3
MOST_TEXTS = 50
"""Different texts that a context column may hold: each becomes a column of 0 and 1."""
MOST_ACTIONS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """Which estimators, and how their intervals are made."""

    estimators: tuple[str, ...] | None = None
    """Null: all that the log allows."""
    lambdas: Mapping[str, float] = field(default_factory=dict)
    interval: IntervalName = "normal"
    level: float = 0.95
    bounds: Bounds | None = None
    period: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Modelled:
    """Predictions [n], or null with the reason; the rest is for the reader."""

    q_action: Floats | None
    q_expected: Floats | None
    told: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Periods:
    """The log cut into periods of one length, counted back from its end."""

    length: float
    number: Int64s
    """Of each round [n], from 0; -1 for rounds of a first period that is not whole."""


def checked_estimators(asked: Asked) -> None:
    """`InputError` for an unknown estimator or interval, and for a method that tames weights without its lambda."""
    one_of("interval", asked.interval, INTERVALS)
    if asked.interval not in ASYMPTOTIC and asked.bounds is None:
        raise InputError(
            f"interval {asked.interval!r} needs what is known beforehand: state --reward-range LOW,HIGH, and "
            "--largest-weight"
        )
    for name in asked.estimators or ():
        if built(name).untamed is not None and name not in asked.lambdas:
            raise InputError(f"estimator {name!r} needs its lambda: state --lambdas {name}=NUMBER")
    for name, number in asked.lambdas.items():
        need_tamed(name)
        built(name, number)


def single_verdict(
    decisions: Decisions, target: Target, model: Modelled, asked: Asked
) -> tuple[list[Check], list[Finding]]:
    """Checks of the target policy on this log, and every estimate."""
    rounds = rounds_of(decisions, target, model)
    several = estimators_of(rounds, asked, model.told)
    checks = [*weight_checks(rounds), Check("reward model", model.told, model.warnings)]
    time = None if decisions.time is None else decisions.time[decisions.order()]
    cut = None if time is None else periods_of(time, asked.period, decisions.unit)
    if time is not None:
        checks.append(drift_check(rounds, time, cut, decisions.unit))
    drift = checks[-1].warnings if time is not None else ()
    precision = Precision(asked.interval, asked.level, asked.seed, bounds=asked.bounds)
    found = estimates(rounds, several, precision)
    found = {name: replace(each, warnings=(*each.warnings, *drift)) for name, each in found.items()}
    findings = list(_findings(rounds, found, several, asked))
    if time is not None and cut is not None:
        findings += later_values(rounds, time, cut, asked.level)
    return checks, findings


def rounds_of(decisions: Decisions, target: Target, model: Modelled) -> Rounds:
    """The log's vectors in the order of time."""
    at = decisions.order()

    def ordered(values: Floats | None) -> Floats | None:
        return None if values is None else values[at]

    return Rounds(
        reward=decisions.reward[at],
        pscore=decisions.pscore["pscore"][at],
        target_pscore=target.at_action[at],
        q_action=ordered(model.q_action),
        q_expected=ordered(model.q_expected),
        unsupported=ordered(target.unsupported),
        action=None if decisions.action is None else codes(decisions.action)[0][at],
        cluster=None if decisions.user is None else decisions.user[at],
    )


def estimators_of(rounds: Rounds, asked: Asked, why: str) -> dict[str, Estimator]:
    """The estimators: those asked for, or all that the log and the interval allow. why: there is no reward model."""
    found = estimators(rounds, asked.estimators, asked.lambdas)
    if asked.estimators is None:
        return {name: each for name, each in found.items() if asked.interval in ASYMPTOTIC or each.bounded}
    for name, each in found.items():
        if each.modelled and (rounds.q_expected is None or rounds.q_action is None):
            raise InputError(f"estimator {name!r} needs a reward model, which was {why}")
    return found


def _findings(
    rounds: Rounds, found: Mapping[str, Estimate], several: Mapping[str, Estimator], asked: Asked
) -> Iterator[Finding]:
    # the logging policy's own value needs no weights, and so no bounds
    interval = asked.interval if asked.interval in ASYMPTOTIC else "normal"
    precision = Precision(interval, asked.level, asked.seed)
    yield Finding(OVER_LOG, LOGGED, _logged(rounds, precision))
    for name, each in found.items():
        yield Finding(OVER_LOG, name, each)
    for name, each in found.items():
        # an estimator that states no terms has no gain told from the same rounds
        if several[name].estimate(rounds, precision) is None:
            yield Finding(GAIN, name, gain(rounds, several[name], each, precision), unit="gain")


def _logged(rounds: Rounds, precision: Precision) -> Estimate:
    """Mean logged reward: no weights."""
    return estimated("mean reward", Terms(base=rounds.reward), precision, cluster=clusters_of(rounds))


def gain(rounds: Rounds, estimator: Estimator, found: Estimate, precision: Precision) -> Estimate:
    """The estimator's value less the mean logged reward, with the interval of that difference.

    Every estimator is mean(base) + mean(top) / mean(bottom) over rounds; the reward of each round is taken off its
    base. found: the estimate of the value, whose warnings hold here too.
    """
    one = estimator.terms(rounds)
    less = replace(one, base=-rounds.reward if one.base is None else one.base - rounds.reward, used=None)
    said = estimated(f"{estimator.name} less the mean logged reward", less, precision, cluster=clusters_of(rounds))
    return replace(said, warnings=found.warnings)


def periods_of(time: Floats, length: float | None, unit: str) -> Periods | None:
    """Whole periods; null where all rounds have one time.

    Raises:
        InputError: a length that is not above 0, or of which fewer than two fit.
    """
    span = float(time.max() - time.min())
    if length is not None and not length > 0.0:
        raise InputError(f"period = {length:g}: must be > 0 {unit}")
    if length is not None and 2.0 * length > span * (1.0 + ROUNDING):
        raise InputError(f"period = {length:g}: at least two must fit into the log's {span:g} {unit}")
    if span == 0.0:
        return None
    long = span / PERIODS if length is None else length
    whole = int(np.floor(span / long + ROUNDING))
    back = np.floor((time.max() - time) / long + ROUNDING).astype(np.int64)
    back[np.isclose(time.max() - time, whole * long, rtol=ROUNDING) & (back == whole)] = whole - 1
    return Periods(long, np.where(back < whole, whole - 1 - back, -1))


def drift_check(rounds: Rounds, time: Floats, cut: Periods | None, unit: str) -> Check:
    """Whether the value of the target policy differs between older and newer rounds."""
    if cut is None:
        return Check("drift", "every row has the same time")
    found = past_average(
        reward=rounds.reward,
        pscore=rounds.need("pscore", "drift"),
        target_pscore=rounds.need("target_pscore", "drift"),
        time=time,
        target="present",
        cluster=rounds.cluster,
    )
    moved = tuple(
        f"drift: {line.partition(':')[0]}; the newest and the next period are something else than the log's mean"
        for line in found.warnings
        if line.startswith("the value moved")
    )
    said = "the value moved within the log" if moved else "the value is not seen to move within the log"
    span = f"{time.max() - time.min():.4g} {unit} in {int(cut.number.max()) + 1} periods of {cut.length:.4g}"
    return Check("drift", f"{said}; {span}", moved)


def later_values(rounds: Rounds, time: Floats, cut: Periods, level: float) -> Iterator[Finding]:
    """The newest period alone, and the next one by a straight line through the periods (both self-normalised)."""
    pscore, target_pscore = rounds.need("pscore", "a forecast"), rounds.need("target_pscore", "a forecast")
    newest = sliding_window(
        reward=rounds.reward,
        pscore=pscore,
        target_pscore=target_pscore,
        time=time,
        width=cut.length,
        cluster=rounds.cluster,
        level=level,
    )
    yield Finding("newest period", "windowed snips", newest)
    whole = cut.number >= 0
    if len(np.unique(cut.number[whole & (target_pscore > 0.0)])) < LINE:
        return
    ahead = prognosticator(
        reward=rounds.reward[whole],
        pscore=pscore[whole],
        target_pscore=target_pscore[whole],
        period=cut.number[whole],
        form="nis",
        level=level,
    )
    yield Finding("next period", "prognosticator", ahead)


def checked_model(log: Table, model: str, context: Sequence[str], reward: str | None) -> None:
    """`InputError` for a model or a context column that does not exist, and for the reward among the context."""
    one_of("reward_model", model, MODELS)
    if reward in context:
        raise InputError(f"context: column {reward!r} is the reward, which a model must not be told")
    for column in context:
        if column not in log.frame.columns:
            raise InputError(f"{log.path} has no column {column!r} (context); {hint(column, log.frame.columns)}")


def modelled(
    log: Table, model: str, context: Sequence[str], reward: Floats, target: Target, user: Int64s | None, seed: int
) -> Modelled:
    """q(x, a) by folds of whole users (rows where there are none), at the logged action and under the target policy.

    model: `auto` is logistic for rewards of 0 and 1, else ridge, and steps back where it cannot be fitted. Features:
    context columns (numbers standardised, texts one column each) beside one column an action.

    Raises:
        InputError: a model is asked for by name and cannot be fitted; an unusable context column.
    """
    if model == "none":
        return Modelled(None, None, "none was asked for")
    why = _hindrance(target, user, len(reward))
    if why:
        if model != "auto":
            raise InputError(f"reward_model {model!r} cannot be fitted: {why}")
        return Modelled(None, None, f"not fitted: {why}")
    assert target.matrix is not None
    assert target.action is not None
    binary = bool(np.isin(reward, (0.0, 1.0)).all()) and np.ptp(reward) > 0
    name = ("logistic" if binary else "ridge") if model == "auto" else model
    found = cross_fitted(
        reward=reward,
        action=target.action,
        context=features(log, context),
        user=np.arange(len(reward)) if user is None else user,
        n_actions=target.matrix.shape[1],
        target_policy=target.matrix,
        model=name,  # type: ignore[arg-type]  # checked against MODELS
        folds=FOLDS,
        seed=seed,
    )
    of = f"on {', '.join(context)} and the action" if context else "on the action alone (no context columns stated)"
    told = f"{name}, {of}; {FOLDS} folds of {'rows' if user is None else 'users'}"
    return Modelled(found.q_action, found.q_expected, told, tuple(f"reward model: {each}" for each in found.warnings))


def features(log: Table, context: Sequence[str]) -> Floats:
    """Context columns as numbers [n, d]."""
    parts = [_feature(log, column) for column in context]
    return np.hstack(parts) if parts else np.empty((len(log), 0))


def _feature(log: Table, column: str) -> Floats:
    cells = log.frame[column]
    if cells.dtype not in TEXT:
        values = numbers(log, "context", column)
        spread = float(values.std())
        return np.asarray(((values - values.mean()) / (spread if spread > 0 else 1.0))[:, None])
    places, distinct = codes(labels(log, "context", column).cast(pl.String))
    if len(distinct) > MOST_TEXTS:
        raise InputError(
            f"{log.path}: column {column!r} (context) holds {len(distinct):,} different texts; at most {MOST_TEXTS} "
            "are told apart: group them, or leave the column out"
        )
    return np.asarray(np.eye(len(distinct))[places])


def _hindrance(target: Target, user: Int64s | None, rows: int) -> str:
    if target.matrix is None:
        return "the policy gave the logged action's probability alone; a model needs that of every action"
    if target.matrix.shape[1] > MOST_ACTIONS:
        return f"{target.matrix.shape[1]:,} actions; at most {MOST_ACTIONS} are told apart"
    units = rows if user is None else len(np.unique(user))
    if units < FOLDS:
        return f"{units} {'rows' if user is None else 'users'} for {FOLDS} folds"
    return ""
