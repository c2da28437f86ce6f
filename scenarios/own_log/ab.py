"""`driftline.ab`: what an A/B test says, from a user's own log."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from driftline.evaluation.experiment import variance_reduction
from driftline.evaluation.off_policy.rounds import one_of
from driftline.evaluation.off_policy.rounds import share as checked_level
from driftline.scenarios.own_log.assignment import BY_NAME, ROLES, Users, users_of
from driftline.scenarios.own_log.columns import mapped_columns
from driftline.scenarios.own_log.comparisons import METRICS, compared, pairs, possible
from driftline.scenarios.own_log.log_file import read_log
from driftline.scenarios.own_log.sample_ratio import arm_rows, planned_shares, sample_ratio
from driftline.scenarios.own_log.verdict import Check, Verdict
from driftline.sim.errors import InputError


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
    checked_level("level", level)
    if planned < 1:
        raise InputError(f"planned = {planned}: must be >= 1")
    for name in metrics or ():
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
