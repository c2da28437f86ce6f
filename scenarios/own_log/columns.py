"""Which column of the log plays which role: `reward=clicked,action=item`."""

from collections.abc import Iterable, Mapping

from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError, hint


def stated_columns(text: str) -> dict[str, str]:
    """`--columns reward=clicked,user=uid` as a mapping from role to column.

    Raises:
        InputError: something that is not role=column, or a role stated twice.
    """
    found: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else []:
        role, equals, column = (piece.strip() for piece in pair.partition("="))
        if not (role and equals and column):
            raise InputError(f"--columns {pair.strip()!r}: must be role=column, for instance reward=clicked")
        if role in found:
            raise InputError(f"--columns: {role!r} is stated twice, as {found[role]!r} and as {column!r}")
        found[role] = column
    return found


def mapped_columns(
    log: Table, columns: Mapping[str, str], roles: Mapping[str, str], by_name: Iterable[str]
) -> dict[str, str]:
    """The column of every role that the log has, checked.

    roles: every role that there is, with its meaning. by_name: roles that are taken from a column of their own name
    where nothing else is stated.

    Raises:
        InputError: an unknown role, or a column that is not there; with the nearest name.
    """
    names = log.frame.columns
    for role, column in columns.items():
        if role not in roles:
            raise InputError(f"columns: {role!r} is no role of a log; {hint(role, roles)}")
        if column not in names:
            raise InputError(f"{log.path} has no column {column!r} ({role}); {hint(column, names)}")
    own = {role: role for role in by_name if role not in columns and role in names}
    found = {**own, **columns}
    return {role: found[role] for role in roles if role in found}


def needed(log: Table, mapped: Mapping[str, str], roles: Mapping[str, str], wanted: Iterable[str]) -> None:
    """Every wanted role must have a column; the error says what it is for and how to state it."""
    for role in wanted:
        if role not in mapped:
            there = ", ".join(log.frame.columns[:20])
            raise InputError(
                f"{log.path}: {role} is missing, {roles[role]}; state --columns {role}=COLUMN (there are: {there})"
            )
