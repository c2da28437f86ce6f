"""Logged slates: from a long table, one row per slate position, to arrays [n slates, L]."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from driftline.evaluation.arrays import Cells, numbers, probabilities, propensities
from driftline.evaluation.importance.rows import Placement, falling, place
from driftline.sim.errors import InputError, hint

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class SlateLog:
    """Slates as arrays, ascending by id; None: not logged. Every field is named as the estimators' argument.

    The estimators take the fields they need: `sips(**log.arguments("reward", "pscore", "target_pscore"))`.
    """

    slate_id: Array
    """[n]."""
    reward: Array
    """Per position [n, L]."""
    action: Array | None = None
    """[n, L]."""
    pscore: Array | None = None
    """Probability of the whole slate [n]."""
    pscore_item_position: Array | None = None
    """Marginal probability of the item at its position [n, L]."""
    pscore_cascade: Array | None = None
    """Probability of the items at positions 0 to k [n, L]."""
    target_pscore: Array | None = None
    target_pscore_item_position: Array | None = None
    target_pscore_cascade: Array | None = None
    q_hat_factual: Array | None = None
    """[n, L], as in `cascade_dr`."""
    q_expected: Array | None = None
    """[n, L], as in `cascade_dr`."""
    cluster: Array | None = None
    """Whose slate it is [n]."""

    def __len__(self) -> int:
        return len(self.slate_id)

    def arguments(self, *names: str) -> dict[str, Any]:
        """Some fields by name, to hand to an estimator; `InputError` where one was not logged."""
        known = [field.name for field in fields(self)]
        for name in names:
            if name not in known:
                raise InputError(f"slates have no {name!r}: {hint(name, known)}")
            if getattr(self, name) is None:
                raise InputError(f"{name} is not in this log")
        return {name: getattr(self, name) for name in names}


LOGGED = ("pscore", "pscore_item_position", "pscore_cascade")
TARGET = ("target_pscore", "target_pscore_item_position", "target_pscore_cascade")
PER_SLATE = ("pscore", "target_pscore", "cluster")
COLUMNS = (
    "slate_id",
    "position",
    "reward",
    "action",
    *LOGGED,
    *TARGET,
    "q_hat_factual",
    "q_expected",
    "cluster",
)


def slates_from_rows(
    *,
    slate_id: ArrayLike,
    position: ArrayLike,
    reward: ArrayLike,
    action: ArrayLike | None = None,
    pscore: ArrayLike | None = None,
    pscore_item_position: ArrayLike | None = None,
    pscore_cascade: ArrayLike | None = None,
    target_pscore: ArrayLike | None = None,
    target_pscore_item_position: ArrayLike | None = None,
    target_pscore_cascade: ArrayLike | None = None,
    q_hat_factual: ArrayLike | None = None,
    q_expected: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> SlateLog:
    """Slates from columns [n x L], one row per slate position (Open Bandit Pipeline's layout), in any order.

    position counts from 0 and every slate has the same positions, each once. Per-slate columns (`pscore`,
    `target_pscore`, `cluster`) repeat their value in every row of a slate. Everything is checked here:
    `InputError` names slate, position and value. Types are kept.

    Examples:
        >>> log = slates_from_rows(slate_id=[7, 7, 3, 3], position=[1, 0, 0, 1], reward=[0.0, 1.0, 0.5, 0.0])
        >>> log.slate_id.tolist(), log.reward.tolist()
        ([3, 7], [[0.5, 0.0], [1.0, 0.0]])
    """
    placed = place(slate_id, position, id_name="slate_id", place_name="position", ragged=False)
    given = {
        "reward": reward,
        "action": action,
        "pscore": pscore,
        "pscore_item_position": pscore_item_position,
        "pscore_cascade": pscore_cascade,
        "target_pscore": target_pscore,
        "target_pscore_item_position": target_pscore_item_position,
        "target_pscore_cascade": target_pscore_cascade,
        "q_hat_factual": q_hat_factual,
        "q_expected": q_expected,
        "cluster": cluster,
    }
    tables = {name: _table(name, column, placed) for name, column in given.items() if column is not None}
    return SlateLog(placed.ids, **tables)


def slates_from_frame(frame: pl.DataFrame, columns: dict[str, str] | None = None) -> SlateLog:
    """Slates from a Polars frame, one row per slate position.

    columns: `{argument of slates_from_rows: column of the frame}`; arguments not named there are taken from a column
    of their own name, if there is one. `slate_id`, `position` and `reward` are needed. Nulls are refused.

    Examples:
        >>> frame = pl.DataFrame({"slate": [7, 7], "position": [1, 0], "click": [0, 1]})
        >>> slates_from_frame(frame, {"slate_id": "slate", "reward": "click"}).reward.tolist()
        [[1, 0]]
    """
    names = dict(columns or {})
    for argument in names:
        if argument not in COLUMNS:
            raise InputError(f"columns names {argument!r}: {hint(argument, COLUMNS)}")
    found: dict[str, Any] = {}
    for argument in COLUMNS:
        column = names.get(argument, argument)
        if column not in frame.columns:
            if argument in names or argument in ("slate_id", "position", "reward"):
                raise InputError(f"the frame has no column {column!r} for {argument}: {hint(column, frame.columns)}")
            continue
        if frame[column].null_count():
            row = int(frame[column].is_null().arg_true()[0])
            raise InputError(f"column {column!r} is null in row {row}")
        found[argument] = frame[column].to_numpy()
    return slates_from_rows(**found)


def _table(name: str, column: ArrayLike, placed: Placement) -> Array:
    table, cells = placed.table(name, column), Cells("slate", "position", placed.ids)
    if name in LOGGED:
        _falls(name, propensities(name, table, cells=cells), cells)
    elif name in TARGET:
        _falls(name, probabilities(name, table, cells=cells), cells)
    elif name not in ("action", "cluster"):
        numbers(name, table, cells=cells)
    return _one_per_slate(name, table, placed) if name in PER_SLATE else table


def _falls(name: str, table: Array, cells: Cells) -> None:
    """Cascade propensities must fall; others need not."""
    if name.endswith("cascade"):
        falling(name, table, cells)


def _one_per_slate(name: str, table: Array, placed: Placement) -> Array:
    differs = table != table[:, :1]
    if differs.any():
        row, k = (int(x) for x in np.argwhere(differs)[0])
        raise InputError(
            f"{name} of slate_id {placed.ids[row]} is {table[row, 0]} at position 0, {table[row, k]} at position {k}; "
            "it belongs to the whole slate"
        )
    return np.ascontiguousarray(table[:, 0])
