"""A log of single decisions: rounds in the order of time, and everything that is estimated from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.off_policy import Bounds, Method, Rounds, estimate_all
from driftline.evaluation.off_policy.estimation import possible
from driftline.evaluation.off_policy.intervals import INTERVALS, IntervalName
from driftline.evaluation.off_policy.rounds import one_of
from driftline.evaluation.off_policy.terms import METHODS, MODEL_BASED, SELF_NORMALISED, TAMED, method_lambda
from driftline.scenarios.own_log.cells import codes
from driftline.scenarios.own_log.drift_of_value import drift_check, later_values, periods_of
from driftline.scenarios.own_log.gains import gains
from driftline.scenarios.own_log.ope_checks import weight_checks
from driftline.scenarios.own_log.ope_roles import Decisions
from driftline.scenarios.own_log.reward_model import Modelled
from driftline.scenarios.own_log.target import Target
from driftline.scenarios.own_log.verdict import Check, Finding
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

OVER_LOG = "value over the log"
GAIN = "gain over the logged policy"
LOGGED = "logged policy"


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


def checked_estimators(asked: Asked) -> None:
    """`InputError` for an unknown estimator or interval, and for a method that tames weights without its lambda."""
    one_of("interval", asked.interval, INTERVALS)
    if asked.interval not in ("normal", "bootstrap") and asked.bounds is None:
        raise InputError(
            f"interval {asked.interval!r} needs what is known beforehand: state --reward-range LOW,HIGH, and "
            "--largest-weight"
        )
    for name in asked.estimators or ():
        one_of("estimator", name, METHODS)
        if name in TAMED and name not in asked.lambdas:
            raise InputError(f"estimator {name!r} needs its lambda: state --lambdas {name}=NUMBER")
    for name, number in asked.lambdas.items():
        one_of("lambdas", name, list(TAMED))
        method_lambda(name, {name: number})  # type: ignore[arg-type]  # checked against TAMED


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


def methods_of(rounds: Rounds, asked: Asked, why: str) -> tuple[Method, ...]:
    """The estimators: those asked for, or all that the log and the interval allow. why: there is no reward model."""
    if asked.estimators is not None:
        for name in asked.estimators:
            if name in MODEL_BASED and (rounds.q_expected is None or rounds.q_action is None):
                raise InputError(f"estimator {name!r} needs a reward model, which was {why}")
        return asked.estimators  # type: ignore[return-value]  # checked against METHODS
    ratios = asked.interval in ("normal", "bootstrap")
    return tuple(name for name in possible(rounds, asked.lambdas) if ratios or name not in SELF_NORMALISED)


def single_verdict(
    decisions: Decisions, target: Target, model: Modelled, asked: Asked
) -> tuple[list[Check], list[Finding]]:
    """Checks of the target policy on this log, and every estimate."""
    rounds = rounds_of(decisions, target, model)
    methods = methods_of(rounds, asked, model.told)
    checks = [*weight_checks(rounds), Check("reward model", model.told, model.warnings)]
    time = None if decisions.time is None else decisions.time[decisions.order()]
    cut = None if time is None else periods_of(time, asked.period, decisions.unit)
    if time is not None:
        checks.append(drift_check(rounds, time, cut, decisions.unit))
    drift = checks[-1].warnings if time is not None else ()
    found = estimate_all(
        rounds,
        methods=methods,
        lambdas=asked.lambdas,
        interval=asked.interval,
        level=asked.level,
        seed=asked.seed,
        bounds=asked.bounds,
    )
    found = {name: replace(each, warnings=(*each.warnings, *drift)) for name, each in found.items()}
    findings = list(_findings(rounds, found, methods, asked))
    if time is not None and cut is not None:
        findings += later_values(rounds, time, cut, asked.level)
    return checks, findings


def _findings(
    rounds: Rounds, found: Mapping[str, Estimate], methods: Sequence[Method], asked: Asked
) -> Iterator[Finding]:
    # the logging policy's own value needs no weights, and so no bounds
    interval = asked.interval if asked.interval in ("normal", "bootstrap") else "normal"
    yield Finding(OVER_LOG, LOGGED, _logged(rounds, interval, asked))
    for name, each in found.items():
        yield Finding(OVER_LOG, name, each)
    lambdas = {name: method_lambda(name, asked.lambdas) for name in methods}
    for name, each in gains(rounds, lambdas, found, interval, asked.level, asked.seed).items():
        yield Finding(GAIN, name, each, unit="gain")


def _logged(rounds: Rounds, interval: IntervalName, asked: Asked) -> Estimate:
    """Mean logged reward: every weight is 1."""
    bare = {each.name: None for each in fields(Rounds) if each.name not in ("reward", "cluster")}
    sure = replace(rounds, **{**bare, "pscore": rounds.reward * 0.0 + 1.0, "target_pscore": rounds.reward * 0.0 + 1.0})  # type: ignore[arg-type]
    found = estimate_all(sure, methods=("ips",), interval=interval, level=asked.level, seed=asked.seed)["ips"]
    return replace(found, method=found.method.replace("ips", "mean reward", 1))
