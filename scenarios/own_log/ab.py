"""`driftline.ab`: what an A/B test says, from a user's own log; the sample ratio first."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path

import numpy as np
import polars as pl

from driftline.evaluation.arrays import between_0_and_1
from driftline.evaluation.experiment import SampleRatio, srm, variance_reduction
from driftline.evaluation.experiment._srm import ALPHA
from driftline.scenarios.own_log.answer import by_segment, guardrails_kept, seen, verdict_sentence
from driftline.scenarios.own_log.comparisons import Asked, compared
from driftline.scenarios.own_log.log_file import mapped_columns, numbers, read_log
from driftline.scenarios.own_log.metrics import metrics_of
from driftline.scenarios.own_log.users import BY_NAME, ROLES, Measured, Users, before_columns, measured, users_of
from driftline.scenarios.own_log.verdict import Check, Verdict
from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats


def ab(
    log: str | Path | pl.DataFrame,
    *,
    columns: Mapping[str, str] = {},
    control: str | None = None,
    share: float | Mapping[str, float] | None = None,
    metrics: Sequence[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] = {},
    guardrails: Mapping[str, float] = {},
    level: float = 0.95,
    planned: int = 5000,
) -> Verdict:
    """Checks the log of an experiment, the sample ratio first, then compares every arm with the control.

    log: a CSV, TSV or Parquet file, or a frame; any number of rows a user. columns: from roles (see `users.ROLES`) to
    columns of the log. share: planned share of the treatment, or of every arm by name; equal where not given. metrics:
    `COLUMN=KIND` each, the first the one that decides (see `metrics.metrics_of`); by default what the column of role
    `value` allows. bounds: by column, the smallest and largest value that a user may bring to it, known beforehand: its
    always-valid limits then hold at any number of users. guardrails: by column, the most that its first metric may rise
    (above 0) or fall (below 0). planned: users near which always-valid limits are tightest, fixed beforehand.

    Raises:
        InputError: an unusable log, mapping or option; see docs/own-logs.md for each.
    """
    asked = _checked(level, planned, bounds)
    table = read_log(log)
    mapped = _mapped(table, columns)
    if "value" in mapped:
        numbers(table, "value", mapped["value"])  # a bad cell is named before anything that follows from it
    users = users_of(table, mapped, control)
    shares = planned_shares(users, share)
    texts = metrics if metrics is not None else _possible(table, users, mapped)
    chosen = metrics_of(texts, mapped, table.frame.columns)
    if not chosen:
        raise InputError("metrics: there are none; state at least one, such as revenue=sum")
    ratio_check, alarm = sample_ratio(users, shares)
    pairs = [tuple(measured(table, users, metric)) for metric in chosen]
    first, base = chosen[0].name, users.arms[0]
    findings = compared(pairs, base, asked, alarm)
    named = {metric.column: metric.name for metric in reversed(chosen)}
    for column in bounds:
        if column not in named:
            raise InputError(f"bounds of {column!r}: there is no metric of it; {hint(column, named)}")
    return Verdict(
        command="ab",
        title=f"{table.path}: {', '.join(users.arms[1:])} against {base}, {first}",
        facts={
            "log": str(table.path),
            "columns": ", ".join(f"{role}={column}" for role, column in mapped.items()),
            "metrics": "; ".join(metric.name for metric in chosen),
            "control": base,
        },
        checks=(ratio_check, *_more_checks(users, pairs, level)),
        findings=tuple(findings),
        level=level,
        alarm=alarm,
        arms=arm_rows(users, shares, pairs),
        reference={each.about: 0.0 for each in findings},
        answer=verdict_sentence(findings, first, level, alarm, users.cluster is not None),
        tables={
            "guardrails": guardrails_kept(findings, named, guardrails, level),
            f"segments: {first}": by_segment(users, pairs[0], level),
            "what this test could see (power 80 %)": seen(pairs, base, level),
        },
    )


def _checked(level: float, planned: int, bounds: Mapping[str, tuple[float, float]]) -> Asked:
    between_0_and_1("level", level)
    if planned < 1:
        raise InputError(f"planned = {planned}: must be >= 1")
    for column, (low, high) in bounds.items():
        if not (isfinite(low) and isfinite(high) and low < high):
            raise InputError(
                f"bounds of {column!r} are {low:g} and {high:g}; must be finite, the first below the second"
            )
    return Asked(level, planned, bounds)


def _mapped(table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """Roles and their columns; `before` may have several."""
    single = {role: column for role, column in columns.items() if role != "before"}
    mapped = mapped_columns(table, single, ROLES, BY_NAME)
    if "before" not in columns:
        return mapped
    for column in before_columns(table, columns["before"]):
        mapped_columns(table, {"before": column}, ROLES, ())
    return {**mapped, "before": columns["before"]}


def _possible(table: Table, users: Users, mapped: Mapping[str, str]) -> tuple[str, ...]:
    """What the column of role `value` allows, where no metric is asked for."""
    if "value" not in mapped:
        there = ", ".join(table.frame.columns[:20])
        raise InputError(
            f"{table.path}: value is missing, {ROLES['value']}; state --columns value=COLUMN, or --metrics COLUMN=KIND "
            f"(there are: {there})"
        )
    several = bool((users.rows != 1).any())
    ratio = ("ratio",) if several or "denominator" in mapped else ()
    if np.isin(numbers(table, "value", mapped["value"]), (0.0, 1.0)).all():
        return ("conversion", *ratio)
    return ("sum", *(("mean",) if several else ()), *ratio)


def planned_shares(users: Users, share: float | Mapping[str, float] | None) -> Floats:
    """The planned share of every arm, in the order of `arms`.

    share: of the treatment, where there are two arms; or of every arm by name; equal ones where not given.
    """
    arms = users.arms
    if share is None:
        return np.full(len(arms), 1.0 / len(arms))
    if isinstance(share, Mapping):
        for name in share:
            if name not in arms:
                raise InputError(f"share of {name!r}: there is no such arm; {hint(name, arms)}")
        missing = [name for name in arms if name not in share]
        if missing:
            raise InputError(f"share of {missing[0]!r} is missing; state that of every arm")
        shares = np.array([float(share[name]) for name in arms])
        if not (shares > 0.0).all() or abs(shares.sum() - 1.0) > 1e-6:
            raise InputError(f"share: must be above 0 and sum to 1, got a sum of {shares.sum():g}")
        return np.asarray(shares / shares.sum())
    if len(arms) > 2:
        raise InputError(f"share = {share:g}: with {len(arms)} arms state each, such as {arms[0]}=.5,{arms[1]}=.25,...")
    if not 0.0 < share < 1.0:
        raise InputError(f"share = {share:g}: must be above 0 and below 1")
    return np.array([1.0 - share, share])


def sample_ratio(users: Users, share: Floats) -> tuple[Check, str]:
    """The check, and the alarm: empty where chance explains the counts. Whole clusters are counted as such."""
    arm, unit = users.arm, "users"
    if users.cluster is not None:
        _, first, code = np.unique(users.cluster, return_index=True, return_inverse=True)
        if (users.arm == users.arm[first][code]).all():
            arm, unit = users.arm[first], "clusters"
    if len(np.unique(arm)) < len(users.arms):
        raise InputError("an arm has no cluster of its own")
    found = srm(arm, share=share)
    counts = ", ".join(f"{name} {count:,}" for name, count in zip(users.arms, found.count, strict=True))
    due = ", ".join(
        f"{name} {count:,.1f}".removesuffix(".0") for name, count in zip(users.arms, found.expected, strict=True)
    )
    said = f"p = {found.p_value:.3g} ({found.method}); {unit} {counts}; due {due}"
    alarm = _alarm(found, f"{unit} {counts}", due) if found.mismatch else ""
    thin = tuple(f"sample ratio: {line}" for line in found.warnings)
    return Check("sample ratio", said, (*((alarm,) if alarm else ()), *thin)), alarm


def _alarm(found: SampleRatio, counts: str, due: str) -> str:
    return (
        f"SAMPLE RATIO MISMATCH: {counts}, due {due} (p = {found.p_value:.2g}, below {ALPHA}); the arms did not "
        "get the users they were meant to get. Trust no number below before the cause is known"
    )


def arm_rows(users: Users, share: Floats, metrics: Sequence[Sequence[Measured]]) -> tuple[dict[str, object], ...]:
    """What each arm holds, the control first."""
    rows: list[dict[str, object]] = []
    for place, name in enumerate(users.arms):
        own = users.arm == place
        row: dict[str, object] = {
            "arm": f"{name} (control)" if place == 0 else name,
            "users": int(own.sum()),
            "planned": float(share[place]),
            "rows": int(users.rows[own].sum()),
        }
        for pairs in metrics:
            row[pairs[0].metric.name] = pairs[max(place - 1, 0)].level_of(in_b=place > 0)
        rows.append(row)
    return tuple(rows)


def _more_checks(users: Users, metrics: Sequence[Sequence[Measured]], level: float) -> Iterator[Check]:
    rows, many = int(users.rows.sum()), len(users.arm)
    added = "one row a user" if rows == many else f"of {many:,} users, the unit of the experiment"
    yield Check("rows", f"{rows:,} rows, {added}")
    for pairs in metrics:
        for m in pairs:
            if m.before is None or m.cluster is not None or m.metric.kind not in ("sum", "mean", "conversion"):
                continue
            if any(np.ptp(m.value[side]) > 0.0 for side in (m.in_b, ~m.in_b)):
                found = variance_reduction(value=m.value, arm=m.in_b, covariate=m.before, level=level)
                said = f"explains {found.value:.1%} of the variance of {m.metric.name}, {m.name} and {users.arms[0]}"
                yield Check("before", said)
