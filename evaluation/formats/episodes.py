"""A log cut into episodes, such as one for each user: what offline reinforcement learning starts from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from driftline.sim.errors import InputError, hint
from driftline.sim.types import Bools, Float32s, Floats, Int64s


@dataclass(frozen=True, eq=False, slots=True)
class Episodes:
    """E episodes one after another, N steps in all; every episode has at least one step."""

    observation: Float32s
    """What was seen before each action [N, d]."""
    action: NDArray[Any]
    """int64 [N] for discrete actions, float32 [N, k] for continuous ones."""
    reward: Floats
    """[N]."""
    length: Int64s
    """Steps of each episode [E]."""
    terminated: Bools
    """Whether the world ended after an episode's last step (the user left for good), so that nothing more could be
    earned [E]. Else the log just stops there: the episode is truncated."""

    def __post_init__(self) -> None:
        steps = len(self.reward)
        if self.observation.ndim != 2 or len(self.observation) != steps or len(self.action) != steps:
            raise InputError(
                f"observation, action and reward have shapes {self.observation.shape}, {self.action.shape} and "
                f"{self.reward.shape}; all need one row a step"
            )
        if int(self.length.sum()) != steps or not (self.length > 0).all() or len(self.length) != len(self.terminated):
            raise InputError(f"length adds up to {self.length.sum()} over {len(self.length)} episodes, not to {steps}")

    def __len__(self) -> int:
        return len(self.length)

    @property
    def last(self) -> Int64s:
        """The row of each episode's last step [E]."""
        return np.cumsum(self.length) - 1

    def frame(self) -> pl.DataFrame:
        """One row a step: `episode`, `step`, `observation_0` ..., `action` (or `action_0` ...), `reward`, `terminated`.

        `terminated` is true in the last row of an episode after which the world ended.
        """
        first = np.repeat(self.last - self.length + 1, self.length)
        ended = np.zeros(len(self.reward), dtype=np.bool_)
        ended[self.last] = self.terminated
        columns: dict[str, NDArray[Any]] = {
            "episode": np.repeat(np.arange(len(self)), self.length),
            "step": np.arange(len(self.reward)) - first,
        }
        columns |= {f"observation_{j}": column for j, column in enumerate(self.observation.T)}
        several = self.action.ndim == 2
        columns |= {f"action_{j}": each for j, each in enumerate(self.action.T)} if several else {"action": self.action}
        return pl.DataFrame(columns | {"reward": self.reward, "terminated": ended})


def episodes_from_frame(
    frame: pl.DataFrame,
    *,
    episode: str | Sequence[str],
    order: str,
    observation: str | Sequence[str],
    action: str | Sequence[str],
    reward: str,
    terminated: str | None = None,
) -> Episodes:
    """A log with one row a visit, in any order of rows, as episodes.

    episode: the column or columns that tell episodes apart (user; or user and session); episodes come in their
    ascending order. order: what steps are sorted by (visit or time), no value twice in an episode. observation: columns
    of numbers, or of arrays of equal length, joined in this order. action: one column of whole numbers from 0
    is a discrete action, other numbers, arrays or several columns a continuous one. terminated: a Boolean column, true
    only in the last row of an episode; without it no episode has ended, the log just stops.
    """
    keys = [episode] if isinstance(episode, str) else list(episode)
    for name in (*keys, order, *_names(observation), *_names(action), reward, *_names(terminated or [])):
        _present(frame, name)
    if frame.is_empty():
        raise InputError("the frame has no rows; at least one step is needed")
    rows = frame.sort([*keys, order], maintain_order=True)
    starts = _starts(rows, keys, order)
    length = np.diff(np.append(starts, len(rows)))
    return Episodes(
        observation=np.concatenate([_numbers(rows, name) for name in _names(observation)], axis=1).astype(np.float32),
        action=_actions(rows, _names(action)),
        reward=_numbers(rows, reward)[:, 0],
        length=length,
        terminated=_ended(rows, terminated, np.cumsum(length) - 1),
    )


def _names(columns: str | Sequence[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns)


def _present(frame: pl.DataFrame, name: str) -> None:
    if name not in frame.columns:
        raise InputError(f"the frame has no column {name!r}; {hint(name, frame.columns)}")
    column = frame.get_column(name)
    if column.null_count():
        raise InputError(f"column {name!r} has no value in row {int(column.is_null().arg_max() or 0)}")


def _starts(rows: pl.DataFrame, keys: list[str], order: str) -> Int64s:
    """The first row of each episode; an error where two steps cannot be ordered."""
    changes = rows.select(pl.any_horizontal(pl.col(key) != pl.col(key).shift() for key in keys)).to_series()
    first = changes.fill_null(True).to_numpy()
    again = ~first & (rows.get_column(order) == rows.get_column(order).shift()).fill_null(False).to_numpy()
    if again.any():
        at = rows.row(int(np.argmax(again)), named=True)
        whose = ", ".join(f"{key} {at[key]}" for key in keys)
        raise InputError(f"column {order!r} is {at[order]} twice in the episode of {whose}; steps need an order")
    return np.flatnonzero(first)


def _numbers(rows: pl.DataFrame, name: str) -> Floats:
    """A column as finite numbers [N, k]; k is 1 unless it holds arrays."""
    column = rows.get_column(name)
    inner = column.dtype.inner if isinstance(column.dtype, pl.List | pl.Array) else column.dtype
    if not (inner == pl.Boolean or inner.is_numeric()):
        raise InputError(f"column {name!r} must hold numbers, got {column.dtype}")
    if isinstance(column.dtype, pl.List):
        widths = column.list.len().unique().to_list()
        if len(widths) > 1:
            raise InputError(
                f"column {name!r} holds lists of {min(widths)} to {max(widths)} numbers; all must be alike"
            )
        column = column.list.to_array(widths[0])
    array = np.asarray(column.to_numpy(), dtype=np.float64).reshape(len(rows), -1)
    if not np.isfinite(array).all():
        at = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise InputError(f"column {name!r} is {array[at].tolist()} in sorted row {at}; must be finite")
    return array


def _actions(rows: pl.DataFrame, names: list[str]) -> NDArray[Any]:
    if len(names) > 1 or not rows.get_column(names[0]).dtype.is_integer():
        return np.concatenate([_numbers(rows, name) for name in names], axis=1).astype(np.float32)
    action = rows.get_column(names[0]).to_numpy().astype(np.int64)
    if action.min() < 0:
        raise InputError(f"column {names[0]!r} is {action.min()}; discrete actions count from 0")
    return action


def _ended(rows: pl.DataFrame, name: str | None, last: Int64s) -> Bools:
    if name is None:
        return np.zeros(len(last), dtype=np.bool_)
    column = rows.get_column(name)
    if column.dtype != pl.Boolean:
        raise InputError(f"column {name!r} must be Boolean, got {column.dtype}")
    flags = column.to_numpy().astype(np.bool_)
    early = flags.copy()
    early[last] = False
    if early.any():
        raise InputError(
            f"column {name!r} is true in sorted row {int(np.argmax(early))}, which is not its episode's last"
        )
    return np.asarray(flags[last])
