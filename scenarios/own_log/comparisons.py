"""Every arm against the control, metric by metric: the difference, the lift, CUPED, and always-valid limits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, isinf, nan

import numpy as np

from driftline.evaluation.experiment import (
    Effect,
    cluster,
    confidence_sequence,
    cuped,
    cuped_ratio,
    holm,
    lift,
    proportions,
    proportions_lift,
    quantile,
    ratio,
    regression_adjusted,
    welch,
)
from driftline.evaluation.experiment._levels import CARRIERS, rounded_down, sums, whole_clusters
from driftline.evaluation.procedures._base import Units, built
from driftline.scenarios.own_log.users import Measured
from driftline.scenarios.own_log.verdict import Finding
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats

LIFT, CUPED, ANYTIME = ", lift", ", CUPED", ", always valid"
"""What is added to a metric's name; nothing for the difference itself."""
UNEQUAL = 0.4
"""A smaller arm below this share gets a slope of its own (Lin), since one slope for both arms can hurt there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How effects are to be told."""

    level: float
    planned: int
    """Users near which always-valid limits are tightest."""
    bounds: Mapping[str, tuple[float, float]]
    """By column: the smallest and largest that a user may bring, known beforehand."""


def effects(m: Measured, asked: Asked) -> Iterator[tuple[str, Effect]]:
    """The rows of one metric for one arm: what is added to the metric's name, and the effect."""
    yield "", plain(m, asked.level)
    kind = m.metric.kind
    if m.cluster is not None or kind in ("quantile", "procedure"):
        return
    if (relative := _lift(m, asked.level)) is not None:
        yield LIFT, relative
    if m.before is not None:
        yield CUPED, _cuped(m, m.before, asked.level)
    if kind != "ratio":
        yield ANYTIME, _anytime(m, asked)


def plain(m: Measured, level: float) -> Effect:
    """The difference of the arms in the metric itself."""
    kind = m.metric.kind
    if kind == "quantile":
        rows, in_b, user = m.rows
        own = user
        if m.cluster is not None:
            _, place = np.unique(user, return_inverse=True)
            own = m.cluster[place]
        return quantile(value=rows, arm=in_b, q=m.metric.q, cluster=own, level=level)
    if kind == "procedure":
        units = Units(m.value, m.in_b, numerator=m.value, denominator=m.below, covariate=m.before)
        return built(m.metric.procedure).effect(units, level=level)
    if kind == "ratio":
        above, below, in_b = _by_cluster(m)
        return ratio(numerator=above, denominator=below, arm=in_b, level=level)
    if m.cluster is not None:
        return cluster(value=m.value, arm=m.in_b, cluster=m.cluster, level=level)
    if kind == "conversion":
        return proportions(m.value, m.in_b, interval="score", level=level)
    if kind in ("sum", "mean"):
        return welch(m.value, m.in_b, level=level)
    raise AssertionError(kind)


def _by_cluster(m: Measured) -> tuple[Floats, Floats, Bools]:
    """A ratio's sums, unit by unit of what was put into an arm."""
    if m.cluster is None:
        return m.value, m.below, m.in_b
    labels, code = np.unique(m.cluster, return_inverse=True)
    inside = whole_clusters(code, len(labels), m.in_b)
    return sums(code, m.value, len(labels)), sums(code, m.below, len(labels)), inside


def _lift(m: Measured, level: float) -> Effect | None:
    """By the test of the difference itself (score, or Fieller), so that the two never disagree; none over nothing."""
    if m.metric.kind == "conversion":
        return proportions_lift(m.value, m.in_b, level=level)
    below = m.below if m.metric.kind == "ratio" else None
    if not (m.value != 0.0).any():
        return None
    found = lift(value=m.value, arm=m.in_b, denominator=below, interval="fieller", level=level)
    if isinf(found.low) or isinf(found.high):
        return replace(found, value=nan, std_error=nan, low=nan, high=nan, statistic=nan, p_value=nan)
    return found


