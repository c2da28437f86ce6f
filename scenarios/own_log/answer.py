"""What an experiment's rows come to: the sentence that answers, guardrails, segments, and what could have been seen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite

import numpy as np

from driftline.evaluation.experiment import Effect, benjamini_hochberg, guardrail, minimum_effect, power, ratio_sd
from driftline.scenarios.own_log.comparisons import ANYTIME, CUPED, excludes_0, plain, told
from driftline.scenarios.own_log.users import Measured, Users
from driftline.scenarios.own_log.verdict import Finding
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Floats

Row = dict[str, object]
POWER = 0.8
RELATIVE = 0.05
"""The change, of the control's level, whose power is told."""


def verdict_sentence(findings: Sequence[Finding], metric: str, level: float, alarm: str, clustered: bool) -> str:
    """Which row answers the question, what it says, and why that row; arm by arm."""
    if alarm:
        return (
            "No verdict: the arms did not get the users they were meant to get, so no difference below has a cause yet."
        )
    rows = {(each.about, each.name): each for each in findings}
    adjusted = [each.estimate for (about, _), each in rows.items() if about == metric + CUPED]
    chosen = metric + CUPED if adjusted and all(isfinite(each.low) for each in adjusted) else metric
    if chosen != metric:
        why = "what users did before cannot be moved by an arm, so it takes noise out and adds no bias"
    elif clustered:
        why = "whole clusters were put into the arms, so they are its units"
    else:
        why = "its interval and its p are of one and the same test"
    lines = [_of_arm(each, metric, level) for (about, _), each in rows.items() if about == chosen]
    reason = f"The row “{chosen}” answers for one look at a planned end: {why}."
    return " ".join([*lines, reason, *_looked(rows, metric), *_others(rows, metric)])


def _of_arm(finding: Finding, metric: str, level: float) -> str:
    found, name = finding.estimate, finding.name
    assert isinstance(found, Effect)
    if not (isfinite(found.low) and isfinite(found.high)):
        return f"{name}: no verdict on {metric}: {found.warnings[-1] if found.warnings else 'there is no interval'}."
    many = finding.p_adjusted is not None
    p = finding.p_adjusted if finding.p_adjusted is not None else found.p_value
    sure = p < 1.0 - level if many else excludes_0(found)
    said = f"{found.value:+.4g}, {100 * level:g} % interval {found.low:.4g} to {found.high:.4g}, p = {p:.3g}"
    said += " by Holm over the arms" if many else ""
    count = len(found.warnings)
    beside = f" {count} warning{'s speak' if count > 1 else ' speaks'} against this number." if count else ""
    if not sure:
        return f"{name}: no difference shown in {metric} ({said}); this does not show that there is none.{beside}"
    return f"{name}: {metric} is {'higher' if found.value > 0 else 'lower'} ({said}).{beside}"


def _looked(rows: Mapping[tuple[str, str], Finding], metric: str) -> list[str]:
    """What holds for those who looked before the end."""
    found = [each.estimate for (about, _), each in rows.items() if about == metric + ANYTIME]
    if not found:
        return []
    said = [
        "says nothing yet" if not told(each) else "excludes 0 too" if excludes_0(each) else "does not exclude 0"
        for each in found
        if isinstance(each, Effect)
    ]
    return [f"If anybody looked earlier, or may stop early, take “{metric}{ANYTIME}” instead: it {', '.join(said)}."]


def _others(rows: Mapping[tuple[str, str], Finding], metric: str) -> list[str]:
    if all(about.startswith(metric) for about, _ in rows):
        return []
    return ["Other metrics are secondary: read their p_holm, which allows for how many they are."]


def guardrails_kept(
    findings: Sequence[Finding], metrics: Mapping[str, str], margins: Mapping[str, float], level: float
) -> tuple[Row, ...]:
    """Whether each arm keeps within what may be lost.

    metrics: name of the first metric of each column. margins: by column, the most that B may rise (above 0: more is
    worse) or fall (below 0: less is worse).
    """
    rows: list[Row] = []
    for column, margin in margins.items():
        if column not in metrics:
            raise InputError(f"guardrail of {column!r}: there is no metric of it; {hint(column, metrics)}")
        if not (isfinite(margin) and margin != 0.0):
            raise InputError(
                f"guardrail of {column!r} is {margin:g}; +X: may rise by X at most, -X: may fall by X at most"
            )
        rows.extend(
            {"guardrail": each.about, "arm": each.name} | _kept(each.estimate, margin, 1.0 - level)
            for each in findings
            if each.about == metrics[column] and isinstance(each.estimate, Effect)
        )
    return tuple(rows)


