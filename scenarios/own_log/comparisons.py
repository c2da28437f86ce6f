"""An experiment's log as one row a user, and every arm against the control, metric by metric."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from driftline.evaluation.experiment import Effect, confidence_sequence, cuped, holm, lift, proportions, ratio, welch
from driftline.evaluation.procedures._base import Units, built
from driftline.scenarios.own_log.log_file import codes, labels, needed, numbers, times, within
from driftline.scenarios.own_log.verdict import Finding
from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError, hint, shown
from driftline.sim.types import Bools, Floats, Int64s

ROLES = {
    "user": "who was put into an arm; the unit of the experiment",
    "arm": "which arm the user is in",
    "value": "what is compared, such as revenue or a click; added up over a user's rows",
    "denominator": "what the value is per, such as visits; added up too, and 1 a row where it is not stated",
    "before": "what the user did before the experiment; one value a user",
    "time": "when it happened; users arrive in the order of their first row",
}
BY_NAME = ("user", "arm", "value")
REQUIRED = ("user", "arm", "value")
CONTROLS = ("control", "a", "0", "false", "off")
"""Names, in lower case, that are taken for the control where none is stated; else the first in sorted order."""
MOST_ARMS = 20
LEAST = 2
"""Users that an arm needs: one has no variance."""
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
class Users:
    """One row a user, in the order of arrival; arrays are [n]."""

    arms: tuple[str, ...]
    """The control first."""
    arm: Int64s
    """Place in `arms`."""
    value: Floats
    """Sum over the user's rows."""
    denominator: Floats
    rows: Int64s
    """How many rows the user has."""
    reached: Floats | None
    """Whether any row's value is 1, where all values are 0 or 1; else null."""
    before: Floats | None
    per_row: bool
    """The denominator counts rows."""

    def __len__(self) -> int:
        return len(self.arm)


def users_of(log: Table, columns: Mapping[str, str], control: str | None) -> Users:
    """The log's users.

    Raises:
        InputError: a missing role; an empty or unusable cell; a single arm, or too many; a user in two arms; a `before`
            that differs within a user; an arm with one user; a control that is no arm.
    """
    needed(log, columns, ROLES, REQUIRED)
    value = numbers(log, "value", columns["value"])
    arms, row_arm = _arms(log, columns["arm"], control)
    user, names = codes(labels(log, "user", columns["user"]))
    time = times(log, "time", columns["time"])[0] if "time" in columns else np.arange(len(log), dtype=np.float64)
    first = _first_rows(user, time)
    arm = row_arm[first]
    mixed = np.flatnonzero(row_arm != arm[user])
    if len(mixed):
        at, many = int(mixed[0]), len(np.unique(user[mixed]))
        raise InputError(
            f"{log.place(at)}: user {shown(names[int(user[at])])} is in arm {arms[row_arm[at]]!r}, and in "
            f"{arms[arm[user[at]]]!r} in {log.line(int(first[user[at]]))}; a user must stay in one arm ({many:,} of "
            f"{len(names):,} users do not): find out why before you leave them out"
        )
    arrival = np.argsort(time[first], kind="stable") if "time" in columns else np.argsort(first, kind="stable")
    binary = bool(np.isin(value, (0.0, 1.0)).all())
    total = _sums(user, value)
    found = Users(
        arms=arms,
        arm=arm[arrival],
        value=total[arrival],
        denominator=_denominator(log, columns, user)[arrival],
        rows=np.bincount(user)[arrival],
        reached=(total > 0).astype(np.float64)[arrival] if binary else None,
        before=_before(log, columns, user, first, arrival),
        per_row="denominator" not in columns,
    )
    _check_sizes(log, found)
    return found


def _arms(log: Table, column: str, control: str | None) -> tuple[tuple[str, ...], Int64s]:
    """Arms, the control first, and each row's place among them."""
    code, distinct = codes(labels(log, "arm", column))
    names = [str(label).lower() if isinstance(label, bool) else str(label) for label in distinct]
    if len(names) < 2:
        raise InputError(
            f"{log.path}: column {column!r} (arm) holds a single arm, {names[0]!r}; an experiment needs at least two"
        )
    if len(names) > MOST_ARMS:
        raise InputError(
            f"{log.path}: column {column!r} (arm) holds {len(names):,} different arms; at most {MOST_ARMS} are taken. "
            "Is it the right column?"
        )
    if control is not None and control not in names:
        raise InputError(f"control {control!r} is no arm of column {column!r}; {hint(control, names)}")
    known = [name for word in CONTROLS for name in names if name.lower() == word]
    chosen = control if control is not None else next(iter(known), names[0])
    order = [chosen, *(name for name in names if name != chosen)]
    return tuple(order), np.array([order.index(name) for name in names], dtype=np.int64)[code]