def _cuped(m: Measured, before: Floats, level: float) -> Effect:
    """Refused for a share of few events: at 8 in the smaller arm it tells equal arms apart in 7.6 % of tests."""
    if m.metric.kind == "conversion" and (ones := _expected(m)) < CARRIERS:
        due = f"CUPED: {rounded_down(ones)} ones (or zeros) are due in the smaller arm, fewer than {CARRIERS:.0f}"
        warning = f"{due}: too few for an adjusted mean to be normal; take the row without it"
        return Effect(nan, nan, nan, nan, len(m.value), "difference of means (cuped), refused", (warning,))
    if m.metric.kind == "ratio":
        return cuped_ratio(numerator=m.value, denominator=m.below, arm=m.in_b, covariate=before, level=level)
    share = float(m.in_b.mean())
    if min(share, 1.0 - share) < UNEQUAL and min(m.in_b.sum(), (~m.in_b).sum()) >= before.shape[1] + 2:
        return regression_adjusted(value=m.value, arm=m.in_b, covariate=before, level=level)
    return cuped(value=m.value, arm=m.in_b, covariate=before, level=level)


def _expected(m: Measured) -> float:
    pooled = float(m.value.mean())
    return min(pooled, 1.0 - pooled) * min(int(m.in_b.sum()), int((~m.in_b).sum()))


def _anytime(m: Measured, asked: Asked) -> Effect:
    """Betting where bounds are known (a share's are), else the asymptotic sequence; never the sample's own maximum."""
    bounds = (0.0, 1.0) if m.metric.kind == "conversion" else asked.bounds.get(m.metric.column)
    if bounds is None:
        return confidence_sequence(m.value, m.in_b, planned=asked.planned, level=asked.level).last()
    if m.value.min() < bounds[0] or m.value.max() > bounds[1]:
        worst = m.value.min() if m.value.min() < bounds[0] else m.value.max()
        raise InputError(f"bounds of {m.metric.column!r}: a user of {m.a_name} brings {worst:g}, outside {bounds}")
    found = confidence_sequence(
        m.value, m.in_b, kind="betting", planned=asked.planned, bounds=bounds, level=asked.level
    )
    return found.last()


def compared(metrics: Sequence[Sequence[Measured]], control: str, asked: Asked, alarm: str) -> list[Finding]:
    """All rows of all metrics and arms.

    The first metric answers the question: its p-values are adjusted by Holm over the arms alone. Those of the others
    are adjusted together, over metrics and arms, row by row of a kind.
    """
    found: list[Finding] = []
    families: dict[tuple[bool, str], list[int]] = {}
    for place, pairs in enumerate(metrics):
        by_way: dict[str, list[Finding]] = {}
        for m in pairs:
            for way, effect in effects(m, asked):
                warned = replace(effect, warnings=(alarm, *effect.warnings)) if alarm else effect
                unit = f"{m.metric.name} {LIFT}" if way == LIFT else m.metric.name
                by_way.setdefault(way, []).append(Finding(m.metric.name + way, f"{m.name} - {control}", warned, unit))
        for way, rows in by_way.items():
            families.setdefault((place == 0, way), []).extend(range(len(found), len(found) + len(rows)))
            found.extend(rows)
    for family in families.values():
        for at, p in _adjusted(found, family):
            found[at] = replace(found[at], p_adjusted=p)
    return found


def _adjusted(found: Sequence[Finding], family: Sequence[int]) -> Iterator[tuple[int, float]]:
    p_values = {at: each.p_value for at in family if isinstance(each := found[at].estimate, Effect)}
    told = {at: p for at, p in p_values.items() if isfinite(p)}
    if len(told) > 1:
        yield from zip(told, (float(p) for p in holm(np.array([*told.values()])).p_value), strict=True)


def excludes_0(effect: Effect) -> bool:
    """Whether the interval does."""
    return effect.low > 0.0 or effect.high < 0.0


def told(effect: Effect) -> bool:
    """Whether there is an interval at all."""
    return effect.low > -inf and effect.high < inf
