"""A log cut into episodes, and d3rlpy's and Minari's forms of it, both ways, without depending on them.

d3rlpy: names, shapes and types are those of `d3rlpy.dataset.MDPDataset` of d3rlpy 2.8.1 (`d3rlpy/dataset/compat.py`,
`episode_generator.py`): one row a step, episodes one after another, each ended by exactly one of two flags.
`terminals`: the world ended, nothing follows. `timeouts`: the log stops; the last step then makes no transition, since
what was seen after it is not known, but its reward counts in returns. An episode of a single step that just stops
makes no transition at all, and d3rlpy leaves it out.

Minari: names, shapes and types are those of `EpisodeBuffer` (`minari.data_collector`) and `EpisodeData` of Minari
0.5.4. An episode of T steps has T + 1 observations, the last one seen after the last action; actions, rewards,
terminations and truncations have T.
`terminations`: the world ended. `truncations`: the log stops.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

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


def to_d3rlpy(episodes: Episodes) -> dict[str, NDArray[Any]]:
    """The arguments of `MDPDataset(**...)`.

    observations: float32 [N, d]. actions: int64 [N, 1] for discrete actions, float32 [N, k] for continuous ones.
    rewards: float32 [N, 1]. terminals, timeouts: float32 [N], 1 in the last step of an episode that ended, or just
    stops. d3rlpy takes whole-numbered continuous actions for discrete ones unless its `action_space` says otherwise.
    """
    terminals = np.zeros(len(episodes.reward), dtype=np.float32)
    timeouts = np.zeros(len(episodes.reward), dtype=np.float32)
    terminals[episodes.last] = episodes.terminated
    timeouts[episodes.last] = ~episodes.terminated
    return {
        "observations": episodes.observation,
        "actions": episodes.action.reshape(len(episodes.action), -1),
        "rewards": episodes.reward.astype(np.float32)[:, None],
        "terminals": terminals,
        "timeouts": timeouts,
    }


def from_d3rlpy(
    *,
    observations: ArrayLike,
    actions: ArrayLike,
    rewards: ArrayLike,
    terminals: ArrayLike,
    timeouts: ArrayLike | None = None,
) -> Episodes:
    """Such arrays as episodes; observations of more than one dimension are laid flat.

    `InputError` where a step has both flags, and where rows after the last flag belong to no finished episode (d3rlpy
    leaves them out without a word).
    """
    seen, taken = np.asarray(observations, dtype=np.float32), np.asarray(actions)
    steps = len(seen)
    terminal = _flags("terminals", terminals, steps)
    timeout = np.zeros(steps, dtype=np.bool_) if timeouts is None else _flags("timeouts", timeouts, steps)
    both = terminal & timeout
    if both.any():
        raise InputError(f"terminals and timeouts are both set in row {int(np.argmax(both))}; an episode ends one way")
    last = np.flatnonzero(terminal | timeout)
    rest = steps - (int(last[-1]) + 1 if len(last) else 0)
    if rest:
        raise InputError(f"the last {rest} of {steps} rows belong to no finished episode; set timeouts in the last row")
    if taken.dtype.kind in "iu":
        action = taken.reshape(len(taken), -1).astype(np.int64)
        action = action[:, 0] if action.shape[1] == 1 else action.astype(np.float32)
    else:
        action = taken.reshape(len(taken), -1).astype(np.float32)
    return Episodes(
        observation=seen.reshape(steps, -1),
        action=action,
        reward=np.asarray(rewards, dtype=np.float64).reshape(-1),
        length=np.diff(last, prepend=-1),
        terminated=terminal[last],
    )


def _flags(name: str, values: ArrayLike, steps: int) -> NDArray[np.bool_]:
    flags = np.asarray(values).reshape(-1)
    if len(flags) != steps:
        raise InputError(f"{name} has {len(flags)} rows; observations has {steps}")
    return np.asarray(flags != 0)


KEYS = ("observations", "actions", "rewards", "terminations", "truncations")


def to_minari(episodes: Episodes, *, final_observation: ArrayLike | None = None) -> list[dict[str, NDArray[Any]]]:
    """The arguments of one `minari.data_collector.EpisodeBuffer(**...)` for each episode.

    observations: float32 [T + 1, d]. actions: int64 [T], for a `Discrete` space, or float32 [T, k], for a `Box`.
    rewards: float64 [T]. terminations, truncations: bool [T], one of them true in the last step only.
    final_observation [E, d]: what was seen after each episode's last action. A log mostly does not have it: without it,
    an episode that just stops gives its last row's observation for it and loses that row's action and reward (with
    only one row, the whole episode is left out), and one that ended repeats its last observation, which nobody
    who heeds `terminations` reads.
    """
    final = None if final_observation is None else np.asarray(final_observation, dtype=np.float32)
    shape = (len(episodes), episodes.observation.shape[1])
    if final is not None and final.shape != shape:
        raise InputError(f"final_observation has shape {final.shape}; must be {list(shape)}, one row an episode")
    found = []
    for number, end in enumerate(episodes.last + 1):
        begin, ended = end - episodes.length[number], bool(episodes.terminated[number])
        after = episodes.observation[end - 1] if final is None else final[number]
        steps = slice(begin, end - 1 if final is None and not ended else end)
        if steps.stop == begin:
            continue
        over = np.zeros(steps.stop - begin, dtype=np.bool_)
        over[-1] = True
        found.append(
            {
                "observations": np.concatenate([episodes.observation[steps], after[None]]),
                "actions": episodes.action[steps],
                "rewards": episodes.reward[steps],
                "terminations": over & ended,
                "truncations": over & (not ended),
            }
        )
    return found


def from_minari(data: Iterable[Any]) -> tuple[Episodes, Float32s]:
    """Minari's episodes, and their final observations [E, d].

    data: a dataset's episodes (`iterate_episodes()`), or any `EpisodeData`, `EpisodeBuffer` or dictionaries.
    Observations of more than one dimension are laid flat; spaces of dictionaries or tuples are refused. An episode
    with neither flag in its last step counts as truncated.
    """
    parts = [_checked(number, each) for number, each in enumerate(data)]
    if not parts:
        raise InputError("there are no episodes")
    reward = [each["rewards"].astype(np.float64) for each in parts]
    action = np.concatenate([each["actions"] for each in parts])
    episodes = Episodes(
        observation=np.concatenate([each["observations"][:-1] for each in parts]),
        action=action.astype(np.int64) if action.ndim == 1 and action.dtype.kind in "iu" else _wide(action),
        reward=np.concatenate(reward),
        length=np.array([len(each) for each in reward], dtype=np.int64),
        terminated=np.array([bool(each["terminations"][-1]) for each in parts]),
    )
    return episodes, np.stack([each["observations"][-1] for each in parts])


def _checked(number: int, episode: Any) -> dict[str, NDArray[Any]]:
    found = {}
    for key in KEYS:
        value = episode.get(key) if isinstance(episode, Mapping) else getattr(episode, key, None)
        if value is None or isinstance(value, dict | tuple):
            raise InputError(f"episode {number}: {key} must be one array, got {type(value).__name__}")
        found[key] = np.asarray(value)
    steps = len(found["rewards"])
    for key in KEYS:
        needed = steps + 1 if key == "observations" else steps
        if len(found[key]) != needed or not steps:
            raise InputError(f"episode {number}: {key} has {len(found[key])} rows; must have {needed}, at least 1 step")
    over = found["terminations"].astype(np.bool_) | found["truncations"].astype(np.bool_)
    if over[:-1].any():
        raise InputError(f"episode {number} is over in step {int(np.argmax(over))} of {steps}, before its last step")
    found["observations"] = _wide(found["observations"])
    return found


def _wide(values: NDArray[Any]) -> Float32s:
    return np.asarray(values, dtype=np.float32).reshape(len(values), -1)
