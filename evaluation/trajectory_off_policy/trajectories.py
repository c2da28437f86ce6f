"""Logged trajectories of unequal length, one row per step, put side by side."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.evaluation.arrays import Cells, coded, numbers, probabilities, propensities
from driftline.evaluation.importance.rows import Placement, place
from driftline.evaluation.terms import Clusters
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats


@dataclass(frozen=True, slots=True)
class Trajectories:
    """One row per trajectory (ascending by id), one column per step from 0; H is the longest length.

    After its end a trajectory stays where it is: reward 0 and ratio 1, so that every weight's mean is 1 at every step.
    """

    placed: Placement
    reward: Floats
    """[n, H], 0 after the end."""
    ratio: Floats
    """Target's propensity over the logging policy's, of each step alone [n, H]; 1 after the end."""
    weight: Floats
    """Cumulative ratio of the propensities of steps 0 to t [n, H]; keeps its last value after the end."""
    alive: Bools
    """Whether the trajectory has this step [n, H]."""
    discount: Floats
    """gamma^t [H]."""
    cluster: Clusters | None
    """Whose trajectory it is."""

    def __len__(self) -> int:
        return len(self.reward)

    def column(self, name: str, values: ArrayLike) -> Floats:
        """A further column of numbers, one per row, as [n, H] with 0 after the end."""
        return numbers(name, self.placed.table(name, values, 0.0), cells=self.cells())

    def states(self, values: ArrayLike) -> NDArray[np.int64]:
        """State ids as [n, H], -1 after the end."""
        array = np.asarray(values)
        if array.dtype.kind not in "iu" or (array.size and array.min() < 0):
            raise InputError(f"state must be whole numbers from 0, got {array.dtype}")
        return self.placed.table("state", array, -1).astype(np.int64)

    def before(self) -> Floats:
        """Cumulative ratio of the steps before t, 1 at the first [n, H]."""
        return np.concatenate([np.ones((len(self), min(1, self.weight.shape[1]))), self.weight[:, :-1]], axis=1)

    def cells(self) -> Cells:
        """How errors call a cell."""
        return Cells("trajectory", "step", self.placed.ids)


def trajectories_from_rows(
    trajectory: ArrayLike,
    step: ArrayLike,
    reward: ArrayLike,
    pscore: ArrayLike,
    target_pscore: ArrayLike,
    gamma: float = 1.0,
    cluster: ArrayLike | None = None,
) -> Trajectories:
    """Trajectories from columns [rows], one row per step, in any order.

    step counts from 0 within each trajectory, each exactly once. pscore: the logging policy's probability of the
    logged action in its state, above 0; target_pscore: the target policy's. gamma: discount per step, in (0, 1].
    cluster: whose trajectory it is, the same in all its rows. `InputError` names trajectory, step and value.
    Memory: a few arrays of trajectories x longest length.

    Examples:
        >>> log = {"trajectory": [0, 0, 1, 1], "step": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 0.0],
        ...        "pscore": [0.5] * 4, "target_pscore": [1.0, 1.0, 0.5, 0.5]}
        >>> trajectories_from_rows(**log).weight.tolist()
        [[2.0, 4.0], [1.0, 1.0]]
    """
    if not 0.0 < gamma <= 1.0:
        raise InputError(f"gamma is {gamma:g}; must be above 0 and at most 1")
    placed = place(trajectory, step, id_name="trajectory", place_name="step", ragged=True)
    width = placed.rows.shape[1]
    alive = np.arange(width) < placed.length[:, None]
    cells = Cells("trajectory", "step", placed.ids)
    below = propensities("pscore", placed.table("pscore", pscore, 1.0), cells=cells)
    above = probabilities("target_pscore", placed.table("target_pscore", target_pscore, 1.0), cells=cells)
    earned = numbers("reward", placed.table("reward", reward, 0.0), cells=cells)
    whose = None if cluster is None or not len(placed.ids) else _whose(placed.table("cluster", cluster), alive, placed)
    ratio = (above / below).astype(np.float64, copy=False)
    discount = np.asarray(gamma ** np.arange(width), dtype=np.float64)
    return Trajectories(placed, earned, ratio, _cumulative(ratio, placed), alive, discount, whose)


def _cumulative(ratio: Floats, placed: Placement) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        weight = np.cumprod(ratio, axis=1, dtype=np.float64)
    if weight.size and not np.isfinite(weight).all():
        row, t = (int(x) for x in np.argwhere(~np.isfinite(weight))[0])
        raise InputError(
            f"the product of ratios of trajectory {placed.ids[row]} overflows at step {t}: shorten the horizon"
        )
    return weight


def _whose(cluster: NDArray[Any], alive: Bools, placed: Placement) -> Clusters:
    differs = alive & (cluster != cluster[:, :1])
    if differs.any():
        row, t = (int(x) for x in np.argwhere(differs)[0])
        raise InputError(
            f"cluster of trajectory {placed.ids[row]} is {cluster[row, 0]} at step 0 and {cluster[row, t]} at step {t}"
        )
    return coded("cluster", cluster[:, 0])
