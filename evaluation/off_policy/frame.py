"""A log as a Polars frame."""

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import polars as pl

from driftline.evaluation.off_policy.rounds import Rounds
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats, Int64s

NAMES = tuple(field.name for field in fields(Rounds))
IDENTITIES = ("action", "cluster", "slate")
"""Columns of which only sameness counts; they may hold text."""


def rounds_from_frame(frame: pl.DataFrame, columns: Mapping[str, str]) -> Rounds:
    """The log in a frame, one row a round.

    columns: the frame's column for each vector of `Rounds`, such as `{"reward": "clicked", "cluster": "user"}`.
    `InputError` for a vector that does not exist, a column that is not there, and missing values.
    """
    for name in columns:
        if name not in NAMES:
            raise InputError(f"columns: {name!r} is no vector of a log; {hint(name, NAMES)}")
    if "reward" not in columns:
        raise InputError("columns: reward is not given; a log needs it")
    arrays = {name: _column(frame, name, column) for name, column in columns.items()}
    return Rounds(**arrays)  # type: ignore[arg-type]


def _column(frame: pl.DataFrame, name: str, column: str) -> Floats | Int64s:
    if column not in frame.columns:
        raise InputError(f"{name}: the frame has no column {column!r}; {hint(column, frame.columns)}")
    values = frame.get_column(column)
    if values.null_count():
        at = int(values.is_null().arg_max() or 0)
        raise InputError(f"{name}: column {column!r} has no value in row {at}")
    if name in IDENTITIES and not values.dtype.is_integer():
        return values.rank("dense").to_numpy().astype(np.int64) - 1
    if name not in (*IDENTITIES, "position") and not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        raise InputError(f"{name}: column {column!r} must hold numbers, got {values.dtype}")
    return values.to_numpy()
