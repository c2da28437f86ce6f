"""`driftline.ope`: what another policy would have earned, from a user's own log."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from driftline.evaluation.arrays import between_0_and_1, one_of
from driftline.evaluation.interval import ASYMPTOTIC
from driftline.evaluation.interval import Asked as Options
from driftline.evaluation.off_policy import Bounds, IntervalName
from driftline.scenarios.own_log.log_file import mapped_columns, numbers, read_log, within
from driftline.scenarios.own_log.roles import (
    BY_NAME,
    KINDS,
    ROLES,
    Decisions,
    Policy,
    PolicyFunction,
    Target,
    decisions,
    log_checks,
    named_policy,
    no_overlap,
    target,
)
from driftline.scenarios.own_log.single import (
    GAIN,
    LOGGED,
    OVER_LOG,
    Asked,
    Modelled,
    checked_estimators,
    checked_model,
    modelled,
    single_verdict,
)
from driftline.scenarios.own_log.slates import (
    ESTIMATORS,
    checked_slates,
    mean_slate,
    slate_estimates,
    slate_targets,
    whole_slates,
)
from driftline.scenarios.own_log.verdict import Check, Finding, Verdict
from driftline.scenarios.own_log.wide import opened
from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError

A_SLATE = "value a slate"


def ope(
    log: str | Path | pl.DataFrame,
    policy: str | PolicyFunction | None = None,
    *,
    columns: Mapping[str, str] = {},
    context: Sequence[str] = (),
    estimators: Sequence[str] | None = None,
    lambdas: Mapping[str, float] = {},
    reward_model: str = "auto",
    interval: IntervalName = "normal",
    level: float = 0.95,
    bounds: Bounds | None = None,
    period: float | None = None,
    seed: int = 0,
) -> Verdict:
    """Checks a log, then says what `policy` would have earned in place of the policy that wrote it.

    log: a CSV, TSV or Parquet file, or a frame; one row a decision, or one row a position of a slate. policy: a
    function of the log, or `module:function`; not needed where columns hold the target policy's probabilities. columns:
    from roles (see `ope_roles.ROLES`) to columns of the log. context: columns for the reward model, which is fitted
    where the policy states the probability of every action. lambdas: of methods that tame weights, which are then
    among the estimators. period: length of a period of drift, in days for dates (a tenth of the log by default).

    Raises:
        InputError: an unusable log, mapping, policy or option; see docs/own-logs.md for each.
    """
    asked = Asked(None if estimators is None else tuple(estimators), lambdas, interval, level, bounds, period, seed)
    return ope_as_asked(log, policy, columns, context, reward_model, asked)


def ope_as_asked(
    log: str | Path | pl.DataFrame,
    policy: str | PolicyFunction | None,
    columns: Mapping[str, str],
    context: Sequence[str],
    reward_model: str,
    asked: Asked,
) -> Verdict:
    """`ope`, with estimators and intervals as one record."""
    between_0_and_1("level", asked.level)
    table, columns, read = opened(read_log(log), columns)
    mapped = mapped_columns(table, columns, ROLES, BY_NAME)
    checked_model(table, reward_model, context, mapped.get("reward"))
    slates = "slate" in mapped
    _check_options(asked, slates, "time" in mapped)
    stated = _stated_targets(mapped)
    if policy is None and not stated:
        raise InputError(
            "no target policy: state --policy module:function, or the column --columns target_pscore=COLUMN"
        )
    if policy is not None and stated:
        raise InputError(f"a policy and {stated[0]} are stated; only one of them can be the target policy")
    known = decisions(table, mapped)
    named = None if policy is None else named_policy(policy)
    name = named.name if named else ", ".join(mapped[role] for role in stated)
    if slates:
        checks, findings = _of_slates(known, named, name, asked)
    else:
        chosen = _target(known, named)
        no_overlap(name, chosen.at_action)
        model = _model(known, chosen, reward_model, context, asked.seed)
        checks, findings = single_verdict(known, chosen, model, asked)
    logged = findings[0].estimate.value
    return Verdict(
        command="ope",
        title=f"{table.path}: what {name} would have earned",
        facts=_facts(table, mapped, name, context),
        checks=(*read, *log_checks(known), *checks),
        findings=tuple(findings),
        level=asked.level,
        reference=dict.fromkeys((OVER_LOG, A_SLATE, "newest period", "next period"), logged) | {GAIN: 0.0},
    )


def _check_options(asked: Asked, slates: bool, timed: bool) -> None:
    if asked.period is not None and (slates or not timed):
        where = "slates have none" if slates else "the log has no times; state --columns time=COLUMN"
        raise InputError(f"period = {asked.period:g}: is a length of drift over time; {where}")
    if not slates:
        checked_estimators(asked)
        return
    for name in asked.estimators or ():
        one_of("estimator", name, list(ESTIMATORS))
    one_of("interval", asked.interval, ASYMPTOTIC)
    if asked.lambdas:
        raise InputError(f"lambdas: {next(iter(asked.lambdas))!r} is no estimator of slates")


def _stated_targets(mapped: Mapping[str, str]) -> list[str]:
    return [role for role in (f"target_{kind}" for kind in KINDS) if role in mapped]


def _column_targets(known: Decisions) -> dict[str, Any]:
    """The target policy's probabilities from the log's own columns, by kind."""
    found = {}
    for kind in known.pscore:
        role = f"target_{kind}"
        if role not in known.columns:
            raise InputError(f"{known.log.path}: {role} is missing, as {kind} is stated; state both or neither")
        found[kind] = within(known.log, role, known.columns[role], 0.0, 1.0 + 1e-9, "must be between 0 and 1")
    return found


def _target(known: Decisions, named: Policy | None) -> Target:
    if named is None:
        return Target(_column_targets(known)["pscore"])
    return target(named.name, named.answer(known.log.frame, known.columns["reward"]), known.log, known.action)


def _model(known: Decisions, chosen: Target, reward_model: str, context: Sequence[str], seed: int) -> Modelled:
    """The user's own model from columns, or one fitted here."""
    own = [role for role in ("q_action", "q_expected") if role in known.columns]
    if len(own) == 1:
        missing = "q_expected" if own == ["q_action"] else "q_action"
        raise InputError(f"{known.log.path}: {missing} is missing, as {own[0]} is stated; state both or neither")
    if own:
        q_action, q_expected = (numbers(known.log, role, known.columns[role]) for role in own)
        return Modelled(q_action, q_expected, "the log's own columns")
    return modelled(known.log, reward_model, context, known.reward, chosen, known.user, seed)


def _of_slates(known: Decisions, named: Policy | None, name: str, asked: Asked) -> tuple[list[Check], list[Finding]]:
    checked_slates(known)
    if named is None:
        targets = _column_targets(known)
    else:
        targets = slate_targets(known, name, named.answer(known.log.frame, known.columns["reward"]))
    for values in targets.values():
        no_overlap(name, values)
    slates = whole_slates(known, targets)
    options: Options = {
        "interval": asked.interval,
        "level": asked.level,
        "seed": asked.seed,
        "cluster": slates.cluster,
    }
    logged = mean_slate(slates, options)
    found = slate_estimates(slates, list(targets), asked.estimators, options)
    findings = [Finding(A_SLATE, LOGGED, logged), *(Finding(A_SLATE, each, value) for each, value in found.items())]
    size = f"{len(slates):,} slates of {slates.reward.shape[1]} positions; a value is the sum over a slate's positions"
    return [Check("slates", size)], findings


def _facts(table: Table, mapped: Mapping[str, str], name: str, context: Sequence[str]) -> dict[str, str]:
    facts = {"log": str(table.path), "target policy": name}
    facts["columns"] = ", ".join(f"{role}={column}" for role, column in mapped.items())
    return facts | ({"context": ", ".join(context)} if context else {})
