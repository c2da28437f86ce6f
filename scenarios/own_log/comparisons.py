"""Every arm against the control, metric by metric."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from driftline.evaluation.experiment import Effect, confidence_sequence, cuped, holm, lift, proportions, ratio, welch
from driftline.scenarios.own_log.assignment import Users
from driftline.scenarios.own_log.verdict import Finding
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats

METRICS = ("mean", "lift", "proportion", "ratio", "cuped", "sequence")
ABOUT = {
    "mean": "mean per user",
    "lift": "relative lift of the mean",
    "proportion": "share of users with a 1",
    "ratio": "ratio of sums",
    "cuped": "mean per user, CUPED",
    "sequence": "mean per user, always valid",
}
SUMS = ("mean", "cuped", "sequence")
"""Metrics in the value's own unit, per user."""
START = 50
"""Users from which on the always-valid sequence speaks."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The users of the control and of one other arm, in the order of arrival; arrays are [n]."""

    name: str
    in_b: Bools
    value: Floats
    denominator: Floats
    reached: Floats | None
    before: Floats | None

    def need(self, values: Floats | None, metric: str, role: str) -> Floats:
        """Values that a metric cannot do without."""
        if values is None:
            raise InputError(f"metric {metric!r} needs {role}")
        return values


def pairs(users: Users) -> Iterator[Pair]:
    """The control with each other arm."""
    for place, name in enumerate(users.arms[1:], start=1):
        own = (users.arm == 0) | (users.arm == place)
        yield Pair(
            name,
            users.arm[own] == place,
            users.value[own],
            users.denominator[own],
            None if users.reached is None else users.reached[own],
            None if users.before is None else users.before[own],
        )


def possible(users: Users) -> tuple[str, ...]:
    """The metrics that this log allows, where none is asked for."""
    smallest = min(int(((users.arm == 0) | (users.arm == place)).sum()) for place in range(1, len(users.arms)))
    control = float(users.value[users.arm == 0].sum())
    there = {
        "mean": True,
        "lift": control != 0.0,
        "proportion": users.reached is not None,
        # with one row a user the ratio is the mean
        "ratio": not users.per_row or bool((users.rows != 1).any()),
        "cuped": users.before is not None,
        "sequence": smallest >= START,
    }
    return tuple(name for name in METRICS if there[name])


def compared(users: Users, metrics: Sequence[str], level: float, planned: int, alarm: str) -> list[Finding]:
    """All metrics of all pairs; with several pairs the p-values of a metric are adjusted by Holm."""
    found: list[Finding] = []
    for metric in metrics:
        effects = [(pair.name, effect(pair, metric, level, planned)) for pair in pairs(users)]
        adjusted = _holm([each.p_value for _, each in effects])
        about = _about(metric, users)
        unit = "mean" if metric in SUMS else metric
        for (name, each), p in zip(effects, adjusted, strict=True):
            warned = replace(each, warnings=(alarm, *each.warnings)) if alarm else each
            found.append(Finding(about, f"{name} - {users.arms[0]}", warned, unit, p))
    return found


def effect(pair: Pair, metric: str, level: float, planned: int) -> Effect:
    """One metric of one pair."""
    return MEASURES[metric](pair, level, planned)


def _mean(pair: Pair, level: float, planned: int) -> Effect:
    return welch(pair.value, pair.in_b, level=level)


def _lift(pair: Pair, level: float, planned: int) -> Effect:
    return lift(value=pair.value, arm=pair.in_b, level=level)


def _proportion(pair: Pair, level: float, planned: int) -> Effect:
    reached = pair.need(pair.reached, "proportion", "values of 0 and 1 in every row")
    return proportions(reached, pair.in_b, level=level)


def _ratio(pair: Pair, level: float, planned: int) -> Effect:
    return ratio(numerator=pair.value, denominator=pair.denominator, arm=pair.in_b, level=level)


def _cuped(pair: Pair, level: float, planned: int) -> Effect:
    before = pair.need(pair.before, "cuped", "before; state --columns before=COLUMN")
    return cuped(value=pair.value, arm=pair.in_b, covariate=before, level=level)


def _sequence(pair: Pair, level: float, planned: int) -> Effect:
    if len(pair.value) < START:
        raise InputError(
            f"metric 'sequence' needs {START} users of {pair.name!r} and control; there are {len(pair.value)}"
        )
    return confidence_sequence(pair.value, pair.in_b, planned=planned, start=START, level=level).last()


MEASURES: dict[str, Callable[[Pair, float, int], Effect]] = {
    "mean": _mean,
    "lift": _lift,
    "proportion": _proportion,
    "ratio": _ratio,
    "cuped": _cuped,
    "sequence": _sequence,
}


def _about(metric: str, users: Users) -> str:
    if metric == "ratio":
        return "value per row" if users.per_row else "value per denominator"
    return ABOUT[metric]


def _holm(p_values: Sequence[float]) -> list[float | None]:
    if len(p_values) < 2 or not all(isfinite(p) for p in p_values):
        return [None] * len(p_values)
    return [float(p) for p in holm(np.array(p_values)).p_value]
