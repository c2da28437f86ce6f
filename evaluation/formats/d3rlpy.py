"""d3rlpy's arrays, both ways, without depending on it.

Names, shapes and types are those of `d3rlpy.dataset.MDPDataset` of d3rlpy 2.8.1 (`d3rlpy/dataset/compat.py`,
`episode_generator.py`): one row a step, episodes one after another, each ended by exactly one of two flags.
`terminals`: the world ended, nothing follows. `timeouts`: the log stops; the last step then makes no transition, since
what was seen after it is not known, but its reward counts in returns. An episode of a single step that just stops
makes no transition at all, and d3rlpy leaves it out.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.evaluation.formats.episodes import Episodes
from driftline.sim.errors import InputError


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
