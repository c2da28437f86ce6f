"""Anybody's table of behaviours, checked: who did what when, and the texts of it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from driftline.sim.errors import InputError, hint
from driftline.sim.types import NONE, BehaviorKind, Float32s, Floats, Int8s, Int64s

NEEDED = ("user", "time", "about")
OPTIONAL = ("expressed", "kind", "label", "sentiment")
KINDS = {kind.name.lower(): int(kind) for kind in BehaviorKind}


@dataclass(frozen=True, slots=True)
class BehaviourFrame:
    """Behaviours sorted by (user, time); texts as rows of `texts`."""

    users: pl.Series
    """Distinct users, ascending [n]."""
    row: Int64s
    """User row of each behaviour [e]."""
    time: Floats
    """Days [e]."""
    texts: list[str]
    """Distinct texts, ascending [S]."""
    about: Int64s
    """Row in `texts`, `NONE` for an empty text [e]."""
    expressed: Int64s
    """The same for what was expressed [e]."""
    kind: Int8s
    """[e]."""
    sentiment: Float32s | None
    """In [-1, 1], 0 where unknown [e]; None without such a column."""
    label: list[object] | None
    """Topic names or numbers, None where unknown [e]; None without such a column."""


def read_frame(behaviours: pl.DataFrame) -> BehaviourFrame:
    """Check a frame with columns user, time, about, [expressed, kind, label, sentiment].

    time: days as numbers, or dates or datetimes. kind: a `BehaviorKind`, by number or lower-case name;
    consume where it is missing. Raises `ValueError`, which names the column and the value.
    """
    for column in NEEDED:
        if column not in behaviours.columns:
            raise InputError(f"behaviours lack the column {column!r}; {hint(column, behaviours.columns)}")
        if behaviours[column].null_count() and column != "about":
            raise ValueError(f"column {column!r} holds {behaviours[column].null_count()} nulls")
    frame = behaviours.with_columns(time=pl.Series(days(behaviours["time"])))
    frame = frame.sort("user", "time", maintain_order=True)
    users = frame["user"].unique().sort()
    about, expressed = _texts(frame, "about"), _texts(frame, "expressed")
    texts = sorted({text for text in [*about, *expressed] if text})
    place = {text: i for i, text in enumerate(texts)}
    return BehaviourFrame(
        users=users,
        row=np.asarray(frame["user"].rank("dense").to_numpy(), np.int64) - 1,
        time=frame["time"].to_numpy(),
        texts=texts,
        about=np.array([place.get(text, NONE) for text in about], np.int64),
        expressed=np.array([place.get(text, NONE) for text in expressed], np.int64),
        kind=_kinds(frame),
        sentiment=_sentiment_column(frame),
        label=frame["label"].to_list() if "label" in frame.columns else None,
    )


def days(moments: pl.Series) -> Floats:
    """Moments as days: numbers as they are, dates and datetimes since 1970."""
    if moments.dtype == pl.Date:
        return np.asarray(moments.cast(pl.Int32).to_numpy(), np.float64)
    if isinstance(moments.dtype, pl.Datetime):
        return np.asarray(moments.dt.epoch("us").to_numpy(), np.float64) / 86_400e6
    if not moments.dtype.is_numeric():
        raise ValueError(f"column 'time' is {moments.dtype}; legal are numbers (days), dates and datetimes")
    found = np.asarray(moments.to_numpy(), np.float64)
    if not np.isfinite(found).all():
        raise ValueError("column 'time' holds a value that is not finite")
    return found


def _texts(frame: pl.DataFrame, column: str) -> list[str]:
    if column not in frame.columns:
        return [""] * len(frame)
    if frame[column].dtype not in (pl.String, pl.Null):
        raise ValueError(f"column {column!r} is {frame[column].dtype}; it must hold texts")
    return [text or "" for text in frame[column].to_list()]


def _kinds(frame: pl.DataFrame) -> Int8s:
    if "kind" not in frame.columns:
        return np.zeros(len(frame), np.int8)
    found = [KINDS.get(value, value) if value is not None else 0 for value in frame["kind"].to_list()]
    for value in found:
        if value not in KINDS.values():
            raise ValueError(f"kind {value!r} is none of {', '.join(KINDS)} (or 0, 1, 2); {hint(str(value), KINDS)}")
    return np.array(found, np.int8)


def _sentiment_column(frame: pl.DataFrame) -> Float32s | None:
    if "sentiment" not in frame.columns:
        return None
    found = frame["sentiment"].cast(pl.Float32).fill_null(0.0).fill_nan(0.0).to_numpy()
    if np.abs(found).max(initial=0.0) > 1.0:
        raise ValueError(f"sentiment reaches {found[np.abs(found).argmax()]}; legal is -1 to 1, null for unknown")
    return np.asarray(found, np.float32)
