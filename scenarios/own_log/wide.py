"""A log with one row a slate, as a run writes it: lists become rows, log-probabilities become propensities.

`visits.parquet` of a run (docs/logs.md) and `BanditLog.frame` are read as they are. Any log may hold `log_p` in place
of `pscore`.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from driftline.scenarios.own_log.log_file import numbers
from driftline.scenarios.own_log.roles import KINDS
from driftline.scenarios.own_log.verdict import Check
from driftline.sim.data.tables import Table
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

OF_A_RUN = ("user", "visit", "time", "items", "choice", "log_p", "log_p_cascade")
"""Columns by which a run's log is known."""
RESPONSE = ("choice", "dwell", "rating")
"""Columns that tell what the user did, which a policy cannot know when it acts."""


def opened(log: Table, columns: Mapping[str, str]) -> tuple[Table, dict[str, str], list[Check]]:
    """The log as `driftline.ope` takes logs: one row a decision, or a position of a slate; its roles; what was done.

    A run's log gets the roles `action`, `user`, `time`, `reward` and its propensities. Its reward is the column stated,
    or `reward`, or else the click; what belongs to a whole slate was earned at the position that was taken.

    Raises:
        InputError: the agent that wrote it never chose by chance; a list in another log.
    """
    if all(name in log for name in OF_A_RUN) and log.frame.schema["items"].is_nested():
        return _of_run(log, columns)
    for role, column in columns.items():
        if column in log and log.frame.schema[column].is_nested():
            raise InputError(
                f"{log.path}: column {column!r} ({role}) holds lists, which are read from a run's log alone (columns "
                f"{', '.join(OF_A_RUN)}); write one row a position"
            )
    if "log_p" not in log or any(kind in columns or kind in log for kind in KINDS):
        return log, dict(columns), []
    _refuse_certain(log)
    pscore = np.exp(numbers(log, "pscore", "log_p"))
    return (
        replace(log, frame=log.frame.with_columns(pscore=pscore)),
        dict(columns),
        [Check("read", "pscore = exp(log_p)")],
    )


def _of_run(log: Table, columns: Mapping[str, str]) -> tuple[Table, dict[str, str], list[Check]]:
    _refuse_certain(log)
    items = _matrix(log.frame["items"])
    n, length = items.shape
    row, place = np.repeat(np.arange(n), length), np.tile(np.arange(length), n)
    earned, source = _reward(log, columns.get("reward"))
    taken = log.frame["choice"].to_numpy()[row] == place
    read = {"item": items.ravel(), "reward": np.where(taken, earned[row], 0.0)}
    for prefix in ("", "target_"):
        if f"{prefix}log_p_cascade" in log:
            down = np.cumsum(_matrix(log.frame[f"{prefix}log_p_cascade"]).astype(np.float64), axis=1)
            read |= {f"{prefix}pscore": np.exp(down[row, -1]), f"{prefix}pscore_cascade": np.exp(down[row, place])}
    told = f"a run's log, one row a visit, slates of {length}; reward: {source}; pscore: exp(log_p)"
    roles = {"action": "item", "user": "user", "time": "time"} | dict(columns) | {"reward": "reward"}
    if length > 1:
        read |= {"slate": row, "position": place}
        roles |= {"slate": "slate", "position": "position"}
    else:
        read = {name: values for name, values in read.items() if not name.endswith("cascade")}
    plain = [
        name
        for name, kind in log.frame.schema.items()
        if not (kind.is_nested() or name in read or name in RESPONSE or name.endswith("log_p"))
    ]
    frame = log.frame.select(plain)[row].with_columns(**read)
    return Table(log.path, frame, log.row[row], log.layout), roles, [Check("read", told)]


def _reward(log: Table, column: str | None) -> tuple[Floats, str]:
    """What each visit earned [n], and how to say it."""
    name = column or ("reward" if "reward" in log else None)
    if name is None:
        return np.ones(len(log)), "the click, 1 at the position that was taken"
    return numbers(log, "reward", name), f"{name}, at the position that was taken"


def _refuse_certain(log: Table) -> None:
    if log.frame["log_p"].null_count() == len(log):
        raise InputError(
            f"{log.path}: log_p is null in every row: the agent that wrote this log never chose by chance, so it says "
            "nothing about another policy; take the log of an agent that does, such as random"
        )


def _matrix(cells: pl.Series) -> np.ndarray[tuple[int, int], np.dtype[np.generic]]:
    """A column of lists, all alike in length, as [n, L]."""
    wide = cells.list.to_array(int(cells.list.len().max() or 0)) if cells.dtype == pl.List else cells  # type: ignore[arg-type]
    return wide.to_numpy()
