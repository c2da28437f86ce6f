"""The best slate: by click, by expected reward at the best guess, and over all that a user may like.

At the best guess a slate earns sum_k w_k e^{u_k} r_k / (e^outside + sum_k w_k e^{u_k}). Dinkelbach (1967, "On nonlinear
fractional programming"): for a guessed value v the best slate maximises sum_k w_k a_k, a = e^u (r - v), which is a
sorted matching; its own value is the next guess, and the guesses rise to the optimum in a few rounds.

The best guess earns less than it promises: a user takes what it likes best among what it is shown, so a slate that
covers what it *may* like is worth more than one that bets on one guess. `doubtful_slate` takes the mean over points of
the posterior and fills positions one by one with whatever adds most to it. That is greedy and not exact: on slates of
three of six items it earns within 1 % of the best on average, which a test holds it to.
"""

from math import exp, sqrt
from typing import NamedTuple

import numpy as np

from driftline.agents.evolution._bank_lanes import ONE, ZERO, exponential
from driftline.sim.kernel import kernel
from driftline.sim.keyed import Stream, normals, order
from driftline.sim.types import Float32s, Floats, Int32s, Int64s

MAX_ROUNDS = 60
HIGHEST = np.float32(30.0)
"""Utilities above `outside` plus this are as good as certain."""
P1, P2 = np.float32(0.3275911), np.float32(0.254829592)
P3, P4 = np.float32(-0.284496736), np.float32(1.421413741)
P5, P6 = np.float32(-1.453152027), np.float32(1.061405429)
ROOT_HALF = np.float32(sqrt(0.5))


def best_slate(click_utility: Floats, value: Floats, position_log_weight: Floats, outside: float) -> Int64s:
    """Columns of the exactly optimal slate of each row, in order of position [n, L].

    click_utility, value: [n, m] of the candidates. position_log_weight: [L]. outside: utility of nothing,
    which is worth 0. Ties go to the lower column. Raises ValueError if m < L.
    """
    utility, worth, position = _checked(click_utility, value, position_log_weight)
    return _best_slate(utility, worth, np.exp(position - position.max()), by_weight(position), outside - position.max())


def top_slate(utility: Floats, position_log_weight: Floats) -> Int64s:
    """Columns of the slate most likely to be clicked: the highest utilities, best position first [n, L]."""
    scores, _, position = _checked(utility, utility, position_log_weight)
    return _top_slate(scores, by_weight(position))


def expected_reward(click_utility: Floats, value: Floats, position_log_weight: Floats, outside: float) -> Floats:
    """Expected reward [n] of slates given in order of position: click_utility and value are [n, L]."""
    utility, worth, position = _checked(click_utility, value, position_log_weight)
    return _expected_reward(utility + position, worth, outside)


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


def spherical_points(count: int, dim: int, seed: int) -> Float32s:
    """`count` points [count, dim] with mean 0 exactly and, for every 2 dim of them, covariance I exactly.

    Randomly turned orthogonal axes of length sqrt(dim), each with its opposite: the spherical cubature rule
    (Arasaratnam & Haykin 2009, "Cubature Kalman filters"), keyed by the seed. An odd count leaves the origin in.
    They come in random order, so that a part of the list is no direction.
    """
    axes = np.empty((0, dim))
    half = count // 2
    turn = 0
    while len(axes) < half:
        draw = normals(seed, Stream.AGENT, np.arange(dim)[:, None], np.arange(dim)[None, :], turn)
        turned, upper = np.linalg.qr(draw)
        axes = np.concatenate([axes, np.sqrt(dim) * (turned * np.sign(np.diag(upper))).T])
        turn += 1
    points = np.concatenate([axes[:half], -axes[:half], np.zeros((count % 2, dim))])
    return points[order(seed, Stream.AGENT, count)].astype(np.float32)


def by_weight(position_log_weight: Floats) -> Int64s:
    """Positions from the heaviest to the lightest [L]; ties to the earlier one."""
    return np.argsort(-np.asarray(position_log_weight), kind="stable")


def _checked(utility: Floats, value: Floats, position: Floats) -> tuple[Floats, Floats, Floats]:
    u = np.ascontiguousarray(utility, dtype=np.float64)
    r = np.ascontiguousarray(value, dtype=np.float64)
    if u.shape != r.shape:
        raise ValueError(f"click_utility is {u.shape} but value is {r.shape}; they must agree")
    if u.shape[1] < len(position):
        raise ValueError(f"{u.shape[1]} candidates for a slate of {len(position)}; it needs at least {len(position)}")
    return u, r, np.ascontiguousarray(position, dtype=np.float64)


