"""The slate with the highest reward expected over all that a user may like, not only over the best guess.

A slate earns R(theta) = sum_k w_k e^{u_k} r_k / (e^outside + sum_k w_k e^{u_k}) from a user who likes theta. The best
guess of theta earns less than it promises: a user takes what it likes best among what it is shown, so a slate that
covers what it *may* like is worth more than one that bets on one guess. Here E[R] is a mean over points of the
posterior, and positions are filled one by one with whatever adds most to it. That is greedy and not exact: on slates of
three of six items it earns within 1 % of the best on average, which a test holds it to.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from driftline.agents.evolution.filter_lanes import ONE, ZERO, exponential
from driftline.agents.ranking import by_weight
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int32s, Int64s

HIGHEST = np.float32(30.0)
"""Utilities above `outside` plus this are as good as certain."""
P1, P2 = np.float32(0.3275911), np.float32(0.254829592)
P3, P4 = np.float32(-0.284496736), np.float32(1.421413741)
P5, P6 = np.float32(-1.453152027), np.float32(1.061405429)
ROOT_HALF = np.float32(sqrt(0.5))


class Doubt(NamedTuple):
    """How far a user's interest may lie from the best guess."""

    away: Float32s
    """Points of the posterior minus its mean, in click utility per unit of an item vector [n, K, d]."""
    slope: float
    """Latent satisfaction per unit of click utility."""


def doubtful_slate(
    utility: Floats,
    latent: Floats,
    items: Int32s,
    item_vectors: Float32s,
    doubt: Doubt,
    position_log_weight: Floats,
    outside: float,
    worth: tuple[float, float],
) -> Int64s:
    """Columns of the slate of each row, in order of position [n, L]; ties go to the lower column.

    utility, latent: best guesses of click utility and of latent satisfaction z, E[satisfaction] = 2 Phi(z) - 1
    [n, m]. items: [m] or [n, m], rows of item_vectors [I, d]. worth: (a, b), a consumed item earns a + b E[s].
    position_log_weight: [L]. Raises ValueError if m < L.
    """
    position = np.asarray(position_log_weight, dtype=np.float64)
    if utility.shape[1] < len(position):
        raise ValueError(
            f"{utility.shape[1]} candidates for a slate of {len(position)}; it needs at least {len(position)}"
        )
    heavy = by_weight(position)
    return _fill(
        np.ascontiguousarray(utility - outside, dtype=np.float32),
        np.ascontiguousarray(latent, dtype=np.float32),
        np.ascontiguousarray(np.atleast_2d(items)),
        item_vectors,
        np.ascontiguousarray(doubt.away),
        np.float32(doubt.slope),
        np.exp(position[heavy]).astype(np.float32),
        heavy,
        np.float32(worth[0]),
        np.float32(worth[1]),
    )


@kernel
def probit_worth(z: np.float32) -> np.float32:
    """2 Phi(z) - 1 = erf(z / sqrt 2), absolute error < 3e-7 (Abramowitz & Stegun 1964, 7.1.26)."""
    x = abs(z) * ROOT_HALF
    t = ONE / (ONE + P1 * x)
    size = ONE - ((((P6 * t + P5) * t + P4) * t + P3) * t + P2) * t * exponential(-x * x)
    return size if z >= ZERO else -size


@kernel
def _imagine(
    utility: Float32s,
    latent: Float32s,
    items: Int32s,
    item_vectors: Float32s,
    away: Float32s,
    slope: np.float32,
    pull: Float32s,
    earned: Float32s,
    shift: Float32s,
    base: np.float32,
    gain: np.float32,
) -> None:
    """pull = e^{u - outside} and earned = pull * reward of every item at every point [K, m]; `shift` [m] is scratch."""
    m = utility.size
    for k in range(away.shape[0]):
        for i in range(m):
            vector = item_vectors[items[i]]
            total = ZERO
            for j in range(away.shape[1]):
                total += away[k, j] * vector[j]
            shift[i] = total
        for i in range(m):
            pull[k, i] = exponential(min(utility[i] + shift[i], HIGHEST))
        for i in range(m):
            earned[k, i] = pull[k, i] * (base + gain * probit_worth(latent[i] + slope * shift[i]))


@kernel
def _fill(
    utility: Float32s,
    latent: Float32s,
    items: Int32s,
    item_vectors: Float32s,
    away: Float32s,
    slope: np.float32,
    weight: Float32s,
    heavy: Int64s,
    base: np.float32,
    gain: np.float32,
) -> Int64s:
    n, m = utility.shape
    points = away.shape[1]
    out = np.empty((n, weight.size), np.int64)
    pull, earned = np.empty((points, m), np.float32), np.empty((points, m), np.float32)
    total, shift = np.empty(m, np.float32), np.empty(m, np.float32)
    free = np.empty(m, np.bool_)
    numerator, mass = np.empty(points, np.float32), np.empty(points, np.float32)
    for row in range(n):
        mine = items[0 if items.shape[0] == 1 else row]
        _imagine(utility[row], latent[row], mine, item_vectors, away[row], slope, pull, earned, shift, base, gain)
        numerator[:] = ZERO
        mass[:] = ONE
        free[:] = True
        for place in range(weight.size):
            w = weight[place]
            total[:] = ZERO
            for k in range(points):
                for i in range(m):
                    total[i] += (numerator[k] + w * earned[k, i]) / (mass[k] + w * pull[k, i])
            best = -1
            for i in range(m):
                if free[i] and (best < 0 or total[i] > total[best]):
                    best = i
            free[best] = False
            out[row, heavy[place]] = best
            for k in range(points):
                numerator[k] += w * earned[k, best]
                mass[k] += w * pull[k, best]
    return out
