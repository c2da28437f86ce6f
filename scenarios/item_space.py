"""The best an agent could do with its own item vectors if it knew the user: following told apart from item quality."""

from collections.abc import Callable

import numpy as np

from driftline.sim.choice import best_slate
from driftline.sim.oracle import oracle_values
from driftline.sim.types import Bools, Float32s, Floats, Int32s
from driftline.sim.world import World

ItemSpace = Callable[[Int32s], Floats | Float32s]
"""The vectors of some items [m, d]."""


def best_in_space(space: ItemSpace | None, world: World, wanted: Bools) -> Floats:
    """Value of the best slate that a linear user vector in an agent's item space can rank [n].

    NaN where it is not wanted, and everywhere for an agent without a space. For each wanted visit the true click
    utilities and the true expected rewards of the candidates are projected on the agent's vectors (least squares with
    an intercept); the slate that is best for the projections is valued by the truth.
    """
    now = world.round
    found = np.full(now.users.size, np.nan)
    if not wanted.any() or space is None:
        return found
    base = world.base
    for row in np.flatnonzero(wanted):
        pool = now.candidates if now.candidates.ndim == 1 else now.candidates[row]
        utilities, rewards = world.true_worth(int(now.users[row]), pool)
        vectors = space(pool)
        basis = np.column_stack([vectors, np.ones(pool.size)])
        # Vectors are float32: a direction that exists only in their rounding must not help.
        cut = float(np.finfo(np.float32).eps) * pool.size
        projected, *_ = np.linalg.lstsq(basis, np.column_stack([utilities, rewards]), rcond=cut)
        fitted = basis @ projected
        slate = np.empty(world.params.slate, np.int32)
        best_slate(
            np.ascontiguousarray(fitted[:, 0]),
            np.ascontiguousarray(fitted[:, 1]),
            base.choice,
            slate,
        )
        shown, _, _ = oracle_values(
            now.users[row : row + 1],
            world.theta,
            pool,
            pool[slate][None, :],
            base.item_numbers,
            base.choice,
            base.numbers,
            world.params.reward,
        )
        found[row] = shown[0]
    return found