# -- compiled --------------------------------------------------------------------------------------------------


@kernel
def top_columns(scores: Floats, out: Int64s) -> None:
    """The columns of the `out.size` highest scores [m], highest first; ties to the lower column."""
    length = out.size
    held = 0
    for i in range(scores.size):
        if held == length and not scores[i] > scores[out[length - 1]]:
            continue
        at = held if held < length else length - 1
        while at > 0 and scores[i] > scores[out[at - 1]]:
            out[at] = out[at - 1]
            at -= 1
        out[at] = i
        held = min(held + 1, length)


@kernel
def probit_worth(z: np.float32) -> np.float32:
    """2 Phi(z) - 1 = erf(z / sqrt 2), absolute error < 3e-7 (Abramowitz & Stegun 1964, 7.1.26)."""
    x = abs(z) * ROOT_HALF
    t = ONE / (ONE + P1 * x)
    size = ONE - ((((P6 * t + P5) * t + P4) * t + P3) * t + P2) * t * exponential(-x * x)
    return size if z >= ZERO else -size


@kernel
def _top_slate(scores: Floats, heavy: Int64s) -> Int64s:
    n, length = scores.shape[0], heavy.size
    out = np.empty((n, length), np.int64)
    best = np.empty(length, np.int64)
    for row in range(n):
        top_columns(scores[row], best)
        for k in range(length):
            out[row, heavy[k]] = best[k]
    return out


@kernel
def _best_slate(utility: Floats, value: Floats, weight: Floats, heavy: Int64s, outside: float) -> Int64s:
    n, m = utility.shape
    length = weight.size
    out = np.empty((n, length), np.int64)
    pull, gain = np.empty(m), np.empty(m)
    best = np.empty(length, np.int64)
    for row in range(n):
        # e^u, measured from the highest utility.
        top = outside
        for i in range(m):
            top = max(top, utility[row, i])
        for i in range(m):
            pull[i] = exp(utility[row, i] - top)
        nothing = exp(outside - top)
        # The best slate if a visit is worth `guess`; its own worth is the next guess.
        guess = 0.0
        for step in range(MAX_ROUNDS):
            for i in range(m):
                gain[i] = pull[i] * (value[row, i] - guess)
            top_columns(gain, best)
            earned, mass = 0.0, nothing
            for k in range(length):
                share = weight[heavy[k]] * pull[best[k]]
                earned += share * value[row, best[k]]
                mass += share
            found = earned / mass
            if step > 0 and not found > guess:
                break  # the slate already held is optimal
            guess = found
            for k in range(length):
                out[row, heavy[k]] = best[k]
    return out


@kernel
def _expected_reward(utility: Floats, value: Floats, outside: float) -> Floats:
    n, length = utility.shape
    out = np.empty(n)
    for row in range(n):
        top = outside
        for k in range(length):
            top = max(top, utility[row, k])
        earned, mass = 0.0, exp(outside - top)
        for k in range(length):
            share = exp(utility[row, k] - top)
            earned += share * value[row, k]
            mass += share
        out[row] = earned / mass
    return out


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
        # What each item earns at each point of the posterior; nothing is filled yet.
        mine = items[0 if items.shape[0] == 1 else row]
        _imagine(utility[row], latent[row], mine, item_vectors, away[row], slope, pull, earned, shift, base, gain)
        numerator[:] = ZERO
        mass[:] = ONE
        free[:] = True
        for place in range(weight.size):
            # The heaviest free position goes to whatever adds most to the mean over all points.
            w = weight[place]
            total[:] = ZERO
            for k in range(points):
                for i in range(m):
                    total[i] += (numerator[k] + w * earned[k, i]) / (mass[k] + w * pull[k, i])
            best = -1
            for i in range(m):
                if free[i] and (best < 0 or total[i] > total[best]):
                    best = i
            # It is taken, and counts at every point from now on.
            free[best] = False
            out[row, heavy[place]] = best
            for k in range(points):
                numerator[k] += w * earned[k, best]
                mass[k] += w * pull[k, best]
    return out


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