def _kept(effect: Effect, margin: float, alpha: float) -> Row:
    may = f"{'rise' if margin > 0 else 'fall'} by {abs(margin):g}"
    if not effect.std_error > 0.0:
        return {"may": may, "limit": None, "p": None, "holds": "cannot be told"}
    found = guardrail(effect, margin=abs(margin), higher_is_better=margin < 0.0, alpha=alpha)
    return {"may": may, "limit": found.limit, "p": found.p_value, "holds": "yes" if found.holds else "not shown"}


def by_segment(users: Users, pairs: Sequence[Measured], level: float) -> tuple[Row, ...]:
    """The first metric in each segment, p-values by Benjamini-Hochberg over segments and arms."""
    if users.segment is None:
        return ()
    rows: list[Row] = []
    for m, place in zip(pairs, range(1, len(users.arms)), strict=True):
        of = users.segment[(users.arm == 0) | (users.arm == place)]
        for code, name in enumerate(users.segments):
            rows.append({"segment": name, "arm": f"{m.name} - {users.arms[0]}"} | _within_segment(m, of == code, level))
    told_p = [k for k, row in enumerate(rows) if isinstance(row["p"], float) and isfinite(row["p"])]
    if told_p:
        adjusted = benjamini_hochberg([float(str(rows[k]["p"])) for k in told_p]).p_value
        for k, p in zip(told_p, adjusted, strict=True):
            rows[k]["p_bh"] = float(p)
    return tuple(rows)


def _within_segment(m: Measured, inside: Bools, level: float) -> Row:
    row: Row = {"users": int(inside.sum()), "effect": None, "low": None, "high": None, "p": None, "p_bh": None}
    if min(int((inside & m.in_b).sum()), int((inside & ~m.in_b).sum())) < 2:
        return row
    cells, in_b, user = m.rows
    place = np.unique(user, return_inverse=True)[1]
    kept = inside[place]
    part = replace(
        m,
        in_b=m.in_b[inside],
        value=m.value[inside],
        below=m.below[inside],
        rows=(cells[kept], in_b[kept], user[kept]),
        before=None if m.before is None else m.before[inside],
        cluster=None if m.cluster is None else m.cluster[inside],
    )
    found = plain(part, level)
    return row | {"effect": found.value, "low": found.low, "high": found.high, "p": found.p_value}


def seen(metrics: Sequence[Sequence[Measured]], control: str, level: float) -> tuple[Row, ...]:
    """What a test of this size could see: the smallest effect, and the power for a change of 5 %; from A's spread."""
    return tuple(
        {"metric": m.metric.name, "arm": f"{m.name} - {control}"} | told_of
        for pairs in metrics
        for m in pairs
        if m.cluster is None and m.metric.kind in ("sum", "mean", "ratio", "conversion")
        if (told_of := _seen(m, level)) is not None
    )


def _seen(m: Measured, level: float) -> Row | None:
    a, below = m.value[~m.in_b], m.below[~m.in_b]
    n, share = len(m.value), float(m.in_b.mean())
    base = float(a.sum() / below.sum()) if m.metric.kind == "ratio" and below.sum() > 0.0 else float(a.mean())
    if m.metric.kind == "conversion":
        if not 0.0 < base < 1.0:
            return None
        least = minimum_effect(n=n, target=POWER, rate=base, share=share, level=level)
        chance = power(n=n, effect=RELATIVE * base, rate=base, share=share, level=level)
    else:
        sd = _spread(m, a, below)
        if not sd > 0.0:
            return None
        least = minimum_effect(n=n, target=POWER, sd=sd, share=share, level=level)
        chance = power(n=n, effect=RELATIVE * abs(base), sd=sd, share=share, level=level)
    relative = least / abs(base) if base != 0.0 else None
    return {"control": base, "smallest effect": least, "of control": relative, "power for 5 %": chance}


def _spread(m: Measured, a: Floats, below: Floats) -> float:
    if m.metric.kind != "ratio":
        return float(a.std(ddof=1))
    return ratio_sd(a, below) if below.sum() > 0.0 else 0.0
