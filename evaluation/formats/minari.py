"""Minari's episodes, both ways, without depending on it.

Names, shapes and types are those of `EpisodeBuffer` (`minari.data_collector`) and `EpisodeData` of Minari 0.5.4. An
episode of T steps has T + 1 observations, the last one seen after the last action; actions, rewards, terminations and
truncations have T.
`terminations`: the world ended. `truncations`: the log stops.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.evaluation.formats.episodes import Episodes
from driftline.sim.errors import InputError
from driftline.sim.types import Float32s

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
