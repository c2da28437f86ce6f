"""An experiment's log as users in arms: who is where, and what the users bring to a metric."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from driftline.scenarios.own_log.log_file import codes, labels, needed, numbers, refuse, times, within
from driftline.scenarios.own_log.metrics import Metric
from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError, hint, shown
from driftline.sim.types import Bools, Floats, Int64s

ROLES = {
    "user": "who was put into an arm; the unit of the experiment",
    "arm": "which arm the user is in",
    "value": "what is compared where --metrics names no column, such as revenue or a click",
    "denominator": "what a ratio is per, such as visits; 1 a row where it is not stated",
    "before": "what the user did before the experiment; one value a user; several columns are joined by +",
    "cluster": "what was put into an arm as a whole, such as a store; one value a user",
    "segment": "a group of users to look at by itself; one value a user",
    "time": "when it happened; users arrive in the order of their first row",
}
BY_NAME = ("user", "arm", "value")
REQUIRED = ("user", "arm")
CONTROLS = ("control", "a", "0", "false", "off")
"""Names, in lower case, that are taken for the control where none is stated; else the first in sorted order."""
MOST_ARMS = 20
LEAST = 2
"""Users that an arm needs: one has no variance."""
MOST_SEGMENTS = 50


@dataclass(frozen=True, slots=True)
class Users:
    """One row a user, in the order of arrival; arrays are [n]."""

    arms: tuple[str, ...]
    """The control first."""
    arm: Int64s
    """Place in `arms`."""
    of_row: Int64s
    """The user of each row of the log."""
    before: Floats | None
    """What users did before the experiment [n, k]."""
    cluster: Int64s | None
    segment: Int64s | None
    segments: tuple[str, ...] = ()

    @property
    def rows(self) -> Int64s:
        """How many rows each user has."""
        return np.bincount(self.of_row)

    def sums(self, values: Floats) -> Floats:
        """Of rows' values, user by user."""
        return np.asarray(np.bincount(self.of_row, weights=values), dtype=np.float64)

    def __len__(self) -> int:
        return len(self.arm)


def users_of(log: Table, columns: Mapping[str, str], control: str | None) -> Users:
    """The log's users.

    Raises:
        InputError: a missing role; an empty or unusable cell; a single arm, or too many; a user in two arms; a
            `before`, `cluster` or `segment` that differs within a user; an arm with one user; a control that is no arm.
    """
    needed(log, columns, ROLES, REQUIRED)
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
    place = np.empty(len(arrival), dtype=np.int64)
    place[arrival] = np.arange(len(arrival))
    cluster = _label_of_user(log, columns, "cluster", user, first)
    segment = _label_of_user(log, columns, "segment", user, first)
    found = Users(
        arms=arms,
        arm=arm[arrival],
        of_row=place[user],
        before=_before(log, columns, user, first, arrival),
        cluster=None if cluster is None else cluster[0][arrival],
        segment=None if segment is None else segment[0][arrival],
        segments=() if segment is None else segment[1],
    )
    _check_sizes(log, found)
    if len(found.segments) > MOST_SEGMENTS:
        raise InputError(
            f"{log.path}: column {columns['segment']!r} (segment) holds {len(found.segments):,} different segments; at "
            f"most {MOST_SEGMENTS} are taken"
        )
    return found


def _label_of_user(
    log: Table, columns: Mapping[str, str], role: str, user: Int64s, first: Int64s
) -> tuple[Int64s, tuple[str, ...]] | None:
    """A label of each user, where the role is stated."""
    if role not in columns:
        return None
    code, distinct = codes(labels(log, role, columns[role]))
    _check_one(log, role, columns[role], code, user, first)
    return code[first], tuple(str(each) for each in distinct)


def _check_one(log: Table, role: str, column: str, values: Floats | Int64s, user: Int64s, first: Int64s) -> None:
    """The same in all rows of a user."""
    differs = np.flatnonzero(values != values[first][user])
    if len(differs):
        at = int(differs[0])
        cells = log.frame[column]
        raise InputError(
            f"{log.place(at)}: column {column!r} ({role}) is {cells[at]}, and {cells[int(first[user[at]])]} in "
            f"{log.line(int(first[user[at]]))} of the same user; it must be one value a user"
        )


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


def _before(log: Table, columns: Mapping[str, str], user: Int64s, first: Int64s, arrival: Int64s) -> Floats | None:
    if "before" not in columns:
        return None
    found = []
    for column in before_columns(log, columns["before"]):
        values = numbers(log, "before", column)
        _check_one(log, "before", column, values, user, first)
        found.append(values[first][arrival])
    return np.stack(found, axis=1)


def before_columns(log: Table, stated: str) -> tuple[str, ...]:
    """The columns of role `before`: one, or several joined by +."""
    names = log.frame.columns
    return (stated,) if stated in names else tuple(each.strip() for each in stated.split("+"))


def _check_sizes(log: Table, users: Users) -> None:
    for place, name in enumerate(users.arms):
        count = int((users.arm == place).sum())
        if count < LEAST:
            raise InputError(
                f"{log.path}: arm {name!r} has {count} of {len(users):,} users; every arm needs at least {LEAST}"
            )


@dataclass(frozen=True, slots=True)
class Measured:
    """What the users of the control and of one other arm bring to a metric, in the order of arrival."""

    metric: Metric
    name: str
    """The other arm."""
    in_b: Bools
    """[n], as all below but `rows`."""
    value: Floats
    below: Floats
    """Denominators, or rows."""
    rows: tuple[Floats, Bools, Int64s]
    """Of every row: its value, whether it is in B, its user."""
    before: Floats | None
    cluster: Int64s | None

    def level_of(self, *, in_b: bool) -> float | None:
        """The metric itself in one arm; null where a ratio has no denominators."""
        inside = self.in_b == in_b
        if self.metric.kind == "quantile":
            rows, rows_in_b, _ = self.rows
            return float(np.quantile(rows[rows_in_b == in_b], self.metric.q))
        if self.metric.kind == "ratio":
            below = float(self.below[inside].sum())
            return float(self.value[inside].sum()) / below if below > 0.0 else None
        return float(self.value[inside].mean())

    @property
    def a_name(self) -> str:
        """What errors call it."""
        return f"metric {self.metric.name!r}"


def measured(log: Table, users: Users, metric: Metric) -> Iterator[Measured]:
    """The control with each other arm.

    Raises:
        InputError: a cell that is no finite number; a conversion of other numbers than 0 and 1; a negative denominator.
    """
    cells = numbers(log, "value", metric.column)
    value, rows = users.sums(cells), users.rows.astype(np.float64)
    below = (
        rows
        if metric.under is None
        else users.sums(within(log, "denominator", metric.under, 0.0, np.inf, "must be at least 0"))
    )
    if metric.kind == "conversion":
        refuse(
            log,
            "conversion",
            metric.column,
            ~np.isin(cells, (0.0, 1.0)),
            "must be 0 or 1: for amounts take sum or mean",
        )
        value = (value > 0.0).astype(np.float64)
    if metric.kind == "mean":
        value = value / rows
    if metric.held is not None:
        value = np.clip(value, *np.quantile(value, (1.0 - metric.held, metric.held)))
    for place, name in enumerate(users.arms[1:], start=1):
        own = (users.arm == 0) | (users.arm == place)
        inside = own[users.of_row]
        yield Measured(
            metric,
            name,
            users.arm[own] == place,
            value[own],
            below[own],
            (cells[inside], users.arm[users.of_row[inside]] == place, users.of_row[inside]),
            None if users.before is None else users.before[own],
            None if users.cluster is None else users.cluster[own],
        )
