"""`driftline.ab`: what an A/B test says, from a user's own log; the sample ratio first."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from driftline.evaluation.arrays import between_0_and_1, one_of
from driftline.evaluation.experiment import SampleRatio, srm, variance_reduction
from driftline.evaluation.experiment._srm import ALPHA
from driftline.evaluation.procedures._base import built
from driftline.scenarios.own_log.comparisons import BY_NAME, METRICS, ROLES, Users, compared, pairs, possible, users_of
from driftline.scenarios.own_log.log_file import mapped_columns, read_log
from driftline.scenarios.own_log.verdict import Check, Verdict
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats


def ab(
    log: str | Path | pl.DataFrame,
    *,
    columns: Mapping[str, str] = {},
    control: str | None = None,
    share: float | Mapping[str, float] | None = None,
    metrics: Sequence[str] | None = None,
    level: float = 0.95,
    planned: int = 5000,
) -> Verdict:
    """Checks the log of an experiment, the sample ratio first, then compares every arm with the control.

    log: a CSV, TSV or Parquet file, or a frame; any number of rows a user, added up by user. columns: from roles (see
    `assignment.ROLES`) to columns of the log. share: planned share of the treatment, or of every arm by name; equal
    where not given. metrics: some of `mean`, `lift`, `proportion`, `ratio`, `cuped`, `sequence`; by default all that
    the log allows. planned: users near which the always-valid interval is tightest, fixed beforehand.

    Raises:
        InputError: an unusable log, mapping or option; see docs/own-logs.md for each.
    """
    between_0_and_1("level", level)
    if planned < 1:
        raise InputError(f"planned = {planned}: must be >= 1")
    for name in metrics or ():
        if ":" in name:
            built(name)
        else:
            one_of("metric", name, METRICS)
    table = read_log(log)
    mapped = mapped_columns(table, columns, ROLES, BY_NAME)
    users = users_of(table, mapped, control)
    shares = planned_shares(users, share)
    ratio_check, alarm = sample_ratio(users, shares)
    chosen = tuple(metrics) if metrics is not None else possible(users)
    findings = compared(users, chosen, level, planned, alarm)
    others = ", ".join(users.arms[1:])
    return Verdict(
        command="ab",
        title=f"{table.path}: {others} against {users.arms[0]}, {mapped['value']}",
        facts={
            "log": str(table.path),
            "columns": ", ".join(f"{role}={column}" for role, column in mapped.items()),
            "control": users.arms[0],
        },
        checks=(ratio_check, *_more_checks(users, level)),
        findings=tuple(findings),
        level=level,
        alarm=alarm,
        arms=arm_rows(users, shares),
        reference={each.about: 0.0 for each in findings},
    )


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
    """The check, and the alarm: empty where chance explains the counts."""
    found = srm(users.arm, share=share)
    counts = ", ".join(f"{name} {count:,}" for name, count in zip(users.arms, found.count, strict=True))
    due = ", ".join(
        f"{name} {count:,.1f}".removesuffix(".0") for name, count in zip(users.arms, found.expected, strict=True)
    )
    said = f"p = {found.p_value:.3g} ({found.method}); users {counts}; due {due}"
    alarm = _alarm(found, counts, due) if found.mismatch else ""
    thin = tuple(f"sample ratio: {line}" for line in found.warnings)
    return Check("sample ratio", said, (*((alarm,) if alarm else ()), *thin)), alarm


def _alarm(found: SampleRatio, counts: str, due: str) -> str:
    return (
        f"SAMPLE RATIO MISMATCH: users {counts}, due {due} (p = {found.p_value:.2g}, below {ALPHA}); the arms did not "
        "get the users they were meant to get. Trust no number below before the cause is known"
    )


def arm_rows(users: Users, share: Floats) -> tuple[dict[str, object], ...]:
    """What each arm holds, the control first."""
    rows: list[dict[str, object]] = []
    for place, name in enumerate(users.arms):
        own = users.arm == place
        total, below = float(users.value[own].sum()), float(users.denominator[own].sum())
        rows.append(
            {
                "arm": f"{name} (control)" if place == 0 else name,
                "users": int(own.sum()),
                "planned": float(share[place]),
                "rows": int(users.rows[own].sum()),
                "per user": total / int(own.sum()),
                f"per {'row' if users.per_row else 'denominator'}": total / below if below > 0.0 else None,
            }
        )
    return tuple(rows)


def _more_checks(users: Users, level: float) -> Iterator[Check]:
    rows = int(users.rows.sum())
    added = "one row a user" if rows == len(users) else f"added up to {len(users):,} users, the unit of the experiment"
    yield Check("rows", f"{rows:,} rows, {added}")
    if users.before is None:
        return
    for pair in pairs(users):
        assert pair.before is not None
        if any(pair.value[side].max() > pair.value[side].min() for side in (pair.in_b, ~pair.in_b)):
            found = variance_reduction(value=pair.value, arm=pair.in_b, covariate=pair.before, level=level)
            yield Check("before", f"explains {found.value:.1%} of the variance in {pair.name} and {users.arms[0]}")