def _first_rows(user: Int64s, time: Floats) -> Int64s:
    """Row of each user's earliest time (the first in the file among equal ones)."""
    by_time = np.argsort(time, kind="stable")
    _, places = np.unique(user[by_time], return_index=True)
    return np.asarray(by_time[places], dtype=np.int64)


def _denominator(log: Table, columns: Mapping[str, str], user: Int64s) -> Floats:
    if "denominator" not in columns:
        return np.bincount(user).astype(np.float64)
    column = columns["denominator"]
    return _sums(user, within(log, "denominator", column, 0.0, np.inf, "must be at least 0"))


def _before(log: Table, columns: Mapping[str, str], user: Int64s, first: Int64s, arrival: Int64s) -> Floats | None:
    if "before" not in columns:
        return None
    column = columns["before"]
    values = numbers(log, "before", column)
    differs = np.flatnonzero(values != values[first][user])
    if len(differs):
        at = int(differs[0])
        raise InputError(
            f"{log.place(at)}: column {column!r} (before) is {values[at]:g}, and {values[first[user[at]]]:g} in "
            f"{log.line(int(first[user[at]]))} of the same user; it must be one value a user"
        )
    return values[first][arrival]


def _check_sizes(log: Table, users: Users) -> None:
    for place, name in enumerate(users.arms):
        count = int((users.arm == place).sum())
        if count < LEAST:
            raise InputError(
                f"{log.path}: arm {name!r} has {count} of {len(users):,} users; every arm needs at least {LEAST}"
            )


def _sums(user: Int64s, values: Floats) -> Floats:
    return np.asarray(np.bincount(user, weights=values), dtype=np.float64)


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
    """One metric of one pair: one of ours, or a procedure of the user's own."""
    if ":" not in metric:
        return MEASURES[metric](pair, level, planned)
    units = Units(pair.value, pair.in_b, numerator=pair.value, denominator=pair.denominator, covariate=pair.before)
    return built(metric).effect(units, level=level)


def _mean(pair: Pair, level: float, planned: int) -> Effect:  # noqa: ARG001  all of a kind are called alike
    return welch(pair.value, pair.in_b, level=level)


def _lift(pair: Pair, level: float, planned: int) -> Effect:  # noqa: ARG001  all of a kind are called alike
    return lift(value=pair.value, arm=pair.in_b, level=level)


def _proportion(pair: Pair, level: float, planned: int) -> Effect:  # noqa: ARG001  all of a kind are called alike
    reached = pair.need(pair.reached, "proportion", "values of 0 and 1 in every row")
    return proportions(reached, pair.in_b, level=level)


def _ratio(pair: Pair, level: float, planned: int) -> Effect:  # noqa: ARG001  all of a kind are called alike
    return ratio(numerator=pair.value, denominator=pair.denominator, arm=pair.in_b, level=level)


def _cuped(pair: Pair, level: float, planned: int) -> Effect:  # noqa: ARG001  all of a kind are called alike
    before = pair.need(pair.before, "cuped", "before; state --columns before=COLUMN")
    return cuped(value=pair.value, arm=pair.in_b, covariate=before, level=level)


def _sequence(pair: Pair, level: float, planned: int) -> Effect:
    return confidence_sequence(pair.value, pair.in_b, planned=planned, level=level).last()


MEASURES: dict[str, Callable[[Pair, float, int], Effect]] = {
    "mean": _mean,
    "lift": _lift,
    "proportion": _proportion,
    "ratio": _ratio,
    "cuped": _cuped,
    "sequence": _sequence,
}


def _about(metric: str, users: Users) -> str:
    if ":" in metric:
        return built(metric).name
    if metric == "ratio":
        return "value per row" if users.per_row else "value per denominator"
    return ABOUT[metric]


def _holm(p_values: Sequence[float]) -> list[float | None]:
    if len(p_values) < 2 or not all(isfinite(p) for p in p_values):
        return [None] * len(p_values)
    return [float(p) for p in holm(np.array(p_values)).p_value]
